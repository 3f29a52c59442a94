"""Bugs planted into the exchange, each by one change of its code: the simulation must catch every one of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import text

from truc.exchange import attempts, claims, inbox, outcomes
from truc.exchange.journal import entries
from truc.exchange.outcomes import Outcome

Bug = Callable[[], AbstractContextManager[None]]


@contextmanager
def _replaced(module: object, name: str, value: Any) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def _rewritten(module: object, name: str, old: str, new: str) -> AbstractContextManager[None]:
    """Change a statement; raise ValueError when it does not hold what should be changed."""
    before = str(getattr(module, name))
    if old not in before:
        raise ValueError(f"{name} holds no {old!r} any more: mend this bug")
    return _replaced(module, name, text(before.replace(old, new)))


def no_sending_commit() -> AbstractContextManager[None]:
    """A claimed message is not marked SENDING before its call."""
    return _rewritten(claims, "_MARK", "CASE state WHEN 'waiting' THEN 'sending' ELSE state END", "state")


def no_ask() -> AbstractContextManager[None]:
    """After silence a message is sent again, and nobody is asked."""
    return _replaced(attempts, "_ask", lambda client, _limits, one: attempts._send(client, one))


def no_order_lock() -> AbstractContextManager[None]:
    """A message does not wait for the earlier ones of its key."""
    return _rewritten(claims, "_TAKE", "place = (", "place >= (")


def skipped_entry() -> AbstractContextManager[None]:
    """The last of a batch of decisions is not noted in the journal."""
    noted = entries.note

    def note(transaction: Any, decisions: Sequence[entries.Decision]) -> None:
        noted(transaction, decisions[:-1] if len(decisions) > 1 else decisions)

    return _replaced(entries, "note", note)


def no_settling() -> AbstractContextManager[None]:
    """A partner's «I do not have it» is believed at once."""
    ask = attempts._ask

    def hasty(client: Any, limits: Any, one: Any) -> Outcome:
        return ask(client, replace(limits, settle_s=0.0), one)

    return _replaced(attempts, "_ask", hasty)


def no_lease_check() -> AbstractContextManager[None]:
    """A courier that lost its lease writes down what it believes all the same."""
    return _rewritten(
        outcomes,
        "_OTHERWISE",
        "AND leased_by IS NOT DISTINCT FROM :worker",
        "AND (CAST(:worker AS text) IS NULL OR true)",
    )


def booked_again() -> AbstractContextManager[None]:
    """A message that came twice is booked twice."""
    return _rewritten(inbox, "_KEEP", "SET seen = known.seen + 1", "SET seen = 1, inbox_id = excluded.inbox_id")


BUGS: dict[str, Bug] = {
    one.__name__: one
    for one in (
        no_sending_commit,
        no_ask,
        no_order_lock,
        skipped_entry,
        no_settling,
        no_lease_check,
        booked_again,
    )
}
