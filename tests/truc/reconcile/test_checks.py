"""The checks alone: a number that follows, rows against a declaration, and amounts to the last đồng."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc.errors import MalformedError
from truc.reconcile import checks
from truc.reconcile.checks import Check, Numbered, in_sequence

DAY = date(2026, 3, 4)


def of(text: str, first: int, last: int | None = None) -> Numbered:
    return Numbered(business_on=date.fromisoformat(text), first=first, last=first if last is None else last)


@pytest.mark.parametrize(
    ("own", "others", "state", "found"),
    [
        (of("2026-03-04", 57), [], "holds", None),
        (of("2026-03-04", 58), [of("2026-03-03", 57)], "holds", 57),
        (of("2026-03-04", 59), [of("2026-03-03", 57, 58)], "holds", 58),
        (of("2026-03-04", 59), [of("2026-03-03", 57)], "fails", 57),
        (of("2026-03-04", 57), [of("2026-03-03", 58)], "fails", None),
        (of("2026-03-04", 58), [of("2026-03-03", 57, 58)], "fails", 58),
        (of("2026-01-01", 1), [of("2025-12-31", 365)], "holds", 365),
        (of("2026-01-01", 366), [of("2025-12-31", 365)], "holds", 365),
        (of("2026-01-01", 2), [of("2025-12-31", 365), of("2025-01-01", 1)], "fails", 365),
        (of("2026-01-02", 3), [of("2026-01-01", 1), of("2025-01-02", 2)], "fails", 1),
        (of("2026-03-04", 8), [of("2026-03-06", 9), of("2026-03-04", 7)], "holds", 7),
    ],
)
def test_a_number_follows_the_earlier_one(own: Numbered, others: list[Numbered], state: str, found: int | None) -> None:
    check = in_sequence(own, others)
    assert (check.state, check.declared, check.found) == (state, own.first, found)


@given(st.integers(1, 300), st.integers(2, 30), st.data())
def test_a_lost_file_is_noticed_exactly_on_the_day_after_it(begin: int, days: int, data: st.DataObject) -> None:
    lost = data.draw(st.integers(1, days - 1))
    files = [Numbered(business_on=DAY + timedelta(days=n), first=begin + n, last=begin + n) for n in range(days + 1)]
    came = [one for one in files if one is not files[lost]]
    failing = [one for one in came if in_sequence(one, [other for other in came if other is not one]).state == "fails"]
    assert failing == [files[lost + 1]]


# Rows that came without their file

WHOLE = {"count": 2, "amount_vnd": 120_000, "opening_vnd": 0, "closing_vnd": 80_000, "end_mark": True, "sequence": 8}


def told(**changes: object) -> dict[str, str]:
    found = checks.check_declared({**WHOLE, **changes}, 2, 120_000, 80_000)
    return {one.name: one.reason or one.state for one in found}


def test_rows_are_held_against_what_is_declared_of_them() -> None:
    assert told(sequence_before=7) == dict.fromkeys(("end_mark", "count", "amount_vnd", "balance", "sequence"), "holds")
    assert checks.failing(checks.check_declared(WHOLE, 2, 120_000, 80_000)) is None


def test_nothing_declared_is_nothing_offered() -> None:
    found = checks.check_declared({}, 2, 120_000, 80_000)
    assert {one.state for one in found} == {"not_offered"}
    assert told(count=None)["count"] == "not_offered"


@pytest.mark.parametrize(
    ("change", "check", "reason"),
    [
        ({"count": 3}, "count", "control_count_differs"),
        ({"amount_vnd": 120_001}, "amount_vnd", "control_total_differs"),
        ({"closing_vnd": 80_001}, "balance", "balance_differs"),
        ({"opening_vnd": -1}, "balance", "balance_differs"),
        ({"end_mark": False}, "end_mark", "truncated"),
        ({"sequence_before": 8}, "sequence", "sequence_gap"),
        ({"sequence_before": 6}, "sequence", "sequence_gap"),
        ({"opening_vnd": None}, "balance", "not_offered"),
        ({"closing_vnd": None}, "balance", "not_offered"),
    ],
)
def test_what_does_not_hold_is_named(change: dict[str, object], check: str, reason: str) -> None:
    assert {name: found for name, found in told(**change).items() if found != told()[name]} == {check: reason}


@pytest.mark.parametrize(
    "wrong",
    [{"rows": 2}, {"count": "2"}, {"count": 2.0}, {"count": True}, {"amount_vnd": -1}, {"end_mark": 1}],
)
def test_a_declaration_that_cannot_be_read_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(MalformedError) as caught:
        checks.check_declared(wrong, 2, 120_000, 80_000)
    assert caught.value.reason == "declared_malformed"


def test_amounts_beyond_what_a_float_can_tell_are_told_apart() -> None:
    [_, _, found, *_] = checks.check_declared({"amount_vnd": 2**53 + 1}, 1, 2**53, 0)
    assert found == Check(
        name="amount_vnd",
        state="fails",
        declared=2**53 + 1,
        found=2**53,
        reason="control_total_differs",
        text=f"amount_vnd: the file says {2**53 + 1}, its lines make {2**53}: ask for the file again",
    )
