"""Matching as a pure function: each class by example, and what holds for every day there could be."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truc.reconcile.matching import CorePayment, PartnerLine, match


def ours(number=1, amount=50_000, *, theirs="", **other):
    return CorePayment(
        id=number,
        our_reference=f"P{number}",
        partner_reference=theirs or f"T{number}",
        amount_vnd=amount,
        **({"paid": True, "of_day": True} | other),
    )


def line(number=1, amount=50_000, *, names="P1", theirs="T1"):
    return PartnerLine(line_no=number, our_reference=names, partner_reference=theirs, amount_vnd=amount)


def told(payments, lines):
    """What was found: (matches as (payment, line, rule)), (breaks as (class, core − partner))."""
    outcome = match("momo", payments, lines)
    matches = [(one.payment.our_reference, one.line.line_no, one.rule) for one in outcome.matches]
    return sorted(matches), sorted((one.break_class, one.difference_vnd) for one in outcome.breaks)


def test_equal_rows_match_by_our_reference():
    assert told([ours()], [line()]) == ([("P1", 1, "our_reference")], [])


def test_a_line_without_our_reference_matches_by_the_partners():
    assert told([ours()], [line(names="")]) == ([("P1", 1, "partner_reference")], [])


def test_a_line_with_a_reference_nobody_knows_matches_by_the_partners():
    assert told([ours()], [line(names="a note of the citizen")]) == ([("P1", 1, "partner_reference")], [])


@pytest.mark.parametrize(
    ("payments", "lines", "found"),
    [
        ([ours()], [], [("missing_at_partner", 50_000)]),
        ([], [line()], [("missing_in_core", -50_000)]),
        ([ours(amount=50_000)], [line(amount=60_000)], [("amount_differs", -10_000)]),
        ([ours(paid=False, of_day=False)], [line()], [("state_differs", -50_000)]),
        ([ours(of_day=False)], [line()], [("timing", -50_000)]),
        ([ours(of_day=False, on_earlier_statement=True)], [line()], [("duplicate_at_partner", -50_000)]),
    ],
)
def test_each_class_is_found(payments, lines, found):
    assert told(payments, lines) == ([], found)


@pytest.mark.parametrize(
    "second",
    [
        line(2, theirs="T1"),
        line(2, theirs="T9"),
        line(2, names="", theirs="T1"),
        line(2, names="unknown", theirs="T1"),
    ],
)
def test_a_second_line_for_one_payment_is_a_duplicate_however_it_names_it(second):
    assert told([ours()], [line(), second]) == (
        [("P1", 1, "our_reference")],
        [("duplicate_at_partner", -50_000)],
    )


def test_of_two_lines_for_one_payment_the_one_with_the_transaction_we_know_is_its_own():
    lines = [line(1, 70_000, theirs="T9"), line(2, 50_000, theirs="T1")]
    assert told([ours()], lines) == ([("P1", 2, "our_reference")], [("duplicate_at_partner", -70_000)])


def test_lines_without_any_reference_are_missing_in_core_and_no_duplicates_of_each_other():
    lines = [line(1, names="", theirs="T1"), line(2, names="", theirs=""), line(3, names="", theirs="T7")]
    assert told([ours()], lines) == (
        [("P1", 1, "partner_reference")],
        [("missing_in_core", -50_000), ("missing_in_core", -50_000)],
    )


def test_a_transaction_that_names_two_payments_of_ours_names_neither():
    payments = [ours(1, theirs="T1"), ours(2, theirs="T1")]
    assert told(payments, [line(1, names="")]) == (
        [],
        [("missing_at_partner", 50_000), ("missing_at_partner", 50_000), ("missing_in_core", -50_000)],
    )


def test_payments_that_share_a_transaction_still_match_by_our_reference():
    payments = [ours(1, theirs="T1"), ours(2, theirs="T1")]
    assert told(payments, [line(1, names="P2"), line(2, names="P1")])[0] == [
        ("P1", 2, "our_reference"),
        ("P2", 1, "our_reference"),
    ]


def test_an_equal_amount_alone_is_never_a_match():
    assert told([ours(1)], [line(1, names="P2", theirs="T2")]) == (
        [],
        [("missing_at_partner", 50_000), ("missing_in_core", -50_000)],
    )


def test_rows_of_no_money_are_conserved_too():
    assert told([ours(amount=0)], []) == ([], [("missing_at_partner", 0)])
    assert told([], [line(amount=0)]) == ([], [("missing_in_core", 0)])
    assert told([ours(amount=0)], [line(amount=5)]) == ([], [("amount_differs", -5)])


def test_a_break_points_at_its_rows():
    [found] = match("momo", [ours(of_day=False)], [line()]).breaks
    assert (found.payment_id, found.line_no, found.core_vnd, found.partner_vnd) == (1, 1, 0, 50_000)


def test_breaks_of_different_rows_have_different_ids_whatever_their_references_hold():
    first = replace(ours(1), our_reference="a|b", partner_reference="c")
    second = replace(ours(2), our_reference="a", partner_reference="b|c")
    assert len({one.break_id for one in match("momo", [first, second], []).breaks}) == 2


# Few names and few amounts, so that lines meet payments, duplicates and decoys by chance.
AMOUNTS = st.sampled_from([0, 1, 50_000, 50_001, 10**15])


@st.composite
def days(draw):
    """A day's payments (our references are unique, as the store holds them) and the lines of a statement."""
    payments = [
        CorePayment(
            id=number,
            our_reference=f"P{number}",
            partner_reference=draw(st.sampled_from(["", "T1", "T2", f"T{number}"])),
            amount_vnd=draw(AMOUNTS),
            paid=paid,
            of_day=paid and draw(st.booleans()),
            on_earlier_statement=draw(st.booleans()),
        )
        for number in range(1, draw(st.integers(0, 6)) + 1)
        for paid in [draw(st.booleans())]
    ]
    lines = [
        PartnerLine(
            line_no=number,
            our_reference=draw(st.sampled_from(["", "P1", "P2", "P3", "elsewhere"])),
            partner_reference=draw(st.sampled_from(["", "T1", "T2", "T3"])),
            amount_vnd=draw(AMOUNTS),
        )
        for number in range(1, draw(st.integers(0, 6)) + 1)
    ]
    return payments, lines


