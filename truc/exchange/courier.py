"""The courier: drains one party's outbox with bounded concurrency, and asks after silence instead of sending again.

Each worker claims a few messages of different keys, and for each commits SENDING before the call. The
outcome of one message and the SENDING of the next share a transaction, so a message costs one commit. A
worker that dies leaves SENDING rows whose lease runs out: the next courier treats them as unknown.
"""

import logging
import random
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from truc import parties
from truc.envelope import Arrival, Outgoing, Receipt
from truc.errors import (
    MalformedError,
    OutcomeUnknownError,
    RejectedError,
    SetupError,
    TransientError,
    TrucError,
)
from truc.exchange import bodies, outbox
from truc.exchange.outbox import Claimed
from truc.manifest import Limits, OutcomeClass
from truc.parties import Client
from truc.store.opened import Store, Transaction

log = logging.getLogger(__name__)

CLAIM_MOST = 8
# The partner is away or asks all of us to wait: that costs a message none of its tries, however long it lasts.
AWAY = frozenset({"not_reached", "asked_to_wait"})
# After so many failures in a row the partner is taken to be away: the rest waits untouched.
UNREACHABLE_AFTER = 6
# How long a courier lingers for a message that may go again soon, before it leaves it to the next run.
LINGER_S = 6.0
RETRY_AFTER_MAX_S = 86_400  # a partner that asks for more than a day is asked again tomorrow

OnReceipt = Callable[[Transaction, Claimed, Receipt], None]
Settle = Callable[[Transaction], None]


@dataclass(slots=True)
class Delivery:
    """What one run of the courier did: outcome → count. `unreachable` says it stopped early."""

    counts: Counter[str] = field(default_factory=Counter)
    unreachable: bool = False


@dataclass(slots=True)
class _Run:
    store: Store
    client: Client
    party: str
    operations: tuple[str, ...]
    limits: Limits
    on_receipt: OnReceipt
    delivery: Delivery
    lock: threading.Lock = field(default_factory=threading.Lock)
    failures: int = 0
    setup: SetupError | None = None

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.limits.lease_s)

    @property
    def stopped(self) -> bool:
        return self.delivery.unreachable or self.setup is not None

    def note(self, outcome: str, *, reached: bool) -> None:
        with self.lock:
            self.delivery.counts[outcome] += 1
            self.failures = 0 if reached else self.failures + 1
            if self.failures >= UNREACHABLE_AFTER:
                self.delivery.unreachable = True


def deliver(
    store: Store, client: Client, party: str, operations: tuple[str, ...], *, on_receipt: OnReceipt
) -> Delivery:
    """Send what may go now and return what became of it.

    Raise SetupError when the partner refuses our settings; what was not sent waits. A partner that
    is away is no error: its messages wait for the next run.
    """
    limits = parties.manifest(party).limits
    run = _Run(store, client, party, operations, limits, on_receipt, Delivery())
    with ThreadPoolExecutor(limits.concurrency, thread_name_prefix=party) as pool:
        for worker in [pool.submit(_work, run) for _ in range(limits.concurrency)]:
            worker.result()
    if run.setup is not None:
        raise run.setup
    log.info(
        "%s: delivered %s%s",
        party,
        dict(run.delivery.counts),
        " (unreachable)" if run.delivery.unreachable else "",
    )
    return run.delivery


def _work(run: _Run) -> None:
    worker = f"{socket.gethostname()}/{uuid.uuid4().hex[:12]}"
    deadline = time.monotonic() + LINGER_S
    while not run.stopped:
        with run.store.begin() as transaction:
            claimed = outbox.claim(
                transaction, run.party, run.operations, worker=worker, most=CLAIM_MOST, lease=run.lease
            )
        if claimed:
            deadline = time.monotonic() + LINGER_S
            _work_through(run, claimed, worker)
        elif not _linger(run, deadline):
            break


