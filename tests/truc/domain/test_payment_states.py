"""In whatever order words come, money is booked once, none is taken back, and no payment leaves the table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc.domain.payment_states import (
    AHEAD_MAX,
    ENDED,
    MOVES,
    SILENT,
    Became,
    Doubt,
    Mover,
    NextStep,
    Now,
    Said,
    State,
    after_word,
    may_move,
    names_the_money,
    owner_of,
    time_of,
)

AT = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
WORDS = ("pending", "paid", "failed", "expired", "refunded", "absent")
HOLDS_MONEY = {State.PAID, State.REFUNDING, State.REFUNDED}

said = st.builds(
    Said,
    party=st.sampled_from(["ours", "ours", "ours", "other"]),
    state=st.sampled_from(WORDS),
    amount_vnd=st.sampled_from([50_000, 50_000, 50_000, 49_999]),
    partner_reference=st.sampled_from(["T1", "T1", "T2", ""]),
    said_at=st.integers(-3, 3).map(lambda minutes: AT + timedelta(minutes=minutes)),
    asked=st.booleans(),
)
# What comes between words: the party's receipt, the end of the schedule, refunds, a person.
between = st.tuples(st.sampled_from([one for one in Mover if one is not Mover.WORD]), st.sampled_from(list(State)))


def word(state: Any, **changes: Any) -> Said:
    made = Said(party="ours", state=state, amount_vnd=50_000, partner_reference="T1", said_at=AT)
    return replace(made, **changes)


def payment(state: State, **changes: Any) -> Now:
    booked = state in HOLDS_MONEY
    made = Now(state=state, party="ours", amount_vnd=50_000, booked=booked, paid_at=AT if booked else None)
    return replace(made, partner_reference="T1" if booked else "", **changes)


def stepped(now: Now, became: Became, heard: Said) -> Now:
    """The payment after the word, as the store keeps it."""
    if not became.books:
        number = heard.partner_reference if names_the_money(now, heard) else now.partner_reference
        return replace(now, state=became.state, doubt=became.doubt, partner_reference=number)
    booked = {"booked": True, "partner_reference": heard.partner_reference, "paid_at": heard.said_at}
    return replace(now, state=became.state, doubt=became.doubt, **booked)  # type: ignore[arg-type]  # of mixed types


def moved(now: Now, mover: Mover, state: State) -> Now:
    """The payment after somebody else's move, where that may make it and the store would take it."""
    if not may_move(mover, now.state, state) or (state in HOLDS_MONEY) > now.booked:
        return now
    if state not in HOLDS_MONEY | {State.IN_DOUBT} and now.booked:
        return now
    if state is State.IN_DOUBT and now.doubt is None:
        doubt = Doubt.REFUND_CONTRADICTED if now.booked else Doubt.UNANSWERED
        return replace(now, state=state, doubt=doubt)
    return replace(now, state=state, doubt=now.doubt if state is State.IN_DOUBT else None)


@given(st.lists(st.one_of(said, between), max_size=14))
def test_no_sequence_books_twice_takes_back_or_leaves_the_table(told: list[Any]) -> None:
    now, times_booked = payment(State.CREATED), 0
    for one in told:
        before = now
        if isinstance(one, tuple):
            now = moved(now, *one)
        else:
            became = after_word(before, one)
            assert may_move(Mover.WORD, before.state, became.state), (before.state, one.state, became.state)
            times_booked += became.books
            now = stepped(before, became, one)
            assert not (became.books and before.booked)
            if became.books:
                assert (one.party, one.state, one.amount_vnd) == ("ours", "paid", 50_000)
            if before.booked and now.state is not before.state:
                # Money that is booked is never let go by a word: it is doubted, or the doubt ends.
                assert now.state in (State.IN_DOUBT, State.PAID)
        assert (now.state is State.IN_DOUBT) == (now.doubt is not None)
        assert now.booked >= before.booked
        assert now.booked or now.state not in HOLDS_MONEY
    assert times_booked <= 1


@given(st.sampled_from(list(State)), said)
def test_a_doubt_always_has_a_next_step_and_an_owner(state: State, heard: Said) -> None:
    doubt = Doubt.UNANSWERED if state is State.IN_DOUBT else None
    became = after_word(payment(state, doubt=doubt), heard)
    entered = became.state is State.IN_DOUBT and became.doubt is not doubt
    if entered:
        assert became.next_step is not None
        assert owner_of(became.next_step) in ("hub", "finance")
        assert became.remark is became.doubt, "who must decide must also see why"


@given(st.sampled_from(list(State)), said)
def test_the_same_word_again_changes_nothing_more(state: State, heard: Said) -> None:
    first = payment(state, doubt=Doubt.NOT_DELIVERED if state is State.IN_DOUBT else None)
    once = stepped(first, after_word(first, heard), heard)
    again = after_word(once, heard)
    assert (again.state, again.doubt, again.books) == (once.state, once.doubt, False)


@pytest.mark.parametrize("state", sorted(ENDED))
def test_a_late_paid_is_money(state: State) -> None:
    assert after_word(payment(state), word("paid")) == Became(state=State.PAID, books=True)


