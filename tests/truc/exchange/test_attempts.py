"""One call and its answer: each of the five failures means one thing for the message, and a batch is one call."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from truc.envelope import Answer, Arrival, Outgoing, Receipt
from truc.errors import (
    MalformedError,
    OutcomeUnknownError,
    RejectedError,
    SetupError,
    TransientError,
    TrucError,
)
from truc.exchange import attempts
from truc.exchange.outcomes import Claimed
from truc.manifest import Limits, OutcomeClass

LIMITS = Limits(attempts_max=3, settle_s=0.0)
AWAY = TransientError("nobody there", reason="not_reached")
BUSY = TransientError("come again", reason="asked_to_wait", retry_after_s=77)
LATER = TransientError("later", reason="momo_10")
SILENCE = OutcomeUnknownError("no answer", reason="no_answer")
NO = RejectedError("no", reason="portal_says_no")


class Partner:
    """Answers every call in the same way: with a receipt, an answer, or an error."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[str, list[Outgoing]]] = []

    def send_order(self, outgoing: Outgoing) -> Receipt:
        """Take one order."""
        return self._answer("send", [outgoing])

    def send_order_batch(self, batch: Sequence[Outgoing]) -> Receipt:
        """Take many orders."""
        return self._answer("batch", list(batch))

    def ask_order(self, outgoing: Outgoing) -> Answer:
        """Say whether an order is there."""
        return self._answer("ask", [outgoing])

    def close(self) -> None:
        """Nothing is open."""

    def _answer(self, verb: str, given: list[Outgoing]) -> Any:
        self.calls.append((verb, given))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


SENDS = {
    "a receipt": (Receipt("R", b"ok"), "sent", "sent", True),
    "no": (NO, "refused", "refused", True),
    "away": (AWAY, "untried", "waiting", False),
    "busy": (BUSY, "untried", "waiting", False),
    "later": (LATER, "waiting", "waiting", False),
    "silence": (SILENCE, "unknown", "unknown", False),
    "unreadable": (MalformedError("what", reason="not_json"), "unknown", "unknown", False),
    "a bug": (ZeroDivisionError(), "unknown", "unknown", False),
    "a failure without a name": (TrucError("what"), "unknown", "unknown", False),
}


@pytest.mark.parametrize("what", SENDS)
def test_what_an_answer_to_a_send_means(what: str) -> None:
    answer, became, name, reached = SENDS[what]
    partner = Partner(answer)
    done = attempts.attempt(partner, LIMITS, _one())
    assert (done.became, done.name, done.reached) == (became, name, reached)
    assert [verb for verb, _ in partner.calls] == ["send"]


ASKED = {
    "there": (Answer(Arrival.ARRIVED, Receipt("R", b"ok")), "sent", "asked_arrived"),
    "not there": (Answer(Arrival.ABSENT), "waiting", "asked_absent"),
    "not said": (Answer(Arrival.NOT_SAID), "unknown", "asked_not_said"),
    "no": (NO, "unknown", "unknown"),
    "away": (AWAY, "untried", "unknown"),
    "silence": (SILENCE, "unknown", "unknown"),
    "a failure without a name": (TrucError("what"), "unknown", "unknown"),
}


@pytest.mark.parametrize("state", ["sending", "unknown"])
@pytest.mark.parametrize("what", ASKED)
def test_what_an_answer_to_a_question_means(what: str, state: str) -> None:
    answer, became, name = ASKED[what]
    partner = Partner(answer)
    done = attempts.attempt(partner, LIMITS, _one(state=state, attempts=1))
    assert (done.became, done.name) == (became, name)
    assert [verb for verb, _ in partner.calls] == ["ask"]


