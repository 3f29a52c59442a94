"""The oracle against days whose ends were written by hand, and against itself: mirrored, shuffled, grown."""

import hashlib
from collections import Counter
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.truc.reconcile.engine import oracle_examples as examples
from tests.truc.reconcile.engine import oracle_examples_legs as legs
from tests.truc.reconcile.engine.days_by_hand import DAYS, TABLES
from tests.truc.reconcile.engine.oracle import Outcome, check_conserved, reconcile
from tests.truc.reconcile.engine.oracle_examples import FAILED, FRI, MON, REFUNDED, THU, WED, Day, row
from tests.truc.reconcile.engine.oracle_mirrored import both_sides
from tests.truc.reconcile.engine.oracle_places import Board, alone
from tests.truc.reconcile.engine.oracle_rows import edits, more_working_days_than, norm, read_core, unlettered
from truc.reconcile.schemas import BREAK_SCHEMA, MATCH_SCHEMA, VERDICT_SCHEMA
from truc.reconcile.spec import BreakClass
from truc.reconcile.specs.payments import SPEC


def outcome(day: Day) -> Outcome:
    return reconcile(day.spec, day.core, day.statement, day.receipts, day.remittance)


def as_rows(lines, *, without=()):
    return Counter(tuple((name, value) for name, value in sorted(one.items()) if name not in without) for one in lines)


@pytest.mark.parametrize("day", DAYS.values(), ids=DAYS.keys())
def test_a_day_ends_as_written(day):
    found = outcome(day)
    assert as_rows(found.matches) == as_rows(day.matches)
    assert as_rows(found.breaks, without=["break_id"]) == as_rows(day.breaks)


@pytest.mark.parametrize("day", DAYS.values(), ids=DAYS.keys())
def test_the_order_of_rows_never_matters(day):
    turned = replace(
        day,
        core=list(day.core)[::-1],
        statement=list(day.statement)[::-1],
        receipts=None if day.receipts is None else list(day.receipts)[::-1],
        remittance=None if day.remittance is None else list(day.remittance)[::-1],
    )
    assert outcome(turned) == outcome(day)


def test_the_days_show_every_class_and_no_two_have_one_name():
    assert {one["break_class"] for day in DAYS.values() for one in day.breaks} == set(get_args(BreakClass))
    assert len(DAYS) == sum(map(len, TABLES))


def test_columns_are_those_of_the_contract_and_lines_are_sorted():
    found = reconcile(SPEC, [row("R2"), row("R1"), row("R3", amount=1)], [row("R2", "T2"), row("R1"), row("R4")])
    assert [list(one) for one in found.matches] == [MATCH_SCHEMA.names] * 2
    assert [list(one) for one in found.breaks] == [BREAK_SCHEMA.names] * 2
    assert [list(one) for one in found.verdicts] == [VERDICT_SCHEMA.names] * 3
    assert [one["our_reference"] for one in found.matches] == ["R1", "R2"]
    assert [one["break_id"] for one in found.breaks] == sorted(one["break_id"] for one in found.breaks)


def test_a_break_is_named_by_what_it_says():
    twice = [row("R1", "T1", 100, kind="fee"), row("R1", "T1", 100, kind="fee")]
    found = reconcile(SPEC, twice, [row("X", "", "no amount", business_on=None)])
    names = [
        "statement|fee_differs|momo|fee|R1|T1|100|0|2026-03-04|1",
        "statement|fee_differs|momo|fee|R1|T1|100|0|2026-03-04|2",
        "statement|unreadable|momo|payment|X||0|0||1",
    ]
    ids = [hashlib.sha256(name.replace("|", "\x1f").encode()).hexdigest()[:16] for name in names]
    assert [one["break_id"] for one in found.breaks] == sorted(ids)


def test_none_sorts_first():
    nowhere = row("R1", "T1", "?", business_on=None)
    found = reconcile(SPEC, [nowhere, row("R1", "T1", "?")], [])
    assert sorted(one["business_on"] is None for one in found.breaks) == [False, True]


