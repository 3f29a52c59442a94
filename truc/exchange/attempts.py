"""One call to the partner, a send or a question, and what it means for the message: the failures of truc.errors."""

import logging
import random
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from datetime import timedelta

from truc import parties, tracing
from truc.envelope import Arrival, Receipt
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError, TransientError, TrucError
from truc.exchange.outcomes import Claimed, Outcome, stopped
from truc.manifest import Limits, OutcomeClass
from truc.parties import Client

log = logging.getLogger(__name__)

# The partner is away or asks all of us to wait: that costs a message none of its tries, however long it lasts.
AWAY = frozenset({"not_reached", "asked_to_wait"})
RETRY_AFTER_MAX_S = 86_400  # a partner that asks for more than a day is asked again tomorrow


def attempt(client: Client, limits: Limits, one: Claimed) -> Outcome:
    """Send or ask, and return what became of it. Raise SetupError when the partner refuses our settings."""
    with _traced(one) as span:
        done = _attempt(client, limits, one)
        span.set_attribute("truc.outcome", done.name)
    return done


def _attempt(client: Client, limits: Limits, one: Claimed) -> Outcome:
    declared = parties.manifest(one.party).operation(one.operation).outcome
    asks = one.state != "waiting" and declared is OutcomeClass.ASK
    if one.state != "waiting" and declared is OutcomeClass.NEITHER:
        text = "nobody knows whether it arrived, and this partner cannot be asked"
        return stopped(one, "set_aside", "outcome_unknown", text)
    try:
        return _ask(client, limits, one) if asks else _send(client, one)
    except SetupError:
        raise
    except TrucError as error:
        return _failed(limits, one, error, asked=asks)
    except Exception as error:  # noqa: BLE001  (a connector's bug: what it did before is not known)
        name = type(error).__name__
        log.error("%s %s: the connector failed on outbox %d: %s", one.party, one.operation, one.id, name)  # noqa: TRY400  (an error's text may hold what was sent)
        return _unknown(limits, one, MalformedError(f"the connector failed: {name}", reason="connector_failed"))


def attempt_batch(client: Client, limits: Limits, batch: Sequence[Claimed]) -> list[Outcome]:
    """Send new messages in one call. One answer stands for all; a refused batch says nothing of its messages."""
    with ExitStack() as spans:
        # The call is made in the first one's trace; the others name that exchange.
        traced = [spans.enter_context(_traced(one)) for one in reversed(batch)]
        done = _one_call(_attempt_batch(client, limits, batch))
        for span, outcome in zip(reversed(traced), done, strict=True):
            span.set_attribute("truc.outcome", outcome.name)
            span.set_attribute("truc.batch", batch[0].id)
    return done


def _attempt_batch(client: Client, limits: Limits, batch: Sequence[Claimed]) -> list[Outcome]:
    try:
        receipt = parties.batch_sender(client, batch[0].operation)([one.outgoing for one in batch])
    except SetupError:
        raise
    except RejectedError as error:
        text = f"its batch of {len(batch)} was refused: {error}"
        return [_unknown(limits, one, OutcomeUnknownError(text, reason="batch_refused"), reached=True) for one in batch]
    except TrucError as error:
        return [_failed(limits, one, error, asked=False) for one in batch]
    except Exception as error:  # noqa: BLE001  (as above)
        name = type(error).__name__
        log.error("%s %s: the connector failed on a batch: %s", batch[0].party, batch[0].operation, name)  # noqa: TRY400  (as above)
        problem = MalformedError(f"the connector failed: {name}", reason="connector_failed")
        return [_unknown(limits, one, problem) for one in batch]
    return [_arrived(one, receipt, "sent") for one in batch]


def _one_call(done: Sequence[Outcome]) -> list[Outcome]:
    """A batch is one call: the line to the partner hears of it once."""
    return [done[0], *(replace(one, reached=None) for one in done[1:])]


def untried(limits: Limits, one: Claimed, error: TrucError) -> Outcome:
    """Return that it could be neither sent nor asked about, through no fault of its own."""
    wait = _asked_to_wait(error)
    return Outcome(
        one=one,
        became="untried",
        name="waiting" if one.state == "waiting" else "unknown",
        reached=None if isinstance(error, SetupError) else False,
        after=max(_backoff(limits, 1), wait),
        asked_to_wait=wait,
        reason=error.reason,
        reason_text=str(error),
    )