@pytest.mark.parametrize(
    ("state", "heard", "doubt", "step"),
    [
        (State.PENDING, word("paid", amount_vnd=49_999), Doubt.AMOUNT_DIFFERS, NextStep.PERSON),
        (State.PENDING, word("paid", party="other"), Doubt.WRONG_PARTY, NextStep.PERSON),
        (State.PENDING, word("refunded"), Doubt.REFUND_UNMATCHED, NextStep.PERSON),
        (State.PAID, word("paid", partner_reference="T2"), Doubt.PAID_TWICE, NextStep.PERSON),
        (State.PAID, word("failed"), Doubt.CONTRADICTS_PAID, NextStep.ASK),
        (State.PAID, word("expired", said_at=AT + timedelta(1)), Doubt.CONTRADICTS_PAID, NextStep.ASK),
        (State.PAID, word("refunded"), Doubt.REFUND_UNMATCHED, NextStep.PERSON),
        (State.REFUNDED, word("paid", partner_reference="T2"), Doubt.PAID_AFTER_REFUND, NextStep.PERSON),
        (State.REFUNDING, word("failed"), Doubt.CONTRADICTS_PAID, NextStep.ASK),
    ],
)
def test_what_contradicts_is_doubted(state: State, heard: Said, doubt: Doubt, step: NextStep) -> None:
    became = after_word(payment(state), heard)
    assert (became.state, became.doubt, became.next_step, became.books) == (State.IN_DOUBT, doubt, step, False)


@pytest.mark.parametrize(
    ("now", "heard"),
    [
        (payment(State.PAID), word("paid")),
        (payment(State.PAID), word("paid", partner_reference="")),
        (replace(payment(State.PAID), partner_reference=""), word("paid", partner_reference="T2")),
        (replace(payment(State.REFUNDED), partner_reference=""), word("paid", partner_reference="T2")),
        (payment(State.PAID), word("pending")),
        (payment(State.PAID), word("failed", said_at=AT - timedelta(seconds=1))),
        (payment(State.REFUNDED), word("paid")),
        (payment(State.REFUNDED), word("failed")),
        (payment(State.REFUNDING), word("refunded", amount_vnd=20_000)),
        (payment(State.EXPIRED), word("pending")),
        (payment(State.PENDING), word("absent")),
        (payment(State.PENDING), word("failed", amount_vnd=1)),
        (payment(State.IN_DOUBT, doubt=Doubt.AMOUNT_DIFFERS), word("failed")),
    ],
)
def test_what_says_nothing_new_moves_nothing(now: Now, heard: Said) -> None:
    became = after_word(now, heard)
    assert (became.state, became.doubt, became.books) == (now.state, now.doubt, False)


@pytest.mark.parametrize("doubt", sorted(SILENT))
@pytest.mark.parametrize(
    ("heard", "state"), [("paid", State.PAID), ("failed", State.FAILED), ("pending", State.PENDING)]
)
def test_a_doubt_of_silence_ends_with_the_first_plain_word(doubt: Doubt, heard: str, state: State) -> None:
    assert after_word(payment(State.IN_DOUBT, doubt=doubt), word(heard)).state is state


@pytest.mark.parametrize(
    ("now", "heard", "named"),
    [
        (replace(payment(State.PAID), partner_reference=""), word("paid"), True),
        (replace(payment(State.REFUNDING), partner_reference=""), word("paid"), True),
        (payment(State.PAID), word("paid", partner_reference="T2"), False),
        (payment(State.PENDING), word("paid"), False),
        (replace(payment(State.PAID), partner_reference=""), word("paid", partner_reference=""), False),
        (replace(payment(State.PAID), partner_reference=""), word("failed"), False),
        (replace(payment(State.PAID), partner_reference=""), word("paid", party="other"), False),
        (replace(payment(State.PAID), partner_reference=""), word("paid", amount_vnd=49_999), False),
    ],
)
def test_only_the_same_money_gives_a_booked_payment_its_number(now: Now, heard: Said, named: bool) -> None:
    assert names_the_money(now, heard) is named


def test_only_an_answer_to_our_question_ends_a_contradiction() -> None:
    now = replace(payment(State.PAID), state=State.IN_DOUBT, doubt=Doubt.CONTRADICTS_PAID)
    assert after_word(now, word("paid")).state is State.IN_DOUBT, "an old call that came late"
    assert after_word(now, word("paid", asked=True)) == Became(state=State.PAID)


def test_a_word_never_starts_or_ends_a_refund() -> None:
    by_word = MOVES[Mover.WORD]
    assert not [one for one in by_word if one[1] in (State.REFUNDING, State.REFUNDED)]
    assert may_move(Mover.REFUND, State.REFUNDED, State.REFUNDING)  # of a duplicate
    assert not may_move(Mover.WORD, State.PAID, State.FAILED)
    assert not may_move(Mover.CLOCK, State.PAID, State.FAILED)


@given(st.none() | st.timedeltas(timedelta(days=-400), timedelta(days=400)))
def test_what_is_said_is_never_booked_later_than_a_wrong_clock_explains(off: timedelta | None) -> None:
    said_at = None if off is None else AT + off
    assert time_of(said_at, heard_at=AT) <= AT + AHEAD_MAX
    if off is not None and off <= AHEAD_MAX:
        assert time_of(said_at, heard_at=AT) == said_at
    else:
        assert time_of(said_at, heard_at=AT) == AT