@settings(deadline=None)
@given(days(), st.randoms())
def test_the_order_of_the_rows_does_not_matter(day, chance):
    payments, lines = day
    outcome = match("momo", payments, lines)
    shuffled_payments, shuffled_lines = payments[:], lines[:]
    chance.shuffle(shuffled_payments)
    chance.shuffle(shuffled_lines)
    again = match("momo", shuffled_payments, shuffled_lines)
    assert again.breaks == outcome.breaks
    assert set(again.matches) == set(outcome.matches)


@settings(deadline=None)
@given(days())
def test_every_row_of_the_day_ends_in_exactly_one_place(day):
    payments, lines = day
    outcome = match("momo", payments, lines)
    of_day = {payment.id for payment in payments if payment.of_day}
    payment_places = [one.payment.id for one in outcome.matches]
    payment_places += [one.payment_id for one in outcome.breaks if one.payment_id in of_day]
    assert sorted(payment_places) == sorted(of_day)
    line_places = [one.line.line_no for one in outcome.matches]
    line_places += [one.line_no for one in outcome.breaks if one.line_no is not None]
    assert sorted(line_places) == [one.line_no for one in lines]


@settings(deadline=None)
@given(days())
def test_money_is_conserved_on_both_sides_in_whole_dong(day):
    payments, lines = day
    outcome = match("momo", payments, lines)
    matched = sum(one.payment.amount_vnd for one in outcome.matches)
    core = sum(one.amount_vnd for one in payments if one.of_day)
    partner = sum(one.amount_vnd for one in lines)
    assert core == matched + sum(one.core_vnd for one in outcome.breaks)
    assert partner == matched + sum(one.partner_vnd for one in outcome.breaks)
    assert core - partner == sum(one.difference_vnd for one in outcome.breaks)
    assert all(type(one.difference_vnd) is int for one in outcome.breaks)


@settings(deadline=None)
@given(days())
def test_only_rows_that_name_each_other_and_agree_on_the_amount_match(day):
    payments, lines = day
    shared = [one.partner_reference for one in payments]
    for one in match("momo", payments, lines).matches:
        assert one.payment.of_day
        assert one.payment.amount_vnd == one.line.amount_vnd
        assert getattr(one.payment, one.rule) == getattr(one.line, one.rule) != ""
        if one.rule == "partner_reference":
            assert shared.count(one.payment.partner_reference) == 1


@settings(deadline=None)
@given(days())
def test_a_line_that_agrees_in_everything_with_a_payment_of_the_day_leaves_it_in_no_break(day):
    payments, lines = day
    outcome = match("momo", payments, lines)
    matched = {one.payment.id for one in outcome.matches}
    whole = {(one.our_reference, one.partner_reference, one.amount_vnd) for one in lines}
    first = {}
    for one in lines:
        first.setdefault((one.our_reference, one.partner_reference), one.amount_vnd)
    for payment in payments:
        row = (payment.our_reference, payment.partner_reference, payment.amount_vnd)
        if payment.of_day and row in whole and first[row[:2]] == payment.amount_vnd:
            assert payment.id in matched


@settings(deadline=None)
@given(days())
def test_break_ids_are_unique_in_a_run_and_the_same_in_the_next(day):
    payments, lines = day
    ids = [one.break_id for one in match("momo", payments, lines).breaks]
    assert len(set(ids)) == len(ids)
    assert ids == [one.break_id for one in match("momo", payments, lines).breaks]
    assert not set(ids) & {one.break_id for one in match("vietinbank", payments, lines).breaks}


@settings(deadline=None)
@given(days())
def test_what_our_books_lack_is_what_the_partner_has_too_much_and_the_other_way_round(day):
    """Mirrored sides: where every payment is of the day, swapping the sides swaps the classes and the sign."""
    payments = [replace(one, paid=True, of_day=True, partner_reference=f"T{one.id}") for one in day[0]]
    by_name = {one.our_reference: one for one in day[1] if one.our_reference}
    lines = [replace(one, partner_reference=f"T{name[1:]}") for name, one in by_name.items()]
    mirrored_payments = [
        CorePayment(one.line_no, one.our_reference, one.partner_reference, one.amount_vnd, paid=True, of_day=True)
        for one in lines
    ]
    mirrored_lines = [PartnerLine(one.id, one.our_reference, one.partner_reference, one.amount_vnd) for one in payments]
    mirror = {
        "missing_at_partner": "missing_in_core",
        "missing_in_core": "missing_at_partner",
        "amount_differs": "amount_differs",
    }
    found = told(payments, lines)
    mirrored = told(mirrored_payments, mirrored_lines)
    assert sorted((mirror[kind], -difference) for kind, difference in found[1]) == mirrored[1]
    assert [name for name, _, _ in found[0]] == [name for name, _, _ in mirrored[0]]
