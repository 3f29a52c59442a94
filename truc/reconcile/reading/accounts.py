"""The account of a reconciled day as it stands: its lines per leg and side, its breaks by class, its flow of money."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, case, func, select, text

from truc.reconcile.words import LEGS, TOTALS
from truc.reconcile.work import sign_off
from truc.store import reconciliation
from truc.store.opened import Transaction
from truc.store.reconciliation import RunRow, Side
from truc.store.tables.breaks import BREAK_ITEMS
from truc.store.tables.reconciliation import (
    RECONCILIATION_BREAKS,
    RECONCILIATION_MATCHES,
    RECONCILIATION_TOTALS,
)


@dataclass(frozen=True, slots=True)
class Total:
    """So many rows, so many đồng."""

    rows: int
    vnd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassTotal:
    """The breaks of one class in a run. `breaks` counts breaks, not rows; `open` those that nobody resolved yet.

    `at_risk_vnd` is the sum of the breaks' amounts at risk, never negative, and `open_vnd` that of the open ones;
    `difference_vnd` is the signed core − partner.
    """

    break_class: str
    breaks: int
    open: int
    at_risk_vnd: int
    open_vnd: int
    difference_vnd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LegTotal:
    """A line of a day's account: `what` is carried_in, new, matched, no_money, written_off, carried_out or a class."""

    leg: str  # statement (with settlement and return), receipts, remittance
    side: Literal["core", "partner"]
    what: str
    rows: int
    vnd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """One station of the money's way: core → partner → bank → treasury.

    `total` is what stands there, `agreed` what of it agrees with the station before (of `core`: with the partner),
    `breaks` and `at_risk_vnd` what does not. `asked` is False where the day has nothing to compare there.
    """

    name: Literal["core", "partner", "bank", "treasury"]
    asked: bool
    total: Total
    agreed: Total
    breaks: int
    at_risk_vnd: int


def classes(transaction: Transaction, run: RunRow) -> tuple[ClassTotal, ...]:
    """Return the run's breaks by class. A day of the old form has breaks without a life: they count as open."""
    found = RECONCILIATION_BREAKS.c
    at_risk = _at_risk()
    still = func.coalesce(BREAK_ITEMS.c.state, "open") != "resolved"
    query = (
        select(
            found.break_class,
            func.count().label("breaks"),
            func.count().filter(still).label("open"),
            func.sum(at_risk).label("at_risk_vnd"),
            func.coalesce(func.sum(at_risk).filter(still), 0).label("open_vnd"),
            func.sum(found.difference_vnd).label("difference_vnd"),
        )
        .outerjoin(BREAK_ITEMS, BREAK_ITEMS.c.break_id == found.break_id)
        .where(found.run_id == run.id)
        .group_by(found.break_class)
        .order_by(found.break_class)
    )
    return tuple(
        ClassTotal(
            break_class=row.break_class,
            breaks=row.breaks,
            open=row.open,
            at_risk_vnd=int(row.at_risk_vnd),
            open_vnd=int(row.open_vnd),
            difference_vnd=int(row.difference_vnd),
        )
        for row in transaction.sql.execute(query)
    )


def totals(transaction: Transaction, run: RunRow) -> tuple[LegTotal, ...]:
    """Return the account as it was kept, with its ends as they stand: what people resolved since is written off."""
    rows = transaction.sql.execute(select(RECONCILIATION_TOTALS).where(RECONCILIATION_TOTALS.c.run_id == run.id)).all()
    kept = {(one.leg, one.side, one.what): (one.rows, one.vnd) for one in rows}
    ends = _ends(transaction, run, {(leg, side) for leg, side, _ in kept})
    return tuple(
        LegTotal(leg=leg, side=side, what=what, rows=figures[0], vnd=figures[1])
        for (leg, side, what), figures in sorted((kept | ends).items(), key=_by_account)
    )


def _by_account(line: tuple[tuple[str, str, str], tuple[int, int]]) -> tuple[int, str, int, str]:
    (leg, side, what), _ = line
    lines, legs = list(TOTALS), list(LEGS)
    return (legs.index(leg), side, lines.index(what) if what in lines else len(lines), what)


