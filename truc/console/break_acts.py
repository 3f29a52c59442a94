"""What is done to breaks: given, remarked on, proposed for, approved; each form comes back to the page it came from."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import RedirectResponse

from truc.console.desk import Filed, Visit, filing
from truc.operating import breaks
from truc.reconcile.work import breaks as work
from truc.reconcile.work.roles import Deed
from truc.services import booking

ROUTES = APIRouter()
LIST = "/breaks"


@ROUTES.post("/breaks/assign")
def assign_many(filed: Annotated[Filed, Depends(filing(Deed.ASSIGN))]) -> RedirectResponse:
    """Give the ticked breaks to somebody; all or none."""
    ticked = filed.every("break")
    if not ticked:
        raise HTTPException(422, "nothing_ticked")
    with filed.visit.desk.store.begin() as transaction:
        work.assign(transaction, ticked, to=filed.one("to"), by=filed.visit.user.actor, remark=filed.one("remark"))
    return _to(filed.visit, f"{LIST}?{filed.one('asked').removeprefix('?')}" if filed.one("asked") else LIST)


@ROUTES.post("/breaks/carry")
def carry_many(filed: Annotated[Filed, Depends(filing(Deed.CARRY))]) -> RedirectResponse:
    """Carry the ticked breaks forward; all or none."""
    ticked = filed.every("break")
    if not ticked:
        raise HTTPException(422, "nothing_ticked")
    with filed.visit.desk.store.begin() as transaction:
        work.carry_forward(transaction, ticked, by=filed.visit.user.actor, remark=filed.one("remark"))
    return _to(filed.visit, f"{LIST}?{filed.one('asked').removeprefix('?')}" if filed.one("asked") else LIST)


@ROUTES.post("/breaks/{break_id}/assign")
def assign(break_id: str, filed: Annotated[Filed, Depends(filing(Deed.ASSIGN))]) -> RedirectResponse:
    """Give one break to somebody."""
    with filed.visit.desk.store.begin() as transaction:
        work.assign(transaction, [break_id], to=filed.one("to"), by=filed.visit.user.actor)
    return _to(filed.visit, f"{LIST}/{break_id}")


@ROUTES.post("/breaks/{break_id}/comment")
def comment(break_id: str, filed: Annotated[Filed, Depends(filing(Deed.COMMENT))]) -> RedirectResponse:
    """Write a remark."""
    with filed.visit.desk.store.begin() as transaction:
        work.comment(transaction, break_id, by=filed.visit.user.actor, remark=filed.one("remark"))
    return _to(filed.visit, f"{LIST}/{break_id}", "life")


@ROUTES.post("/breaks/{break_id}/attach")
def attach(break_id: str, filed: Annotated[Filed, Depends(filing(Deed.ATTACH))]) -> RedirectResponse:
    """Keep a file with the break."""
    if filed.upload is None or not filed.upload.name:
        raise HTTPException(422, "no_file")
    name, body = filed.upload.name, filed.upload.body
    with filed.visit.desk.store.begin() as transaction:
        work.attach(transaction, break_id, by=filed.visit.user.actor, name=name, body=body)
    return _to(filed.visit, f"{LIST}/{break_id}", "files")


@ROUTES.post("/breaks/{break_id}/propose")
def propose(break_id: str, filed: Annotated[Filed, Depends(filing(Deed.PROPOSE))]) -> RedirectResponse:
    """Propose how to end the break."""
    with filed.visit.desk.store.begin() as transaction:
        work.propose(
            transaction,
            break_id,
            by=filed.visit.user.actor,
            proposal=filed.one("proposal"),
            reason_code=filed.one("reason"),
            remark=filed.one("remark"),
        )
    return _to(filed.visit, f"{LIST}/{break_id}")


@ROUTES.post("/breaks/{break_id}/approve")
def approve(break_id: str, filed: Annotated[Filed, Depends(filing(Deed.APPROVE))]) -> RedirectResponse:
    """Approve what was proposed, as a second person."""
    store, actor = filed.visit.desk.store, filed.visit.user.actor
    breaks.approve(store, break_id, by=actor, book=booking.booker(store), remark=filed.one("remark"))
    return _to(filed.visit, f"{LIST}/{break_id}")


@ROUTES.post("/breaks/{break_id}/reject")
def reject(break_id: str, filed: Annotated[Filed, Depends(filing(Deed.APPROVE))]) -> RedirectResponse:
    """Refuse what was proposed."""
    with filed.visit.desk.store.begin() as transaction:
        work.reject(transaction, break_id, by=filed.visit.user.actor, remark=filed.one("remark"))
    return _to(filed.visit, f"{LIST}/{break_id}")


def _to(visit: Visit, path: str, place: str = "main") -> RedirectResponse:
    return RedirectResponse(visit.path(f"{path}#{place}"), 303)
