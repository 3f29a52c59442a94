"""Runs of a day as the engine hands them over, made by hand: rows, the totals they add up to, and people at work."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import select

from truc.reconcile.work.roles import Role, actor
from truc.store.opened import Store
from truc.store.reconciliation import ACCOUNT_OF, KeptRun, Run, Total, keep_run
from truc.store.tables.breaks import BREAK_ITEMS

DAY, NEXT_DAY = date(2026, 11, 20), date(2026, 11, 21)
HOA = actor("hoa", Role.CLERK)
LAN = actor("lan", Role.CLERK)
MINH = actor("minh", Role.APPROVER)
THU = actor("thu", Role.APPROVER)
BOTH = actor("hoa", Role.CLERK, Role.APPROVER)
AUDITOR = actor("kim", Role.AUDITOR)
ADMIN = actor("admin", Role.ADMIN)


def matched(reference: str, vnd: int = 50_000, **changes: Any) -> dict[str, Any]:
    """A payment and its line."""
    row = {
        "leg": "statement",
        "rule": "exact_reference",
        "party": "momo",
        "kind": "payment",
        "our_reference": reference,
        "partner_reference": f"T-{reference}",
        "agency": "",
        "core_rows": 1,
        "partner_rows": 1,
        "core_vnd": vnd,
        "partner_vnd": vnd,
        "difference_vnd": 0,
        "business_on": DAY,
        "core_money_vnd": vnd,
        "partner_money_vnd": vnd,
    }
    return row | changes


def broken(break_id: str, break_class: str = "missing_at_partner", vnd: int = 50_000, **changes: Any) -> dict[str, Any]:
    """A break of our own row alone; `theirs` True makes it the partner's."""
    theirs = break_class in ("missing_in_core", "duplicate_at_partner")
    core, partner = (0, vnd) if theirs else (vnd, 0)
    row = matched(f"P-{break_id}") | {
        "break_id": break_id.ljust(16, "0"),
        "break_class": break_class,
        "rule": "none",
        "core_rows": 0 if theirs else 1,
        "partner_rows": 1 if theirs else 0,
        "core_vnd": core,
        "partner_vnd": partner,
        "difference_vnd": core - partner,
        "core_money_vnd": core,
        "partner_money_vnd": partner,
    }
    return row | changes


def run_of(inputs: str, *, business_on: date = DAY, party: str = "momo", **changes: Any) -> Run:
    """A run whose inputs have this name."""
    run = Run(
        party=party,
        business_on=business_on,
        spec="payments",
        spec_version=1,
        spec_digest="5" * 64,
        engine="duckdb",
        input_digest=inputs.ljust(64, "0"),
        sql="SELECT 1",
    )
    return replace(run, **changes)


def totals_of(rows: Iterable[dict[str, Any]], carried_in: Iterable[dict[str, Any]] = ()) -> list[Total]:
    """What came in, so that it agrees with these rows; those of `carried_in` are no new ones."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    carried = [one["break_id"] for one in carried_in]
    for row in rows:
        what = "carried_in" if row.get("break_id") in carried else "new"
        for side in ("core", "partner"):
            into = sums.setdefault((ACCOUNT_OF[row["leg"]], side, what), [0, 0])
            into[0] += row[f"{side}_rows"]
            into[1] += row[f"{side}_money_vnd"]
    return [Total(leg=leg, side=side, what=what, rows=n, vnd=vnd) for (leg, side, what), (n, vnd) in sums.items()]


def keep(
    store: Store,
    inputs: str,
    *,
    matches: Iterable[dict[str, Any]] = (),
    breaks: Iterable[dict[str, Any]] = (),
    **changes: Any,
) -> KeptRun:
    """Keep a run in a transaction of its own."""
    run = run_of(inputs, **changes)
    rows = [[{**one, "party": run.party} for one in given] for given in (matches, breaks)]
    totals = totals_of([*rows[0], *rows[1]], [one for one in rows[1] if one["break_id"] in run.carried_in])
    with store.begin() as transaction:
        return keep_run(transaction, run, rows[0], rows[1], totals)


def name(short: str) -> str:
    """The whole id of a break."""
    return short.ljust(16, "0")


def item(store: Store, short: str) -> Any:
    """A break's row."""
    with store.begin() as transaction:
        return transaction.sql.execute(select(BREAK_ITEMS).where(BREAK_ITEMS.c.break_id == name(short))).one()
