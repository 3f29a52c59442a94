"""How old what is unresolved is: by party and class, across the ages."""

from collections import defaultdict

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from truc.console.desk import Reader, today
from truc.console.rendering import page
from truc.reconcile.reading import breaks as reading_breaks
from truc.reconcile.reading import days as reading
from truc.reconcile.reading.breaks import BUCKETS, Aged

ROUTES = APIRouter()


@ROUTES.get("/ageing")
def ageing(visit: Reader, party: str = "") -> HTMLResponse:
    """A line for each party and class, a column for each age."""
    on = today()
    with visit.desk.store.begin() as transaction:
        found = reading_breaks.ageing(transaction, today=on, party=party)
        parties = reading.parties(transaction)
    lines: dict[tuple[str, str], dict[str, Aged]] = defaultdict(dict)
    for one in found:
        lines[one.party, one.break_class][one.bucket] = one
    together = {age: _together([one for one in found if one.bucket == age]) for age in BUCKETS}
    return page(
        visit,
        "ageing.html.j2",
        on=on,
        party=party,
        parties=parties,
        lines=dict(lines),
        ages=list(BUCKETS),
        together=together,
        all=_together(found),
    )


def _together(found: list[Aged]) -> tuple[int, int]:
    return sum(one.breaks for one in found), sum(one.at_risk_vnd for one in found)
