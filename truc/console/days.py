"""The morning's overview of all channels, and one party's day with its flow of money."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse

from truc.console import flow
from truc.console.desk import NUMBER_MAX, Reader, today
from truc.console.rendering import page, party_name
from truc.reconcile import words
from truc.reconcile.reading import days as reading
from truc.reconcile.reading.days import DaySummary, LegTotal, Total

ROUTES = APIRouter()
SIDES: tuple[Literal["core", "partner"], ...] = ("core", "partner")
CAME = ("carried_in", "new")
Account = list[tuple[str, list[Total]]]  # of a leg: what, and how much of it on each of SIDES


@ROUTES.get("/")
def overview(visit: Reader, day: date | None = None) -> HTMLResponse:
    """Every party of the day, with totals; without a day, the newest that was reconciled."""
    with visit.desk.store.begin() as transaction:
        newest = reading.newest_day(transaction)
        chosen = day or newest or today()
        lines = reading.days(transaction, business_on=chosen)
    return page(visit, "overview.html.j2", day=chosen, newest=newest, lines=lines, all=_together(lines))


@ROUTES.get("/days/{party}/{business_on}")
def one_day(
    visit: Reader, party: str, business_on: date, version: Annotated[int | None, Query(ge=1, le=NUMBER_MAX)] = None
) -> HTMLResponse:
    """One party's day: its flow, its breaks by class, its account, its versions."""
    with visit.desk.store.begin() as transaction:
        seen = reading.day(transaction, party, business_on, version=version)
    if seen is None:
        raise HTTPException(404, "no_such_day")
    picture = flow.picture(seen, party_name(party, visit.language), visit.language)
    account = _account(seen.totals)
    left = {leg: [_left(lines, side) for side in range(len(SIDES))] for leg, lines in account.items()}
    return page(visit, "day.html.j2", seen=seen, one=seen.summary, picture=picture, account=account, left=left)


def _account(totals: Sequence[LegTotal]) -> dict[str, Account]:
    """What came and where it went, both sides beside each other, for each leg."""
    found = {(one.leg, one.what, one.side): Total(one.rows, one.vnd) for one in totals}
    return {
        leg: [
            (what, [found.get((leg, what, side), Total(0, 0)) for side in SIDES])
            for what in words.TOTALS
            if any((leg, what, side) in found for side in SIDES)
        ]
        for leg in dict.fromkeys(one.leg for one in totals)
    }


def _left(lines: Account, side: int) -> Total:
    """What came less where it went: nothing, on a day that conserves."""
    signed = [(1 if what in CAME else -1, sides[side]) for what, sides in lines]
    return Total(sum(sign * one.rows for sign, one in signed), sum(sign * one.vnd for sign, one in signed))


def _together(lines: list[DaySummary]) -> dict[str, object]:
    return {
        "core": _sum([one.core for one in lines]),
        "partner": _sum([one.partner for one in lines]),
        "matched": _sum([one.matched for one in lines]),
        "difference_vnd": sum(one.difference_vnd for one in lines),
        "breaks": sum(one.breaks for one in lines),
        "open_breaks": sum(one.open_breaks for one in lines),
        "open_vnd": sum(one.open_vnd for one in lines),
        "signed": sum(one.signing.state == "signed" for one in lines),
    }


def _sum(totals: list[Total]) -> Total:
    return Total(sum(one.rows for one in totals), sum(one.vnd for one in totals))