def test_totals_say_where_everything_is():
    day = Day(
        core=[row(), row("R2", "T2", 70), row("R3", "T3", **FAILED)],
        statement=[row(amount=90), row("S1", "S1", 90, kind="settlement")],
        receipts=[],
    )
    found = [tuple(one.values()) for one in outcome(day).totals]
    assert found == [
        ("receipts", "core", "momo", "in", 2, 170),
        ("receipts", "core", "momo", "receipt_missing", 2, 170),
        ("statement", "core", "momo", "amount_differs", 1, 100),
        ("statement", "core", "momo", "in", 3, 170),
        ("statement", "core", "momo", "missing_at_partner", 1, 70),
        ("statement", "core", "momo", "no_money", 1, 0),
        ("statement", "partner", "momo", "amount_differs", 1, 90),
        ("statement", "partner", "momo", "in", 2, 180),
        ("statement", "partner", "momo", "matched", 1, 90),
    ]


VERDICTS = {
    "every leg holds": ((row(),), ("holds", "holds", "holds", "holds", "")),
    "timing holds": ((row(business_on=THU),), ("holds", "holds", "holds", "holds", "")),
    "the partner fails": ((row(amount=101),), ("holds", "fails", "fails", "fails", "partner")),
    "refunded: no receipt is asked": (
        (row("R2", "T2", **REFUNDED), row("R2", "T9", 100, kind="refund")),
        ("holds", "fails", "not_asked", "not_asked", "partner"),
    ),
}


@pytest.mark.parametrize(("core", "said"), VERDICTS.values(), ids=VERDICTS.keys())
def test_one_verdict_over_four_legs(core, said):
    found = reconcile(SPEC, core, [row()], [legs.receipt()], [legs.remittance()])
    named = (core[0]["party"], core[0]["our_reference"], core[0]["business_on"], core[0]["amount_vnd"])
    assert [tuple(one.values()) for one in found.verdicts] == [named + said]


def test_a_duplicate_fails_in_the_ledger_first_and_a_failed_payment_has_no_verdict():
    found = reconcile(SPEC, [row(), row(amount=70), row("R2", **FAILED), row("R3", amount=None)], [row()])
    assert [tuple(one.values()) for one in found.verdicts] == [
        ("momo", "R1", WED, 70, "fails", "fails", "not_asked", "not_asked", "ledger"),
        ("momo", "R1", WED, 100, "holds", "holds", "not_asked", "not_asked", ""),
    ]


def test_a_late_remittance_fails_the_treasury_and_a_missing_receipt_the_receipt():
    late = [legs.remittance(business_on=MON)]
    (found,) = reconcile(SPEC, [row()], [row()], [], late).verdicts
    assert (found["partner"], found["treasury"], found["receipt"], found["first_failing"]) == (
        "holds",
        "fails",
        "fails",
        "treasury",
    )


def test_passes_are_those_declared_in_their_order():
    core, statement = [row("AB-1", "T1")], [row("ab1", ""), row("R2", "T1")]
    by_normal = replace(SPEC, passes=("exact_reference", "normalised_reference", "partner_reference"))
    found = [reconcile(spec, core, statement).matches for spec in (SPEC, by_normal)]
    assert [one["rule"] for (one,) in found] == ["partner_reference", "normalised_reference"]
    none = reconcile(replace(SPEC, passes=("exact_reference",)), core, [*statement, row("S", "S", kind="settlement")])
    assert sorted(one["break_class"] for one in none.breaks) == ["missing_at_partner"] + ["missing_in_core"] * 3


def test_conservation_is_checked_and_the_check_fires():
    (one,) = read_core(SPEC, [row()])
    board = Board(SPEC, core=[one], partner=[])
    board.put(alone(one, "duplicate_in_core", "exact_reference"))
    with pytest.raises(AssertionError, match="placed twice"):
        board.put(alone(one, "match", "none"))
    found = reconcile(SPEC, [row(), row("R2", **FAILED)], [row()])
    for lost in (
        replace(found, matches=[]),
        replace(found, matches=[{**found.matches[0], "core_money_vnd": 99}]),
        replace(found, totals=[total for total in found.totals if total["what"] != "no_money"]),
    ):
        with pytest.raises(AssertionError, match="not conserved"):
            check_conserved(lost)


