"""The store of the catalogue: procedures in versions, agencies, officers, swapped days."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from truc.domain.agency import Agency
from truc.domain.calendar import SwappedDay, WorkingCalendar
from truc.domain.fees import Fee, fee_of_dossier_vnd
from truc.domain.procedure import ChannelTerms, Procedure
from truc.domain.time_limit import TimeLimit, Unit
from truc.errors import MalformedError
from truc.store.opened import Transaction
from truc.store.tables.catalogue import (
    AGENCIES,
    OFFICERS,
    PROCEDURE_CHANNELS,
    PROCEDURE_FEES,
    PROCEDURE_VERSIONS,
    PROCEDURES,
)
from truc.store.tables.dossiers import SWAPPED_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a dossier of one procedure and channel is received under."""

    version_id: int
    procedure_code: str
    procedure_name: str
    field_code: str
    field_name: str
    time_limit: TimeLimit | None
    fee_vnd: int | None  # the one amount to ask for, or None where the publication leaves several or none


def keep_procedure(transaction: Transaction, procedure: Procedure, *, source: str) -> bool:
    """Book the procedure as published; return True when that is a new version, False when nothing changed.

    A source that says again what it last said changes nothing, even when another source has said
    something newer since: the nightly load of the shipped catalogue does not undo a file.
    """
    transaction.sql.execute(upsert(PROCEDURES).values(key=procedure.key).on_conflict_do_nothing())
    transaction.sql.execute(select(PROCEDURES.c.key).where(PROCEDURES.c.key == procedure.key).with_for_update())
    known = transaction.sql.execute(
        select(PROCEDURE_VERSIONS.c.version, PROCEDURE_VERSIONS.c.source, PROCEDURE_VERSIONS.c.digest)
        .where(PROCEDURE_VERSIONS.c.procedure_key == procedure.key)
        .order_by(PROCEDURE_VERSIONS.c.version.desc())
    ).all()
    own = [row for row in known if row.source == source]
    if procedure.version_digest in {row.digest for row in (*known[:1], *own[:1])}:
        return False
    version_id = _insert_version(transaction, procedure, known[0].version + 1 if known else 1, source)
    for terms in procedure.channels:
        _insert_channel(transaction, version_id, terms)
    return True


def terms(transaction: Transaction, procedure_code: str, channel: str) -> Terms:
    """Return the terms in force now.

    Raise MalformedError for an unknown procedure, or a channel it is not offered in.
    """
    current = select(func.max(PROCEDURE_VERSIONS.c.version)).where(PROCEDURE_VERSIONS.c.procedure_key == procedure_code)
    return _terms(
        transaction,
        PROCEDURE_VERSIONS.c.procedure_key == procedure_code,
        PROCEDURE_VERSIONS.c.version == current.scalar_subquery(),
        channel=channel,
        procedure_code=procedure_code,
    )


def terms_of_version(transaction: Transaction, version_id: int, channel: str) -> Terms:
    """Return the terms of a version a dossier was received under, however old."""
    return _terms(
        transaction, PROCEDURE_VERSIONS.c.id == version_id, channel=channel, procedure_code=f"version {version_id}"
    )


def keep_agencies(transaction: Transaction, agencies: Iterable[Agency]) -> int:
    """Book agencies, parents and successors included, and return how many rows are new or changed."""
    rows = sorted(agencies, key=lambda one: one.level)
    values = [
        {
            "code": one.code,
            "old_code": one.old_code or None,
            "name": one.name,
            "kind": one.kind,
            "level": one.level,
            "parent_code": one.parent or None,
            "area_code": one.area_code or None,
            "valid_from": one.valid_from,
            "valid_to": one.valid_to,
            "successor_code": one.successor or None,
        }
        for one in rows
    ]
    statement = upsert(AGENCIES).values(values)
    changed = {name: statement.excluded[name] for name in values[0] if name != "code"}
    differs: ColumnElement[bool] = AGENCIES.c.name.is_distinct_from(statement.excluded.name)
    for name in changed:
        differs = differs | AGENCIES.c[name].is_distinct_from(statement.excluded[name])
    done = transaction.sql.execute(
        statement.on_conflict_do_update(index_elements=["code"], set_=changed, where=differs).returning(AGENCIES.c.code)
    )
    return len(done.all())


def agency_name(transaction: Transaction, code: str, on: date) -> str:
    """Return the agency's name; raise MalformedError for an unknown code, or one that did not hold on that day."""
    row = transaction.sql.execute(select(AGENCIES).where(AGENCIES.c.code == code)).one_or_none()
    if row is None:
        raise MalformedError(f"agency_code: no agency {code!r} in the catalogue", reason="unknown_agency")
    if on < row.valid_from or (row.valid_to is not None and on > row.valid_to):
        successor = f"; its successor is {row.successor_code}" if row.successor_code else ""
        raise MalformedError(f"agency_code: {code} did not hold on {on}{successor}", reason="agency_closed")
    return str(row.name)