def _ends(
    transaction: Transaction, run: RunRow, accounts: set[tuple[str, str]]
) -> dict[tuple[str, str, str], tuple[int, int]]:
    """A signed day is told as it was signed: what became of its breaks on later days is told there."""
    standing = sign_off.standing(transaction, run.party, run.business_on)
    upto = standing.last_event if standing is not None and standing.approved_by is not None else None
    query = _ENDS_AT if upto is not None else _ENDS_NOW
    ends = {(leg, side, what): (0, 0) for leg, side in accounts for what in ("written_off", "carried_out")}
    for row in transaction.sql.execute(query, {"run_id": run.id, "upto": upto}):
        account = reconciliation.ACCOUNT_OF[row.leg]
        for side, rows, vnd in (("core", row.core_rows, row.core_vnd), ("partner", row.partner_rows, row.partner_vnd)):
            name = (account, side, "written_off" if row.written_off else "carried_out")
            before = ends.get(name, (0, 0))
            ends[name] = (before[0] + int(rows), before[1] + int(vnd))
    return ends


# Resolved by a run of a later day: it was carried out of this one.
_ENDS = """
    SELECT one.leg, {ended} AS written_off, sum(one.core_rows) AS core_rows, sum(one.core_money_vnd) AS core_vnd,
        sum(one.partner_rows) AS partner_rows, sum(one.partner_money_vnd) AS partner_vnd
    FROM reconciliation_breaks AS one {life} WHERE one.run_id = :run_id GROUP BY 1, 2
"""
_ENDS_NOW = text(
    _ENDS.format(
        ended="coalesce(item.state = 'resolved' AND item.resolved_by_run IS NULL, false)",
        life="LEFT JOIN break_items AS item ON item.break_id = one.break_id AND CAST(:upto AS bigint) IS NULL",
    )
)
_ENDS_AT = text(
    _ENDS.format(
        ended="coalesce(event.to_state = 'resolved' AND event.run_id IS NULL, false)",
        life="""LEFT JOIN LATERAL (
            SELECT to_state, run_id FROM break_events
            WHERE break_id = one.break_id AND number <= :upto AND action NOT IN ('commented', 'attached')
            ORDER BY number DESC LIMIT 1) AS event ON true""",
    )
)


def difference_vnd(transaction: Transaction, run_id: int) -> int:
    """Return Σ core − Σ partner of what met the statement, or should have: the one number that is called difference.

    What the bank settled is left out (leg settlement, and batches): a payout is no second payment.
    """
    return int(transaction.sql.execute(_DIFFERENCE, {"run_id": run_id}).scalar_one())


def payouts(transaction: Transaction, run_id: int) -> Total:
    """Return the lines that say how the partner paid its own lines over: money that stands in those lines already."""
    found = transaction.sql.execute(_PAYOUTS, {"run_id": run_id}).one()
    return Total(int(found.rows), int(found.vnd))


_OF_RUN = """
    WITH one AS (
        SELECT leg, rule, core_rows, partner_rows, core_money_vnd, partner_money_vnd FROM reconciliation_matches
        WHERE run_id = :run_id
        UNION ALL
        SELECT leg, rule, core_rows, partner_rows, core_money_vnd, partner_money_vnd FROM reconciliation_breaks
        WHERE run_id = :run_id)"""
_DIFFERENCE = text(f"""{_OF_RUN}
    SELECT coalesce(sum(core_money_vnd - partner_money_vnd), 0) FROM one
    WHERE leg IN ('statement', 'return') AND rule <> 'batch'""")  # noqa: S608  (made of our own words)
_PAYOUTS = text(f"""{_OF_RUN}
    SELECT coalesce(sum(partner_rows), 0) AS rows, coalesce(sum(partner_money_vnd), 0) AS vnd FROM one
    WHERE leg = 'settlement' AND core_rows = 0""")  # noqa: S608  (made of our own words)


def flow(transaction: Transaction, run: RunRow, lines: tuple[LegTotal, ...]) -> tuple[Station, ...]:
    """Return the four stations: core and partner as the day's account has them, bank and treasury by their legs.

    What the bank settled (leg settlement, and batches) stands in the statement's account too: it is told once, there.
    """
    legs = _legs(transaction, run)
    bank, treasury = legs.get("settlement", _NOTHING), legs.get("remittance", _NOTHING)
    core, partner = (_side(lines, side) for side in reconciliation.SIDES)
    beside = [figures for leg, figures in legs.items() if leg in ("statement", "return")]
    return (
        Station(
            name="core",
            asked=True,
            total=core.total,
            agreed=core.agreed,
            breaks=sum(one.core_breaks for one in beside),
            at_risk_vnd=sum(one.core_at_risk_vnd for one in beside),
        ),
        Station(
            name="partner",
            asked=True,
            total=_less(partner.total, bank.total),
            agreed=_less(partner.agreed, bank.agreed),
            breaks=sum(one.breaks for one in beside),
            at_risk_vnd=sum(one.at_risk_vnd for one in beside),
        ),
        _station("bank", bank),
        _station("treasury", treasury),
    )


