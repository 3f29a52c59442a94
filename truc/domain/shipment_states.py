"""Where a parcel stands: how far our own asking came, and the post's last word, make one state.

    created ──▶ requested ──▶ ordered ──▶ collecting ──▶ in_transit ──▶ delivered | returned | failed
       │            │  └────▶ refused        ▲
       │            └──▶ cancelling ─────────┤ (the post refuses to cancel, or a postman came first)
       └──────────────────▶ cancelled ◀──────┘

The state is computed from the two and never from the order in which they came to be known.
"""

from enum import StrEnum
from typing import Literal

Word = Literal["ordered", "collecting", "in_transit", "delivered", "returned", "failed", "cancelled"]


class Asked(StrEnum):
    """How far our own asking came."""

    CREATED = "created"  # registered here; the post was not told
    REQUESTED = "requested"  # the order waits for the post, or is on its way
    ORDERED = "ordered"  # the post took the order
    REFUSED = "refused"  # the post did not, or a person dropped the order
    CANCELLING = "cancelling"  # the wish to cancel waits for the post, or is on its way
    KEPT = "kept"  # the post does not cancel it
    CANCELLED = "cancelled"  # the post cancelled it, or was never told


class State(StrEnum):
    """Where the parcel stands, for everybody who asks."""

    CREATED = "created"
    REQUESTED = "requested"
    ORDERED = "ordered"
    REFUSED = "refused"
    CANCELLING = "cancelling"
    COLLECTING = "collecting"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    RETURNED = "returned"
    FAILED = "failed"
    CANCELLED = "cancelled"


class End(StrEnum):
    """What became of a message to the post."""

    OPEN = "open"
    SENT = "sent"
    STOPPED = "stopped"  # refused by the post, or dropped by a person


# The post says "ordered" of a parcel until it is cancelled there: that is no news of one we want cancelled.
_WISHED_AWAY = frozenset({Asked.CANCELLING, Asked.CANCELLED})
_NO_POSTMAN_YET = frozenset({State.CREATED, State.REQUESTED, State.ORDERED})


def state_of(asked: Asked, word: Word | None) -> State:
    """Return the state; `word` is the post's latest word, None before its first. A parcel on its way goes on."""
    if word is not None and not (word == "ordered" and asked in _WISHED_AWAY):
        return State(word)
    return State.ORDERED if asked is Asked.KEPT else State(asked.value)


def asked_after(*, order: End, cancel: End | None) -> Asked:
    """Return how far our asking came, by what became of the order and of the wish to cancel it (None: no wish)."""
    if cancel is End.SENT:
        return Asked.CANCELLED
    if order is End.STOPPED:  # a wish to cancel waits behind it, and has nothing to cancel
        return Asked.REFUSED
    if cancel is End.OPEN:
        return Asked.CANCELLING
    if order is End.OPEN:
        return Asked.REQUESTED
    return Asked.ORDERED if cancel is None else Asked.KEPT


def can_be_cancelled(asked: Asked, state: State) -> bool:
    """Say whether the post may still be asked to cancel: nobody took the parcel, and it did not refuse before."""
    return state in _NO_POSTMAN_YET and asked is not Asked.KEPT