def keep_officer(transaction: Transaction, agency_code: str, name: str, title: str, department: str) -> int:
    """Return the officer's id, new or known."""
    values = {"agency_code": agency_code, "name": name, "title": title, "department": department}
    known = select(OFFICERS.c.id).filter_by(**values)
    found = transaction.sql.execute(known).scalar()
    if found is None:
        transaction.sql.execute(upsert(OFFICERS).values(values).on_conflict_do_nothing())
        found = transaction.sql.execute(known).scalar_one()
    return int(found)


def keep_swapped_days(transaction: Transaction, days: Iterable[SwappedDay]) -> None:
    """Book the days that break the weekly rule."""
    for day in days:
        statement = upsert(SWAPPED_DAYS).values(day=day.on, working=day.works)
        transaction.sql.execute(statement.on_conflict_do_update(index_elements=["day"], set_={"working": day.works}))


def working_calendar(transaction: Transaction) -> WorkingCalendar:
    """Return the working calendar with the swapped days of the store."""
    rows = transaction.sql.execute(select(SWAPPED_DAYS.c.day, SWAPPED_DAYS.c.working))
    return WorkingCalendar([SwappedDay(row.day, row.working) for row in rows])


def _terms(transaction: Transaction, *which: ColumnElement[bool], channel: str, procedure_code: str) -> Terms:
    version = transaction.sql.execute(select(PROCEDURE_VERSIONS).where(*which)).one_or_none()
    if version is None:
        raise MalformedError(
            f"procedure_code: no procedure {procedure_code!r} in the catalogue; load it first",
            reason="unknown_procedure",
        )
    offered = transaction.sql.execute(
        select(PROCEDURE_CHANNELS).where(
            PROCEDURE_CHANNELS.c.version_id == version.id, PROCEDURE_CHANNELS.c.channel == channel
        )
    ).one_or_none()
    if offered is None:
        raise MalformedError(
            f"channel: procedure {procedure_code!r} is not offered by {channel!r}", reason="channel_not_offered"
        )
    limit = None if offered.time_limit is None else TimeLimit(offered.time_limit, Unit(offered.time_limit_unit))
    return Terms(
        version_id=version.id,
        procedure_code=version.procedure_key,
        procedure_name=version.name,
        field_code=version.field_code,
        field_name=version.field_name,
        time_limit=limit,
        fee_vnd=_only_fee(transaction, version.id, channel),
    )


def _only_fee(transaction: Transaction, version_id: int, channel: str) -> int | None:
    """The fee of the dossier when the publication leaves exactly one; as ChannelTerms.fee_vnd."""
    fees = transaction.sql.execute(
        select(PROCEDURE_FEES.c.kind, PROCEDURE_FEES.c.amount_vnd, PROCEDURE_FEES.c.per).where(
            PROCEDURE_FEES.c.version_id == version_id, PROCEDURE_FEES.c.channel == channel
        )
    ).all()
    return fee_of_dossier_vnd([Fee(row.kind, row.amount_vnd, row.per) for row in fees])


def _insert_version(transaction: Transaction, procedure: Procedure, version: int, source: str) -> int:
    created = transaction.sql.execute(
        insert(PROCEDURE_VERSIONS)
        .values(
            procedure_key=procedure.key,
            version=version,
            source=source,
            digest=procedure.version_digest,
            name=procedure.name,
            field_code=procedure.field_code,
            field_name=procedure.field_name,
            agency_level=procedure.agency_level,
            agency=procedure.agency,
            documents=[asdict(document) for document in procedure.documents],
        )
        .returning(PROCEDURE_VERSIONS.c.id)
    )
    return int(created.scalar_one())


def _insert_channel(transaction: Transaction, version_id: int, terms: ChannelTerms) -> None:
    limit = terms.time_limit
    transaction.sql.execute(
        insert(PROCEDURE_CHANNELS).values(
            version_id=version_id,
            channel=terms.channel.value,
            time_limit=None if limit is None else limit.quantity,
            time_limit_unit=None if limit is None else limit.unit.value,
            time_limit_wording=terms.time_limit_wording,
            time_limit_reason=terms.time_limit_reason,
            fee_wording=terms.fee_wording,
            fee_reason=terms.fee_reason,
        )
    )
    for fee in terms.fees:
        transaction.sql.execute(
            insert(PROCEDURE_FEES).values(
                version_id=version_id,
                channel=terms.channel.value,
                kind=fee.kind,
                amount_vnd=fee.amount_vnd,
                per=fee.per,
            )
        )