def _linger(run: _Run, deadline: float) -> bool:
    with run.store.begin() as transaction:
        due_s = outbox.next_due_s(transaction, run.party, run.operations)
    wait_s = None if due_s is None else max(0.05, due_s)
    if wait_s is None or time.monotonic() + wait_s > deadline:
        return False
    time.sleep(wait_s)
    return True


def _work_through(run: _Run, claimed: list[Claimed], worker: str) -> None:
    settle: Settle | None = None
    for one in claimed:
        if run.stopped:
            break
        outgoing = _settle_and_prepare(run, settle, one, worker)
        settle = None if outgoing is None else _attempt(run, one, outgoing)
    with run.store.begin() as transaction:
        if settle is not None:
            settle(transaction)
        outbox.release(transaction, worker)


def _settle_and_prepare(run: _Run, settle: Settle | None, one: Claimed, worker: str) -> Outgoing | None:
    """Write down the last message's outcome and commit to the next one's send, in one transaction.

    If the next one cannot even be prepared, the outcome of the last is still written.
    """
    try:
        with run.store.begin() as transaction:
            if settle is not None:
                settle(transaction)
            return _prepare(run, transaction, one, worker)
    except Exception:
        if settle is not None:
            with run.store.begin() as transaction:
                settle(transaction)
        raise


def _prepare(run: _Run, transaction: Transaction, one: Claimed, worker: str) -> Outgoing | None:
    """Return the message as the client takes it, or None when it must not be sent now."""
    try:
        # A retry or a question uses the very bytes of the first try.
        body = _written(transaction, one) if one.body_id is None else bodies.read(transaction, one.body_id)
    except MalformedError as error:
        outbox.mark_stopped(transaction, one, state="set_aside", reason=error.reason, reason_text=str(error))
        run.note("set_aside", reached=True)
        return None
    if one.state == "waiting":
        body_id = one.body_id or bodies.keep(transaction, body, "application/octet-stream")
        mine = outbox.mark_sending(transaction, one, body_id, worker=worker, lease=run.lease)
    else:
        mine = outbox.renew(transaction, one, lease=run.lease)
    return Outgoing(one.external_id, one.key, body, one.published_at) if mine else None


def _written(transaction: Transaction, one: Claimed) -> bytes:
    message = outbox.message_of(transaction, one)
    try:
        return parties.writer(one.party, one.operation)(message)
    except TrucError:
        raise
    except Exception as error:  # a mapping's bug sets its message aside; the party's others go on
        # The kind only: a traceback's last line may hold a citizen's data.
        name = type(error).__name__
        log.error("%s %s: the mapping failed on outbox %d: %s", one.party, one.operation, one.id, name)  # noqa: TRY400
        text = f"the mapping failed: {name}; mend it, then send it again"
        raise MalformedError(text, reason="mapping_failed") from error


def _attempt(run: _Run, one: Claimed, outgoing: Outgoing) -> Settle:
    """Send or ask, and return what to write down about it."""
    outcome = parties.manifest(one.party).operation(one.operation).outcome
    asks = one.state != "waiting" and outcome is OutcomeClass.ASK
    if one.state != "waiting" and outcome is OutcomeClass.NEITHER:
        run.note("set_aside", reached=True)
        text = "nobody knows whether it arrived, and this partner cannot be asked"
        return lambda transaction: outbox.mark_stopped(
            transaction, one, state="set_aside", reason="outcome_unknown", reason_text=text
        )
    try:
        return _ask(run, one, outgoing) if asks else _send(run, one, outgoing)
    except TrucError as error:
        return _failed(run, one, error, asked=asks)


def _send(run: _Run, one: Claimed, outgoing: Outgoing) -> Settle:
    receipt = parties.sender(run.client, one.operation)(outgoing)
    run.note("sent", reached=True)
    return _arrived(run, one, receipt)