@dataclass(frozen=True, slots=True)
class _Side:
    total: Total
    agreed: Total


@dataclass(frozen=True, slots=True)
class _Leg:
    """What stands on the partner's side of one leg. `breaks` are those that hold a row of that side."""

    total: Total
    agreed: Total
    breaks: int
    at_risk_vnd: int
    core_breaks: int
    core_at_risk_vnd: int


_NOTHING = _Leg(Total(0, 0), Total(0, 0), 0, 0, 0, 0)


def _side(lines: tuple[LegTotal, ...], side: Side) -> _Side:
    of = {one.what: Total(one.rows, one.vnd) for one in lines if (one.leg, one.side) == ("statement", side)}
    came = [of[what] for what in ("carried_in", "new") if what in of]
    total = Total(sum(one.rows for one in came), sum(one.vnd for one in came))
    return _Side(total, of.get("matched", Total(0, 0)))


def _legs(transaction: Transaction, run: RunRow) -> dict[str, _Leg]:
    matched = {row.leg: row for row in transaction.sql.execute(_matched(run.id))}
    broken = {row.leg: row for row in transaction.sql.execute(_broken(run.id))}
    found = {}
    for leg in matched.keys() | broken.keys():
        good, bad = matched.get(leg), broken.get(leg)
        agreed = Total(0, 0) if good is None else Total(int(good.rows), int(good.vnd))
        beside = Total(0, 0) if bad is None else Total(int(bad.rows), int(bad.vnd))
        found[leg] = _Leg(
            total=Total(agreed.rows + beside.rows, agreed.vnd + beside.vnd),
            agreed=agreed,
            breaks=0 if bad is None else bad.breaks,
            at_risk_vnd=0 if bad is None else int(bad.at_risk_vnd),
            core_breaks=0 if bad is None else bad.core_breaks,
            core_at_risk_vnd=0 if bad is None else int(bad.core_at_risk_vnd),
        )
    return found


def _matched(run_id: int) -> Select[str, Any, Any]:
    one = RECONCILIATION_MATCHES.c
    leg = _where(one.leg, one.rule)
    query = select(leg, func.sum(one.partner_rows).label("rows"), func.sum(one.partner_money_vnd).label("vnd"))
    return query.where(one.run_id == run_id).group_by(leg)


def _broken(run_id: int) -> Select[str, Any, Any, int, int, int, int]:
    one = RECONCILIATION_BREAKS.c
    leg = _where(one.leg, one.rule)
    at_risk = _at_risk()
    theirs, ours = one.partner_rows > 0, one.core_rows > 0
    return (
        select(
            leg,
            func.sum(one.partner_rows).label("rows"),
            func.sum(one.partner_money_vnd).label("vnd"),
            func.count().filter(theirs).label("breaks"),
            func.coalesce(func.sum(at_risk).filter(theirs), 0).label("at_risk_vnd"),
            func.count().filter(ours).label("core_breaks"),
            func.coalesce(func.sum(at_risk).filter(ours), 0).label("core_at_risk_vnd"),
        )
        .outerjoin(BREAK_ITEMS, BREAK_ITEMS.c.break_id == one.break_id)
        .where(one.run_id == run_id)
        .group_by(leg)
    )


def _where(leg: ColumnElement[str], rule: ColumnElement[str]) -> ColumnElement[str]:
    """A netted batch is of the statement's leg, and is money that the bank moved."""
    return case((rule == "batch", "settlement"), else_=leg).label("leg")


def _station(name: Literal["bank", "treasury"], leg: _Leg) -> Station:
    asked = leg is not _NOTHING
    return Station(
        name=name, asked=asked, total=leg.total, agreed=leg.agreed, breaks=leg.breaks, at_risk_vnd=leg.at_risk_vnd
    )


def _less(whole: Total, part: Total) -> Total:
    return Total(whole.rows - part.rows, whole.vnd - part.vnd)


def _at_risk() -> ColumnElement[int]:
    """A break of a day of the old form has no life that says it: then computed as break_lives.at_risk_vnd does."""
    found = RECONCILIATION_BREAKS.c
    greater = func.greatest(func.abs(found.core_vnd), func.abs(found.partner_vnd))
    computed = func.coalesce(func.nullif(func.abs(found.difference_vnd), 0), greater)
    return func.coalesce(BREAK_ITEMS.c.at_risk_vnd, computed)