def test_words_of_the_rules():
    assert norm(" Pay-ÄÖ/đĐ ﬁ½") == "PAYAODD"
    assert unlettered("AB12345678", 8) == "12345678"
    assert unlettered("AB1234567", 8) == ""
    assert [edits("KITTEN", "SITTIN"), edits("ABCDEF", "BCDEFA"), edits("", "")] == [2, 2, 0]
    assert not more_working_days_than(1, FRI, MON)
    assert more_working_days_than(0, FRI, MON)
    assert not more_working_days_than(0, MON, FRI)


REFERENCE = some.sampled_from(["", "R1", "r-1", "AB-123456", "ab123456", "X12345678", "12345678"])
ANY_ROW = some.fixed_dictionaries(
    {
        "party": some.sampled_from(["momo", "momo", "vnpay", ""]),
        "our_reference": REFERENCE,
        "partner_reference": some.sampled_from(["", "", "T1", "T2", None]),
        "kind": some.sampled_from(["payment", "payment", "refund", "reversal", "fee", "settlement", "tip"]),
        "amount_vnd": some.sampled_from([0, 40, 60, 100, 100, None, "?"]),
        "fee_vnd": some.sampled_from([None, 0, 3]),
        "state": some.sampled_from(["paid", "paid", "refunded", "failed", "pending"]),
        "business_on": some.sampled_from([WED, THU, FRI, MON, None]),
        "occurred_at": some.sampled_from([examples.at(4, 1), examples.at(6, 20), None]),
        "payer": some.sampled_from(["", "An", "Bình"]),
        "agency": some.sampled_from(["", "X"]),
    }
)
ROWS = some.lists(ANY_ROW, max_size=8)
SPECS = some.builds(
    replace,
    some.just(SPEC),
    tolerance_vnd=some.sampled_from([0, 40]),
    tolerated_vnd_max=some.sampled_from([0, 40]),
    candidates_max=some.sampled_from([1, 50]),
)


@settings(max_examples=150)
@given(spec=SPECS, sides=some.tuples(ROWS, ROWS, ROWS, ROWS), random=some.randoms())
def test_any_rows_are_conserved_whatever_their_order(spec, sides, random):
    """Conservation is asserted by each call; whatever order the rows come in, the outcome is one."""
    first = reconcile(spec, *sides)
    for rows in sides:
        random.shuffle(rows)
    assert reconcile(spec, *sides) == first


# What has a twin on the other side: references told apart, so that no row is chosen by the order of core's rows.
PLAIN_ROW = some.fixed_dictionaries(
    {
        "party": some.just("momo"),
        "our_reference": some.sampled_from(["", "ONE", "TWO222", "TWO223", "THREE"]),
        "partner_reference": some.just(""),
        "kind": some.sampled_from(["payment", "payment", "refund", "fee"]),
        "amount_vnd": some.sampled_from([40, 60, 100]),
        "fee_vnd": some.sampled_from([0, 3]),
        "state": some.sampled_from(["paid", "paid", "failed", "pending"]),
        "business_on": some.sampled_from([WED, THU, FRI]),
        "payer": some.sampled_from(["", "An"]),
    }
)
PLAIN_ROWS = some.lists(
    PLAIN_ROW,
    max_size=8,
    unique_by=lambda one: (one["kind"], one["our_reference"] or (one["amount_vnd"], one["payer"])),
)


@settings(max_examples=150)
@given(core=PLAIN_ROWS, statement=PLAIN_ROWS)
def test_mirrored_sides_end_mirrored(core, statement):
    plain, turned = reconcile(SPEC, core, statement), reconcile(SPEC, statement, core)
    assert Counter(both_sides(one, mirrored=False) for one in plain.matches + plain.breaks) == Counter(
        both_sides(one, mirrored=True) for one in turned.matches + turned.breaks
    )


@settings(max_examples=50)
@given(core=some.lists(ANY_ROW, max_size=6), extra=ANY_ROW)
def test_a_core_against_itself_has_no_difference_in_money(core, extra):
    """Whatever pairs with its own copy differs in nothing; rows told apart by reference all meet their copy."""
    named = [
        {**extra, **one, "our_reference": f"N{number}", "partner_reference": ""} for number, one in enumerate(core)
    ]
    found = reconcile(SPEC, named, named)
    classes = {one["break_class"] for one in found.breaks}
    assert classes <= {"unreadable"}
    assert all(one["difference_vnd"] == 0 for one in found.matches)