def test_an_absent_message_is_believed_only_when_the_partner_had_its_time() -> None:
    limits = Limits(settle_s=60.0)
    early = attempts.attempt(Partner(Answer(Arrival.ABSENT)), limits, _one(state="unknown", attempts=1, silent_s=20.0))
    assert (early.became, early.reason, early.after) == ("untried", "not_settled", timedelta(seconds=40))
    late = attempts.attempt(Partner(Answer(Arrival.ABSENT)), limits, _one(state="unknown", attempts=1, silent_s=60.0))
    assert (late.became, late.reason) == ("waiting", "asked_absent")


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_where_nobody_can_be_asked_no_call_is_made(operation: Any, state: str) -> None:
    operation("vnpost", "order", outcome=OutcomeClass.NEITHER)
    partner = Partner(Receipt("R", b"ok"))
    done = attempts.attempt(partner, LIMITS, _one(state=state, attempts=1))
    assert (done.became, done.reason, done.reached) == ("set_aside", "outcome_unknown", None)
    assert partner.calls == []


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_with_an_idempotency_key_the_very_same_is_sent_again(operation: Any, state: str) -> None:
    operation("vnpost", "order", outcome=OutcomeClass.IDEMPOTENCY_KEY)
    partner = Partner(Receipt("R", b"ok"))
    one = _one(state=state, attempts=1)
    assert attempts.attempt(partner, LIMITS, one).became == "sent"
    assert partner.calls == [("send", [one.outgoing])]


@pytest.mark.parametrize("batch", [1, 3])
def test_the_partner_is_obeyed_when_it_asks_to_wait(batch: int) -> None:
    waits = [(done.after, done.asked_to_wait) for done in _batch(Partner(BUSY), batch)]
    assert waits == [(timedelta(seconds=77), timedelta(seconds=77))] * batch
    for_ever = TransientError("come again", reason="asked_to_wait", retry_after_s=10**9)
    assert [done.after for done in _batch(Partner(for_ever), batch)] == [timedelta(days=1)] * batch


def test_tries_and_questions_end_with_a_person() -> None:
    last = attempts.attempt(Partner(LATER), LIMITS, _one(attempts=2))
    assert (last.became, last.reason) == ("set_aside", "momo_10")
    last = attempts.attempt(Partner(SILENCE), LIMITS, _one(state="unknown", attempts=1, asks=3))
    assert (last.became, last.reason) == ("set_aside", "outcome_unknown")


def test_wrong_settings_are_told_to_the_courier() -> None:
    with pytest.raises(SetupError):
        attempts.attempt(Partner(SetupError("wrong")), LIMITS, _one())
    with pytest.raises(SetupError):
        _batch(Partner(SetupError("wrong")))


def test_one_answer_to_a_batch_stands_for_each() -> None:
    partner = Partner(Receipt("R", b"ok"))
    done = _batch(partner)
    assert [(one.became, one.receipt) for one in done] == [("sent", partner.answer)] * 3
    assert [(verb, [one.external_id for one in given]) for verb, given in partner.calls] == [
        ("batch", ["O-1", "O-2", "O-3"])
    ]


BATCHES = {
    "refused": (NO, "unknown", "batch_refused"),
    "silence": (SILENCE, "unknown", "no_answer"),
    "unreadable": (MalformedError("what", reason="not_json"), "unknown", "not_json"),
    "a bug": (ZeroDivisionError(), "unknown", "connector_failed"),
    "a failure without a name": (TrucError("what", reason="what"), "unknown", "what"),
    "away": (AWAY, "untried", "not_reached"),
    "later": (LATER, "waiting", "momo_10"),
}


@pytest.mark.parametrize("what", BATCHES)
def test_what_a_failed_batch_means_for_each_of_it(what: str) -> None:
    answer, became, reason = BATCHES[what]
    done = _batch(Partner(answer))
    assert [one.one.external_id for one in done] == ["O-1", "O-2", "O-3"]
    assert [(one.became, one.reason) for one in done] == [(became, reason)] * 3


@pytest.mark.parametrize("what", ["refused", *BATCHES])
def test_a_batch_tells_the_line_of_one_call(what: str) -> None:
    told = [one.reached for one in _batch(Partner(BATCHES[what][0])) if one.reached is not None]
    assert told == [what == "refused"]


def _batch(partner: Partner, count: int = 3) -> Any:
    return attempts.attempt_batch(partner, LIMITS, [_one(number) for number in range(1, count + 1)])


def _one(number: int = 1, **changes: Any) -> Claimed:
    known: dict[str, Any] = {
        "id": number,
        "worker": "w",
        "party": "vnpost",
        "operation": "order",
        "key": f"O-{number}",
        "external_id": f"O-{number}",
        "amount_vnd": None,
        "message_id": 1,
        "state": "waiting",
        "attempts": 0,
        "asks": 0,
        "body_id": number,
        "published_at": datetime(2026, 3, 4, tzinfo=UTC),
        "silent_s": 3600.0,
        "body": b"{}",
    }
    return Claimed(**{**known, **changes})
