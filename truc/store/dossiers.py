"""The store of dossiers: codes issued under a lock, statuses that only move along allowed moves."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from truc.domain.calendar import local_day
from truc.domain.identifiers import format_dossier_code
from truc.domain.status import Move, Outcome, Status, move
from truc.errors import MalformedError
from truc.messages import Channel
from truc.store.opened import Transaction
from truc.store.tables.dossiers import DOSSIER_HISTORY, DOSSIER_SERIALS, DOSSIERS, RESULTS

# Work on the dossier has ended; handing over the result (10) comes later.
FINISHED = frozenset({Status.NOT_ACCEPTED, Status.WITHDRAWN, Status.STOPPED, Status.DONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDossier:
    """A dossier as it is received; the store gives it its code."""

    source: str
    source_reference: str
    portal_code: str
    procedure_version_id: int
    agency_code: str
    channel: Channel
    applicant_id: int
    received_at: datetime
    due_at: datetime | None
    fee_vnd: int
    status: Status
    wants_postal_return: bool
    wants_sms: bool


def find(transaction: Transaction, source: str, source_reference: str) -> str | None:
    """Return the code of the dossier its source already handed over, or None."""
    found = transaction.sql.execute(
        select(DOSSIERS.c.code).where(DOSSIERS.c.source == source, DOSSIERS.c.source_reference == source_reference)
    ).scalar()
    return None if found is None else str(found)


def lock_source(transaction: Transaction, source: str, source_reference: str) -> None:
    """Hold back a second, simultaneous intake of the same dossier until this transaction ends."""
    transaction.lock("dossier", source, source_reference)


def create(transaction: Transaction, new: NewDossier) -> str:
    """Book a new dossier with its first history row and return its code."""
    code = next_code(transaction, new.agency_code, local_day(new.received_at))
    transaction.sql.execute(
        insert(DOSSIERS).values(
            code=code,
            source=new.source,
            source_reference=new.source_reference,
            portal_code=new.portal_code or None,
            procedure_version_id=new.procedure_version_id,
            agency_code=new.agency_code,
            channel=new.channel.value,
            applicant_id=new.applicant_id,
            received_at=new.received_at,
            due_at=new.due_at,
            fee_vnd=new.fee_vnd,
            status=int(new.status),
            status_at=new.received_at,
            wants_postal_return=new.wants_postal_return,
            wants_sms=new.wants_sms,
        )
    )
    transaction.sql.execute(
        insert(DOSSIER_HISTORY).values(
            dossier_code=code,
            number=1,
            from_status=None,
            to_status=int(new.status),
            changed_at=new.received_at,
            note="",
            source=new.source,
        )
    )
    return code


def next_code(transaction: Transaction, agency_code: str, day: date) -> str:
    """Return the next code of the agency's day. The row lock lasts until the transaction ends: no double, no gap."""
    statement = (
        upsert(DOSSIER_SERIALS)
        .values(agency_code=agency_code, day=day, last=1)
        .on_conflict_do_update(index_elements=["agency_code", "day"], set_={"last": DOSSIER_SERIALS.c.last + 1})
        .returning(DOSSIER_SERIALS.c.last)
    )
    return format_dossier_code(agency_code, day, int(transaction.sql.execute(statement).scalar_one()))


def get_locked(transaction: Transaction, code: str) -> Row[tuple[object, ...]]:
    """Return the dossier's row, locked until the transaction ends; raise MalformedError for an unknown code."""
    row = transaction.sql.execute(select(DOSSIERS).where(DOSSIERS.c.code == code).with_for_update()).one_or_none()
    if row is None:
        raise MalformedError(f"dossier_code: no dossier {code}", reason="unknown_dossier")
    return row


def change_status(
    transaction: Transaction,
    code: str,
    new: Status,
    changed_at: datetime,
    *,
    officer_id: int | None,
    note: str,
    source: str,
) -> Move:
    """Move the dossier if the move is allowed and not late, and say what became of the wish. Never moves back."""
    row = get_locked(transaction, code)
    outcome = move(row.status, row.status_at, new, changed_at)
    if outcome.outcome is not Outcome.APPLIED:
        return outcome
    number = select(func.max(DOSSIER_HISTORY.c.number) + 1).where(DOSSIER_HISTORY.c.dossier_code == code)
    transaction.sql.execute(
        insert(DOSSIER_HISTORY).values(
            dossier_code=code,
            number=number.scalar_subquery(),
            from_status=row.status,
            to_status=int(new),
            changed_at=changed_at,
            officer_id=officer_id,
            note=note,
            source=source,
        )
    )
    values: dict[str, object] = {"status": int(new), "status_at": changed_at}
    if new in FINISHED:
        values["finished_at"] = changed_at
    transaction.sql.execute(update(DOSSIERS).where(DOSSIERS.c.code == code).values(values))
    return outcome


def history_length(transaction: Transaction, code: str) -> int:
    """Return how many moves the dossier has made, its reception included."""
    count = select(func.count()).where(DOSSIER_HISTORY.c.dossier_code == code)
    return int(transaction.sql.execute(count).scalar_one())


def add_result(transaction: Transaction, code: str, number: str, title: str, issued_at: datetime) -> None:
    """Book one result of a dossier; the same number twice is one result."""
    transaction.sql.execute(
        upsert(RESULTS)
        .values(dossier_code=code, number=number, title=title, issued_at=issued_at)
        .on_conflict_do_nothing(index_elements=["dossier_code", "number"])
    )


def move_due_date(transaction: Transaction, code: str, due_at: datetime) -> None:
    """Promise the dossier for another instant."""
    transaction.sql.execute(update(DOSSIERS).where(DOSSIERS.c.code == code).values(due_at=due_at))
