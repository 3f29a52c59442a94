"""A reconciled day made for tests: every kind of row a report shows, with references that do mischief."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from truc.reconcile.report.contents import BREAKS, SIDES, AccountLine, DayReport, Signature, carried_of
from truc.reconcile.schemas import MATCH_SCHEMA

DAY = date(2026, 11, 20)
RUN_AT = datetime(2026, 11, 21, 1, 30, 15, tzinfo=UTC)
SIGNED = Signature(
    state="signed",
    content_hash="c0" * 32,
    prepared_by="Nguyễn Thị Hạnh",
    prepared_at=datetime(2026, 11, 21, 2, 0, tzinfo=UTC),
    approved_by="Trần Đức Thắng",
    approved_at=datetime(2026, 11, 21, 3, 0, tzinfo=UTC),
    report_digest="ab" * 32,
)
# References that a spreadsheet, a CSV reader or a PDF could take for something else.
MISCHIEF = (
    "=1+1",
    '=HYPERLINK("http://x","y")',
    "+84901234567",
    "-5",
    "@SUM(A1)",
    "{nb}",
    "0012345678901234567890",
    'a,"b"',
    "hai\ndòng",
    "\tTAB",
    "ĐỐI-SOÁT/Ữ",
    "**đậm**",
    "",
    "日本\ue0ff",
)


def a_match(number: int, amount_vnd: int, **changes: Any) -> dict[str, Any]:
    """One payment that matched."""
    return {
        "leg": "statement",
        "rule": "exact_reference",
        "party": "momo",
        "kind": "payment",
        "our_reference": f"TRUC{number:08}",
        "partner_reference": f"MM{number:010}",
        "agency": "H40.12",
        "core_rows": 1,
        "partner_rows": 1,
        "core_vnd": amount_vnd,
        "partner_vnd": amount_vnd,
        "difference_vnd": 0,
        "business_on": DAY,
        "core_money_vnd": amount_vnd,
        "partner_money_vnd": amount_vnd,
        **changes,
    }


def a_break(number: int, break_class: str, core_vnd: int, partner_vnd: int, **changes: Any) -> dict[str, Any]:
    """One break, open."""
    difference = core_vnd - partner_vnd
    row = a_match(number, 0, rule="none", core_vnd=core_vnd, partner_vnd=partner_vnd, difference_vnd=difference)
    return {
        **row,
        "break_id": f"{number:016x}",
        "break_class": break_class,
        "core_money_vnd": core_vnd,
        "partner_money_vnd": partner_vnd,
        "at_risk_vnd": abs(difference) or max(core_vnd, partner_vnd),
        "state": "open",
        "assignee": "",
        "reason_code": "",
        "proposal": "",
        "proposed_by": "",
        "approved_by": "",
        "resolution": "",
        "opened_on": DAY,
        "age_days": 0,
        **changes,
    }


def day_report(matches: list[dict[str, Any]], breaks: list[dict[str, Any]], **changes: Any) -> DayReport:
    """Return the report of these rows; every unresolved break is carried forward."""
    return DayReport(
        **{
            "lang": "vi",
            "parties": ("momo",),
            "first_on": DAY,
            "last_on": DAY,
            "version": 2,
            "spec": "payments 1",
            "made_at": RUN_AT,
            "spec_digest": "5e" * 32,
            "input_digest": "1d" * 32,
            "result_digest": "7e" * 32,
            "account": account(matches, breaks),
            "matches": table(matches, MATCH_SCHEMA),
            "breaks": table(breaks, BREAKS),
            "carried": carried_of(table(breaks, BREAKS)),
            **changes,
        }
    )


def table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([{name: row[name] for name in schema.names} for row in rows], schema)


def account(matches: list[dict[str, Any]], breaks: list[dict[str, Any]]) -> tuple[AccountLine, ...]:
    """An account that adds up: breaks older than the day were carried in, resolved ones are written off."""
    lines = []
    for side in SIDES:
        held = {
            "carried_in": [one for one in breaks if one["age_days"]],
            "new": [*matches, *(one for one in breaks if not one["age_days"])],
            "matched": matches,
            "no_money": [],
            "written_off": [one for one in breaks if one["state"] == "resolved"],
            "carried_out": [one for one in breaks if one["state"] != "resolved"],
        }
        for what, rows in held.items():
            count, vnd = (sum(one[f"{side}_{name}"] for one in rows) for name in ("rows", "money_vnd"))
            lines.append(AccountLine(leg="statement", side=side, what=what, rows=count, vnd=vnd))
    return tuple(lines)


def a_day() -> DayReport:
    """A day of every kind: two rules, five classes, ages, a resolved break, references that do mischief, signed."""
    matches = [a_match(number, 10_000 + 137 * number) for number in range(40)]
    matches += [a_match(40, 144_886_308, rule="exact_reference/split", partner_rows=3)]
    matches += [a_match(41, 2_000_000, rule="batch", core_rows=5, core_vnd=1_989_000, partner_vnd=1_989_000)]
    breaks = [
        a_break(100 + number, "missing_at_partner", 50_000 + number, 0, our_reference=reference)
        for number, reference in enumerate(MISCHIEF)
    ]
    breaks += [
        a_break(200, "missing_in_core", 0, 71_003, core_rows=0, agency=""),
        a_break(
            201, "amount_differs", 120_000, 123_456, rule="exact_reference", assignee="Lê Văn Nghĩa", state="assigned"
        ),
        a_break(
            202,
            "refund_unmatched",
            88_000,
            0,
            kind="refund",
            state="resolved",
            resolution="accept",
            reason_code="our_error",
        ),
        a_break(
            203,
            "timing",
            45_001,
            45_001,
            opened_on=DAY - timedelta(days=3),
            business_on=DAY - timedelta(days=3),
            age_days=3,
        ),
        a_break(204, "unreadable", 0, 0, business_on=None, kind="???", opened_on=DAY - timedelta(days=40), age_days=40),
    ]
    return replace(day_report(matches, breaks, signing=SIGNED), organisation="SỞ TÀI CHÍNH TỈNH")


def a_full_day(payments: int = 2_000, broken_every: int = 50) -> DayReport:
    """A day of so many payments, one in `broken_every` of them a break."""
    broken = range(0, payments, broken_every)
    matches = [a_match(number, 20_000 + number) for number in range(payments) if number % broken_every]
    return day_report(matches, [a_break(number, "amount_differs", 20_000 + number, 19_000) for number in broken])
