"""A parcel stands where our asking and the post's last word have it; every pair of them is a known state."""

from typing import get_args

import pytest

from truc.domain.shipment_states import Asked, End, State, Word, asked_after, can_be_cancelled, state_of

ON_ITS_WAY: tuple[Word, ...] = ("collecting", "in_transit", "delivered", "returned", "failed")


@pytest.mark.parametrize("asked", Asked)
def test_before_its_first_word_a_parcel_stands_where_our_asking_does(asked: Asked) -> None:
    assert state_of(asked, None) == (State.ORDERED if asked is Asked.KEPT else State(asked.value))


@pytest.mark.parametrize("asked", Asked)
@pytest.mark.parametrize("word", [*ON_ITS_WAY, "cancelled"])
def test_what_a_postman_did_is_true_whatever_we_asked(asked: Asked, word: Word) -> None:
    assert state_of(asked, word) == word


@pytest.mark.parametrize("asked", Asked)
def test_that_the_post_has_the_order_is_no_news_of_one_that_is_cancelled(asked: Asked) -> None:
    expected = State(asked.value) if asked in (Asked.CANCELLING, Asked.CANCELLED) else State.ORDERED
    assert state_of(asked, "ordered") is expected


def test_every_word_is_a_state() -> None:
    assert set(get_args(Word)) <= {one.value for one in State}


@pytest.mark.parametrize(
    ("order", "cancel", "asked"),
    [
        (End.OPEN, None, Asked.REQUESTED),
        (End.SENT, None, Asked.ORDERED),
        (End.STOPPED, None, Asked.REFUSED),
        (End.OPEN, End.OPEN, Asked.CANCELLING),
        (End.SENT, End.OPEN, Asked.CANCELLING),
        (End.SENT, End.SENT, Asked.CANCELLED),
        (End.SENT, End.STOPPED, Asked.KEPT),
        (End.STOPPED, End.OPEN, Asked.REFUSED),
        (End.STOPPED, End.STOPPED, Asked.REFUSED),
        (End.OPEN, End.STOPPED, Asked.REQUESTED),
        # The post cancelled what it had, however the order's own message ended.
        (End.STOPPED, End.SENT, Asked.CANCELLED),
        (End.OPEN, End.SENT, Asked.CANCELLED),
    ],
)
def test_what_became_of_the_messages_says_how_far_our_asking_came(order: End, cancel: End | None, asked: Asked) -> None:
    assert asked_after(order=order, cancel=cancel) is asked


def test_every_pair_of_messages_is_listed_above() -> None:
    [marks] = [
        one
        for one in test_what_became_of_the_messages_says_how_far_our_asking_came.pytestmark  # type: ignore[attr-defined]  # pytest's
        if one.name == "parametrize"
    ]
    listed = {(order, cancel) for order, cancel, _ in marks.args[1]}
    assert listed == {(order, cancel) for order in End for cancel in (None, *End)}


def test_only_what_nobody_took_and_the_post_did_not_keep_can_be_cancelled() -> None:
    can = {
        (asked, state)
        for asked in Asked
        for state in State
        if can_be_cancelled(asked, state) and state in {state_of(asked, word) for word in (None, *get_args(Word))}
    }
    assert can == {
        (Asked.CREATED, State.CREATED),
        (Asked.CREATED, State.ORDERED),
        (Asked.REQUESTED, State.REQUESTED),
        (Asked.REQUESTED, State.ORDERED),
        (Asked.ORDERED, State.ORDERED),
        (Asked.REFUSED, State.ORDERED),
    }
