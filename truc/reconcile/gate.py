"""The gate before reconciliation: a statement is whole, or its day waits with the reason; half a file is never matched.

Reading already refuses a file whose end, lines or totals do not hold (truc.statements, truc.store.statements). This is
the one place that says for a party's day which checks were made, which the file's form has no place for, and which
failed; what it found is kept in `statement_gates`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert as upsert

from truc.errors import TransientError
from truc.exchange import set_aside
from truc.exchange.set_aside import SetAside
from truc.reconcile.checks import Check, CheckName, Numbered, Told, equal, failed, failing, in_sequence, whole
from truc.store import statements
from truc.store.opened import Transaction
from truc.store.statements import Kept
from truc.store.tables.gate import STATEMENT_GATES

__all__ = ["Check", "Gate", "failing", "judge"]

# Which check it is that a file failed when it was read; any other reason is that of a line.
_FAILED: Mapping[str, CheckName] = {
    "truncated": "end_mark",
    "control_count_differs": "count",
    "control_total_differs": "amount_vnd",
    "balance_differs": "balance",
    "sequence_gap": "sequence",
}
# Notes on a file that are no failure of it: the day's file came in two forms, or came again.
_NO_FAILURE = frozenset({set_aside.INCIDENT, "delivered_twice"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What was found of a party's day. `version` is that of its newest whole statement, 0 while there is none.

    `refused` are the files of the day that were refused after that statement came, as failed checks: the day is
    matched against what is whole, and a person sees that more was sent.
    """

    party: str
    business_on: date
    version: int
    checks: tuple[Check, ...] = ()
    refused: tuple[Check, ...] = ()
    reason: str = ""
    text: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the day may be matched."""
        return not self.reason

    def waiting(self) -> TransientError:
        """Return why the day waits, to be raised: the file may come, or come whole, later."""
        return TransientError(f"{self.party} {self.business_on}: {self.text}", reason=self.reason)


def judge(transaction: Transaction, party: str, business_on: date) -> Gate:
    """Look at the day, keep what was found, and return it. No other version of the day comes before the commit."""
    statements.lock(transaction, party, business_on)
    statement = statements.newest(transaction, party, business_on)
    refused = _refused(transaction, party, business_on, after=0 if statement is None else statement.inbox_id)
    gate = _without(party, business_on, refused) if statement is None else _with(transaction, statement, refused)
    _keep(transaction, gate, None if statement is None else statement.id)
    return gate


def _without(party: str, business_on: date, refused: Sequence[Check]) -> Gate:
    """A day without a whole statement waits, and says what was wrong with the newest file that came."""
    reason, text = "statement_missing", f"no statement of {business_on} has come yet"
    if refused:
        reason, text = refused[-1].reason, f"the file was refused: {refused[-1].text}"
    return Gate(
        party=party, business_on=business_on, version=0, checks=tuple(refused[-1:]), refused=tuple(refused),
        reason=reason, text=text,
    )  # fmt: skip


def _with(transaction: Transaction, statement: Kept, refused: Sequence[Check]) -> Gate:
    checks = _checks(transaction, statement)
    fault = failing(checks)
    return Gate(
        party=statement.party,
        business_on=statement.business_on,
        version=statement.version,
        checks=tuple(checks),
        refused=tuple(refused),
        reason="" if fault is None else fault.reason,
        text="" if fault is None else fault.text,
    )


def _checks(transaction: Transaction, statement: Kept) -> list[Check]:
    count, amount_vnd = statements.booked(transaction, statement.id)
    told = Told(
        end_mark=True if statement.end_marked else None,  # a file that lacks the mark of its form is not booked
        count=statement.count_declared,
        amount_vnd=statement.amount_declared_vnd,
        opening_vnd=None if statement.moved_vnd is None else statement.opening_vnd,
        closing_vnd=statement.closing_vnd,
    )
    year = statement.business_on.year
    numbered = statements.numbered(transaction, statement.party, years=(year - 1, year))
    own = next((_numbered(one) for one in numbered if one.id == statement.id), None)
    return [
        equal("read", "lines_missing", statement._mapping["count"], count),
        Check(name="digest", state="holds", found=statement.version),  # the same bytes are no version of their own
        *whole(told, count=count, amount_vnd=amount_vnd, movement_vnd=statement.moved_vnd or 0),
        in_sequence(own, [_numbered(one) for one in numbered if one.id != statement.id]),
    ]


def _numbered(row: Kept) -> Numbered:
    return Numbered(business_on=row.business_on, first=row.sequence_first, last=row.sequence_last)


def _refused(transaction: Transaction, party: str, business_on: date, *, after: int) -> list[Check]:
    """What is open about the day's files that came after the one that is booked, the oldest first."""
    files = [one for one in statements.files_of(transaction, party, business_on) if one > after]
    found = [one for one in set_aside.of_exchanges(transaction, files) if one.incoming and one.state == "open"]
    return [_failure(one) for one in found if one.reason not in _NO_FAILURE]


def _failure(one: SetAside) -> Check:
    return failed(_FAILED.get(one.reason, "read"), one.reason, one.text)


def _keep(transaction: Transaction, gate: Gate, statement_id: int | None) -> None:
    found: dict[str, Any] = {
        "statement_id": statement_id,
        "state": "open" if gate.is_open else "waits",
        "reason": gate.reason,
        "reason_text": gate.text,
        "checks": {"made": [asdict(one) for one in gate.checks], "refused": [asdict(one) for one in gate.refused]},
        "judged_at": func.now(),
    }
    key = {"party": gate.party, "business_on": gate.business_on, "version": gate.version}
    transaction.sql.execute(
        upsert(STATEMENT_GATES).values(**key, **found).on_conflict_do_update(index_elements=list(key), set_=found)
    )
