"""The list of breaks with its filters, and one break with its sides and its life."""

from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from truc.console.desk import NUMBER_MAX, Filed, Reader, Visit, filing, today
from truc.console.rendering import page
from truc.reconcile import words
from truc.reconcile.reading import breaks as reading_breaks
from truc.reconcile.reading import days as reading
from truc.reconcile.reading.breaks import BreakSeen, BreakState, Order, SideRow, Wanted
from truc.reconcile.report.headings import KINDS
from truc.reconcile.words import said
from truc.reconcile.work import attached
from truc.reconcile.work.roles import Deed, Role

ROUTES = APIRouter()
PAGE_SIZE = 50
FOUND_MAX = 500
RUN_MAX = 2**63 - 1  # PostgreSQL's bigint ends there
# The fields of a row, in the order they are read.
FIELDS = (
    "our_reference", "partner_reference", "kind", "amount_vnd", "fee_vnd", "state", "business_on", "occurred_at",
    "number", "source",
)  # fmt: skip
# An attachment is a file for a disk: whatever it says it is, no browser acts on it here.
NO_ACTING = {"Content-Security-Policy": "default-src 'none'; sandbox"}


class Filters(BaseModel):
    """What the address of the list says. Names of people are not in it: it ends in logs."""

    party: str = ""
    since: date | Literal[""] = ""
    until: date | Literal[""] = ""
    break_class: str = Field("", alias="class")
    state: BreakState | Literal["unresolved", "any"] = "unresolved"
    who: Literal["", "mine", "nobody"] = ""
    age: str = ""
    run: Annotated[int, Field(ge=1, le=RUN_MAX)] | Literal[""] = ""
    order: Order = "age"
    page: int = Field(1, ge=1, le=100_000)
    lang: str = ""


@ROUTES.get("/breaks")
def list_breaks(visit: Reader, asked: Annotated[Filters, Query()]) -> HTMLResponse:
    """One page of breaks."""
    wanted = Wanted(
        party=asked.party,
        since=asked.since or None,
        until=asked.until or None,
        break_class=asked.break_class,
        state="" if asked.state == "any" else asked.state,
        assignee={"": "", "mine": visit.user.actor.name, "nobody": "-"}[asked.who],
        bucket=asked.age,
        run_id=asked.run or None,
        order=asked.order,
        page=asked.page,
        page_size=PAGE_SIZE,
    )
    return _list(visit, wanted, asked.model_dump(by_alias=True, exclude={"page", "lang"}))


@ROUTES.post("/breaks/find")
def find(filed: Annotated[Filed, Depends(filing(Deed.READ))]) -> HTMLResponse:
    """The breaks whose references or id hold a text. It comes in a form: an address ends in logs."""
    wanted = Wanted(text=filed.one("text"), page_size=FOUND_MAX)
    return _list(filed.visit, wanted, Filters(state="any").model_dump(by_alias=True, exclude={"page", "lang"}))


@ROUTES.get("/breaks/{break_id}")
def one_break(visit: Reader, break_id: str) -> HTMLResponse:
    """One break: its sides beside each other, its life, and what may be done now."""
    with visit.desk.store.begin() as transaction:
        seen = reading_breaks.get_break(transaction, break_id, today=today())
        signing = reading.signing(transaction, seen.line.party, seen.line.business_on)
    return page(
        visit,
        "break.html.j2",
        seen=seen,
        one=seen.line,
        signing=signing,
        rows=_rows(seen),
        colleagues=_colleagues(visit),
        proposals=_proposals(seen),
        kinds=lambda kind: said(KINDS, kind, visit.language.value),
        file_bytes_max=attached.BODY_BYTES_MAX,
        accepted=",".join(attached.KINDS),
        second_person=seen.line.proposed_by != visit.user.actor.name,
    )


@ROUTES.get("/breaks/{break_id}/files/{number}")
def attachment(visit: Reader, break_id: str, number: Annotated[int, Path(ge=1, le=NUMBER_MAX)]) -> Response:
    """An attached file, to be saved."""
    with visit.desk.store.begin() as transaction:
        found, body = reading_breaks.attachment(transaction, break_id, number)
    headers = {**NO_ACTING, "Content-Disposition": saved_as(found.name)}
    return Response(body, media_type=found.media_type, headers=headers)


def saved_as(name: str) -> str:
    """Return the header that makes a browser save a file under its own name, also a Vietnamese one (RFC 6266)."""
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._- ") else "_" for sign in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _list(visit: Visit, wanted: Wanted, asked: dict[str, Any]) -> HTMLResponse:
    with visit.desk.store.begin() as transaction:
        found = reading_breaks.list_breaks(transaction, wanted, today=today())
        parties = reading.parties(transaction)
    return page(
        visit,
        "breaks.html.j2",
        found=found,
        asked=asked,
        text=wanted.text,
        parties=parties,
        ages=list(reading_breaks.BUCKETS),
        colleagues=_colleagues(visit),
    )


def _colleagues(visit: Visit) -> list[str]:
    """Whom a break may be given to: the clerks. Asked only for who may give one."""
    if not visit.may(Deed.ASSIGN):
        return []
    return sorted({*visit.desk.gate.holders(Role.CLERK), visit.user.actor.name})


def _proposals(seen: BreakSeen) -> list[str]:
    """What fits this break first."""
    fitting = [one for one in seen.suggestions if one in words.PROPOSALS]
    return [*fitting, *(one for one in words.PROPOSALS if one in words.DECISIONS and one not in fitting)]


def _rows(seen: BreakSeen) -> list[tuple[str, list[tuple[SideRow, object, bool]]]]:
    """The sides as a table: a line for each field that any side fills, a column for each row."""
    lines = [(name, [(row, getattr(row, name), name in row.differs) for row in seen.sides]) for name in FIELDS]
    return [(name, cells) for name, cells in lines if any(value not in ("", None) for _, value, _ in cells)]
