"""A day's signature: prepared by one person, compared and signed by another, or returned."""

import asyncio
import time
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from truc.console.desk import Filed, Reader, filing
from truc.console.rendering import page
from truc.errors import MalformedError
from truc.reconcile.reading import days as reading
from truc.reconcile.reading.days import Signing
from truc.reconcile.report.signed import sign_with_minutes
from truc.reconcile.work import sign_off
from truc.reconcile.work.roles import Deed

ROUTES = APIRouter()
# A run goes on about a second after its answer; a page is not kept waiting for a busy one.
RUN_SIGNS_WITHIN_S = 8.0
ASKED_EVERY_S = 0.25


@ROUTES.get("/days/{party}/{business_on}/sign")
def sign_page(visit: Reader, party: str, business_on: date, answered: bool = False) -> HTMLResponse:  # noqa: FBT001, FBT002  (a query parameter)
    """Where the signature stands, and what this user may do about it."""
    with visit.desk.store.begin() as transaction:
        seen = reading.day(transaction, party, business_on)
        if seen is None:
            raise HTTPException(404, "no_such_day")
        signing = seen.summary.signing
        unresolved = [one for one in reading.breaks(transaction, seen.summary.run_id) if one["state"] != "resolved"]
    carried = sum(one["reason_code"] == "carried" for one in unresolved)
    return page(
        visit,
        "sign.html.j2",
        one=seen.summary,
        signing=signing,
        answered=answered,
        carried=carried,
        in_the_way=len(unresolved) - carried,
        second_person=signing.prepared_by != visit.user.actor.name,
    )


@ROUTES.post("/days/{party}/{business_on}/prepare")
def prepare(party: str, business_on: date, filed: Annotated[Filed, Depends(filing(Deed.PREPARE))]) -> RedirectResponse:
    """Say that the day is checked."""
    with filed.visit.desk.store.begin() as transaction:
        sign_off.prepare(transaction, party, business_on, by=filed.visit.user.actor)
    return _back(filed, party, business_on)


@ROUTES.post("/days/{party}/{business_on}/sign")
async def sign(party: str, business_on: date, filed: Annotated[Filed, Depends(filing(Deed.SIGN))]) -> RedirectResponse:
    """Sign the day: through its run where one waits, which books it; else here. A run is not woken in vain."""
    if filed.one("compared") != "yes":
        raise HTTPException(422, "hash_not_compared")
    given = filed.one("content_hash")
    await run_in_threadpool(_check, filed, party, business_on, given)
    gate, request = filed.visit.desk.gate, filed.visit.request
    by = filed.visit.user.actor
    if not await gate.sign_run(request, party=party, business_on=business_on, content_hash=given, by=by):
        await run_in_threadpool(_sign_here, filed, party, business_on, given)
        return _back(filed, party, business_on)
    signed = await _signed(filed, party, business_on)
    return _back(filed, party, business_on, "" if signed else "?answered=true")


@ROUTES.post("/days/{party}/{business_on}/return")
def give_back(party: str, business_on: date, filed: Annotated[Filed, Depends(filing(Deed.READ))]) -> RedirectResponse:
    """Take a preparation back, as who prepared or as who should sign; a run of the day waits on."""
    with filed.visit.desk.store.begin() as transaction:
        sign_off.withdraw(transaction, party, business_on, by=filed.visit.user.actor, remark=filed.one("remark"))
    return _back(filed, party, business_on)


def _check(filed: Filed, party: str, business_on: date, given: str) -> None:
    """Refuse what sign_off would refuse, as far as it can be seen without a lock."""
    found = _signing(filed, party, business_on)
    if found.state != "prepared":
        reason = "day_signed" if found.state == "signed" else "not_prepared"
        raise MalformedError(f"business_on: {party} {business_on} is {found.state}", reason=reason)
    if found.prepared_by == filed.visit.user.actor.name:
        raise MalformedError("actor: who prepared a day does not sign it", reason="same_person")
    if found.content_hash != given:
        raise MalformedError("content_hash: is not the one that was prepared", reason="hash_differs")
    if found.stale:
        raise MalformedError("business_on: the day has changed since it was prepared", reason="day_changed")


def _sign_here(filed: Filed, party: str, business_on: date, given: str) -> None:
    desk = filed.visit.desk
    with desk.store.begin() as transaction:
        by = filed.visit.user.actor
        sign_with_minutes(transaction, party, business_on, by=by, content_hash=given, signer=desk.signer)


async def _signed(filed: Filed, party: str, business_on: date) -> bool:
    until = time.monotonic() + RUN_SIGNS_WITHIN_S
    while time.monotonic() < until:
        if (await run_in_threadpool(_signing, filed, party, business_on)).state == "signed":
            return True
        await asyncio.sleep(ASKED_EVERY_S)
    return False


def _signing(filed: Filed, party: str, business_on: date) -> Signing:
    with filed.visit.desk.store.begin() as transaction:
        return reading.signing(transaction, party, business_on)


def _back(filed: Filed, party: str, business_on: date, query: str = "") -> RedirectResponse:
    return RedirectResponse(filed.visit.path(f"/days/{party}/{business_on}/sign{query}"), 303)