def _ask(run: _Run, one: Claimed, outgoing: Outgoing) -> Settle:
    answer = parties.asker(run.client, one.operation)(outgoing)
    run.note(f"asked_{answer.arrival.value}", reached=True)
    if answer.arrival is Arrival.ARRIVED:
        return _arrived(run, one, answer.receipt)
    unsettled_s = run.limits.settle_s - one.silent_s
    if answer.arrival is Arrival.ABSENT and unsettled_s > 0:
        # It may still be on its way through the partner: too early to believe.
        text = "the partner does not have it yet"
        return lambda transaction: outbox.mark_untried(
            transaction, one, after=timedelta(seconds=unsettled_s), reason="not_settled", reason_text=text
        )
    if answer.arrival is Arrival.ABSENT:
        return lambda transaction: outbox.mark_waiting(
            transaction,
            one,
            after=timedelta(),
            reason="asked_absent",
            reason_text="the partner does not have it",
        )
    return _unknown(run, one, MalformedError("the partner did not say", reason="not_said"))


def _arrived(run: _Run, one: Claimed, receipt: Receipt | None) -> Settle:
    def settle(transaction: Transaction) -> None:
        outbox.mark_sent(transaction, one, receipt)
        if receipt is not None:
            run.on_receipt(transaction, one, receipt)

    return settle


def _failed(run: _Run, one: Claimed, error: TrucError, *, asked: bool) -> Settle:
    """What each of the five failures means for a message: see truc.errors."""
    match error:
        case SetupError():
            with run.lock:
                run.setup = error
            return _untried(run, one, error)
        case RejectedError() if not asked:
            run.note("refused", reached=True)
            return lambda transaction: outbox.mark_stopped(
                transaction, one, state="refused", reason=error.reason, reason_text=str(error)
            )
        case TransientError() if error.reason in AWAY:
            run.note("unknown" if asked else "waiting", reached=False)
            return _untried(run, one, error)
        case TransientError() if not asked:
            run.note("waiting", reached=False)
            return _again(run, one, error)
        case OutcomeUnknownError() | MalformedError() | TransientError() | RejectedError():
            # An answer that cannot be read, and a question that got none, leave the outcome open.
            run.note("unknown", reached=False)
            return _unknown(run, one, error)
        case _:
            raise error


def _again(run: _Run, one: Claimed, error: TrucError) -> Settle:
    tries = one.attempts + 1
    if tries >= run.limits.attempts_max:
        return lambda transaction: outbox.mark_stopped(
            transaction, one, state="set_aside", reason=error.reason, reason_text=f"{tries} tries: {error}"
        )
    after = _wait(run.limits, tries, error)
    return lambda transaction: outbox.mark_waiting(
        transaction, one, after=after, reason=error.reason, reason_text=str(error)
    )


def _untried(run: _Run, one: Claimed, error: TrucError) -> Settle:
    after = _wait(run.limits, 1, error)
    return lambda transaction: outbox.mark_untried(
        transaction, one, after=after, reason=error.reason, reason_text=str(error)
    )


def _unknown(run: _Run, one: Claimed, error: TrucError) -> Settle:
    if one.asks >= run.limits.attempts_max:
        return lambda transaction: outbox.mark_stopped(
            transaction, one, state="set_aside", reason="outcome_unknown", reason_text=str(error)
        )
    after = _wait(run.limits, one.asks + 1, error)
    return lambda transaction: outbox.mark_unknown(
        transaction, one, after=after, reason=error.reason, reason_text=str(error)
    )


def _wait(limits: Limits, tries: int, error: TrucError) -> timedelta:
    """Our own backoff, or longer where the partner asked for it."""
    asked_s = (error.retry_after_s or 0) if isinstance(error, TransientError) else 0
    return max(_backoff(limits, tries), timedelta(seconds=min(asked_s, RETRY_AFTER_MAX_S)))


def _backoff(limits: Limits, tries: int) -> timedelta:
    ceiling = min(limits.backoff_max_s, limits.backoff_s * 2 ** (tries - 1))
    return timedelta(seconds=ceiling * random.uniform(0.5, 1.0))