def untouched(one: Claimed) -> Outcome:
    """Return that no call was made: it stands as it did before it was claimed."""
    return Outcome(one=one, became="untouched", name="", reached=None)


def _traced(one: Claimed) -> AbstractContextManager[tracing.Span]:
    """Open the courier's span, in the trace of what published the message. No key, no external id: they name people."""
    told: dict[str, str | int] = {
        "truc.exchange_id": one.id,
        "truc.party": one.party,
        "truc.operation": one.operation,
        "truc.state": one.state,
        "truc.attempts": one.attempts + (one.state == "waiting"),
        "truc.asks": one.asks,
    }
    return tracing.continued("courier", one.trace, kind="consumer", attributes=told)


def _send(client: Client, one: Claimed) -> Outcome:
    return _arrived(one, parties.sender(client, one.operation)(one.outgoing), "sent")


def _ask(client: Client, limits: Limits, one: Claimed) -> Outcome:
    answer = parties.asker(client, one.operation)(one.outgoing)
    name = f"asked_{answer.arrival.value}"
    if answer.arrival is Arrival.ARRIVED:
        return _arrived(one, answer.receipt, name)
    if answer.arrival is Arrival.NOT_SAID:
        problem = MalformedError("the partner did not say", reason="not_said")
        return _unknown(limits, one, problem, reached=True, name=name)
    unsettled_s = limits.settle_s - one.silent_s
    if unsettled_s > 0:  # it may still be on its way through the partner: too early to believe
        text, after = "the partner does not have it yet", timedelta(seconds=unsettled_s)
        return Outcome(
            one=one, became="untried", name=name, reached=True, after=after, reason="not_settled", reason_text=text
        )
    text = "the partner does not have it"
    return Outcome(one=one, became="waiting", name=name, reached=True, reason="asked_absent", reason_text=text)


def _arrived(one: Claimed, receipt: Receipt | None, name: str) -> Outcome:
    return Outcome(one=one, became="sent", name=name, reached=True, receipt=receipt)


def _failed(limits: Limits, one: Claimed, error: TrucError, *, asked: bool) -> Outcome:
    match error:
        case RejectedError() if not asked:
            return stopped(one, "refused", error.reason, str(error))
        case TransientError() if error.reason in AWAY:
            return untried(limits, one, error)
        case TransientError() if one.state == "waiting":
            return _again(limits, one, error)
        case _:  # an answer that cannot be read, and a question that got none, leave the outcome open
            return _unknown(limits, one, error)


def _again(limits: Limits, one: Claimed, error: TrucError) -> Outcome:
    tries = one.attempts + 1
    if tries >= limits.attempts_max:
        return stopped(one, "set_aside", error.reason, f"{tries} tries: {error}")
    wait = _asked_to_wait(error)
    return Outcome(
        one=one,
        became="waiting",
        name="waiting",
        reached=False,
        after=max(_backoff(limits, tries), wait),
        asked_to_wait=wait,
        reason=error.reason,
        reason_text=str(error),
    )


def _unknown(
    limits: Limits, one: Claimed, error: TrucError, *, reached: bool = False, name: str = "unknown"
) -> Outcome:
    if one.asks >= limits.attempts_max:
        return stopped(one, "set_aside", "outcome_unknown", str(error))
    wait = _asked_to_wait(error)
    return Outcome(
        one=one,
        became="unknown",
        name=name,
        reached=reached,
        after=max(_backoff(limits, one.asks + 1), wait),
        asked_to_wait=wait,
        reason=error.reason,
        reason_text=str(error),
    )


def _asked_to_wait(error: TrucError) -> timedelta:
    asked_s = (error.retry_after_s or 0) if isinstance(error, TransientError) else 0
    return timedelta(seconds=min(asked_s, RETRY_AFTER_MAX_S))


def _backoff(limits: Limits, tries: int) -> timedelta:
    ceiling = min(limits.backoff_max_s, limits.backoff_s * 2 ** (tries - 1))
    return timedelta(seconds=ceiling * random.uniform(0.5, 1.0))
