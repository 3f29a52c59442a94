"""What became of claimed messages, written down many at a time: in one transaction, with receipts and journal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import text

from truc import parties
from truc.envelope import Outgoing, Receipt, digest_of
from truc.exchange import bodies, set_aside, tallies
from truc.exchange.bodies import Body
from truc.exchange.journal import entries
from truc.manifest import Operation
from truc.store.opened import Transaction, as_storable


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """One message in a courier's hands, under lease, as it stood when it was claimed."""

    id: int
    worker: str | None  # who holds the lease
    party: str
    operation: str
    key: str
    external_id: str
    amount_vnd: int | None
    message_id: int
    state: str
    attempts: int
    asks: int
    body_id: int | None
    published_at: datetime
    silent_s: float  # since the last send can have reached the partner, by the database's clock
    trace: str | None = None
    body: bytes = field(default=b"", repr=False)
    digest: str = ""

    @property
    def outgoing(self) -> Outgoing:
        """Return it as a client takes it."""
        return Outgoing(self.external_id, self.key, self.body, self.published_at)


Became = Literal["sent", "waiting", "unknown", "untried", "untouched", "refused", "set_aside"]
OnReceipt = Callable[[Transaction, Claimed, Receipt], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one message.

    `waiting`: nothing happened, again after a while. `unknown`: it may have happened. `untried`: neither sent nor
    asked about through no fault of its own, no try is counted. `untouched`: no call was made at all. `name` is what is
    counted; `reached` tells whether the partner answered at all, None where nobody called.
    """

    one: Claimed
    became: Became
    name: str
    reached: bool | None
    receipt: Receipt | None = None
    after: timedelta = timedelta()
    asked_to_wait: timedelta = timedelta()
    reason: str | None = None
    reason_text: str | None = None


# Somebody else may have given it to a person meanwhile: there is nothing to decide any more.
_SENT = text(
    """
    WITH sent AS (
        UPDATE outbox
        SET state = 'sent', drawer = drawer_of(given.months, now()), finished_at = now(),
            receipt_id = given.receipt_id, partner_reference = given.reference, reason = NULL, reason_text = NULL,
            leased_by = NULL, leased_until = NULL
        FROM unnest(CAST(:ids AS bigint[]), CAST(:months AS integer[]), CAST(:receipts AS bigint[]),
                    CAST(:references AS text[])) AS given(id, months, receipt_id, reference)
        WHERE outbox.drawer = 0 AND outbox.id = given.id
        RETURNING outbox.id, extract(epoch FROM now() - published_at) AS taken_s
    ), decided AS (
        UPDATE set_aside SET state = 'resolved', resolved_at = now(), resolved_how = 'arrived'
        FROM sent WHERE set_aside.outbox_id = sent.id AND set_aside.state = 'open'
    )
    SELECT id, taken_s FROM sent
    """
)
# A courier that lost its lease has no more say.
_OTHERWISE = text(
    """
    UPDATE outbox
    SET state = :state, attempts = attempts + :attempts, asks = asks + :asks,
        not_before = CASE WHEN :after >= interval '0' THEN now() + :after ELSE not_before END,
        sending_at = CASE WHEN :called THEN now() ELSE sending_at END,
        finished_at = CASE WHEN :finished THEN now() ELSE finished_at END,
        reason = CASE WHEN :touched THEN :reason ELSE reason END,
        reason_text = CASE WHEN :touched THEN :reason_text ELSE reason_text END,
        leased_by = NULL, leased_until = NULL
    WHERE drawer = 0 AND id = :id AND leased_by IS NOT DISTINCT FROM :worker
    """
)


def stopped(one: Claimed, became: Literal["refused", "set_aside"], reason: str, reason_text: str) -> Outcome:
    """Return that a message goes no further by itself; a person finds it among the set-aside items."""
    reached = True if became == "refused" else None
    return Outcome(one=one, became=became, name=became, reached=reached, reason=reason, reason_text=reason_text)


def settle(transaction: Transaction, found: Sequence[Outcome], *, on_receipt: OnReceipt | None = None) -> None:
    """Write all of them down. What somebody else wrote down meanwhile stays as it is."""
    sent = [one for one in found if one.became == "sent"]
    taken_s = _sent(transaction, sent)
    done = [one for one in sent if one.one.id in taken_s]
    done += [one for one in found if one.became != "sent" and _otherwise(transaction, one)]
    entries.note(transaction, [_decision(one) for one in done if one.became in ("sent", "refused", "set_aside")])
    tallies.count(
        transaction,
        [(one.one.party, one.one.operation, one.name, taken_s.get(one.one.id)) for one in done if one.name],
    )
    if on_receipt is not None:
        for one in sent:
            if one.receipt is not None and one.one.id in taken_s:
                on_receipt(transaction, one.one, one.receipt)


def _sent(transaction: Transaction, sent: Sequence[Outcome]) -> dict[int, float]:
    """The partner has them: true even where a lease was lost meanwhile. Return id → seconds since it was published."""
    if not sent:
        return {}
    receipts = _keep_receipts(transaction, sent)
    rows = transaction.sql.execute(
        _SENT,
        {
            "ids": [one.one.id for one in sent],
            "months": [_operation(one.one).retention.metadata_months for one in sent],
            "receipts": receipts,
            "references": [_reference(one.receipt) for one in sent],
        },
    )
    return {int(row.id): float(row.taken_s) for row in rows}


def _keep_receipts(transaction: Transaction, sent: Sequence[Outcome]) -> list[int | None]:
    """Keep every answer once, also where one answer was given to a whole batch."""
    different = {
        id(one.receipt): Body(one.receipt.body, one.receipt.content_type, _operation(one.one).retention.bodies_months)
        for one in sent
        if one.receipt is not None
    }
    kept = dict(zip(different, bodies.keep_many(transaction, list(different.values())), strict=True))
    return [kept.get(id(one.receipt)) for one in sent]


def _reference(receipt: Receipt | None) -> str | None:
    return None if receipt is None else as_storable(receipt.external_id) or None


def _otherwise(transaction: Transaction, found: Outcome) -> bool:
    one = found.one
    final = found.became in ("refused", "set_aside")
    waited = one.state == "waiting"
    state = {"untried": "waiting" if waited else "unknown", "untouched": one.state}.get(found.became, found.became)
    values: dict[str, Any] = {
        "id": one.id,
        "worker": one.worker,
        "state": state,
        "attempts": -1 if waited and found.became in ("untried", "untouched") else 0,
        "asks": 1 if found.became == "unknown" else 0,
        "after": timedelta(seconds=-1) if final or found.became == "untouched" else found.after,
        # The partner may have got it as late as now: its time to settle begins here.
        "called": found.became == "unknown" and waited,
        "finished": final,
        "touched": found.became != "untouched",
        "reason": found.reason,
        "reason_text": None if found.reason_text is None else as_storable(found.reason_text),
    }
    if transaction.sql.execute(_OTHERWISE, values).rowcount != 1:
        return False
    if final:
        set_aside.note_outgoing(
            transaction,
            party=one.party,
            kind=one.operation,
            outbox_id=one.id,
            item=one.external_id,
            reason=found.reason or found.became,
            text=found.reason_text or "",
        )
    return True


def _decision(found: Outcome) -> entries.Decision:
    one = found.one
    return entries.Decision(
        exchange_id=one.id,
        direction="out",
        party=one.party,
        kind=one.operation,
        key=one.key,
        external_id=one.external_id,
        outcome=found.became,
        digest_out=one.digest or None,
        digest_in=None if found.receipt is None else digest_of(found.receipt.body),
        amount_vnd=one.amount_vnd,
    )


def _operation(one: Claimed) -> Operation:
    return parties.manifest(one.party).operation(one.operation)
