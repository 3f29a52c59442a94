"""The report of a day that the hub reconciled, read from its store."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from typing import Any

import pyarrow as pa

from truc.errors import MalformedError
from truc.reconcile.reading import days as reading
from truc.reconcile.reading.days import DaySeen
from truc.reconcile.report.contents import (
    ACCOUNT_IN,
    ACCOUNT_OUT,
    BREAKS,
    UNSIGNED,
    AccountLine,
    DayReport,
    Signature,
    called_of,
    carried_of,
)
from truc.reconcile.schemas import MATCH_SCHEMA
from truc.reconcile.words import Lang
from truc.reconcile.work import sign_off
from truc.store import breaks as store_breaks
from truc.store.break_lives import at_risk_vnd
from truc.store.breaks import Then
from truc.store.opened import Transaction

ROWS_AT_ONCE = 10_000


def from_store(
    transaction: Transaction,
    party: str,
    business_on: date,
    *,
    lang: Lang = "vi",
    version: int | None = None,
    organisation: str = "",
) -> DayReport:
    """Return the report of the day in a version (None: the newest). Ages are counted to the day itself.

    Raises MalformedError ("day_not_reconciled") for a day, or a version of it, that was never run.
    """
    seen = reading.day(transaction, party, business_on, version=version)
    if seen is None:
        said = f"{party} {business_on}" + ("" if version is None else f" version {version}")
        raise MalformedError(f"day: {said} was not reconciled; run it first", reason="day_not_reconciled")
    summary, breaks = seen.summary, _table(_breaks(transaction, seen), BREAKS)
    return DayReport(
        lang=lang,
        parties=(party,),
        first_on=business_on,
        last_on=business_on,
        version=summary.version,
        spec=f"{seen.spec} {seen.spec_version}",
        made_at=summary.run_at,
        spec_digest=seen.spec_digest,
        input_digest=seen.input_digest,
        result_digest=seen.result_digest,
        account=_account(seen),
        matches=_table(reading.matches(transaction, summary.run_id), MATCH_SCHEMA),
        breaks=breaks,
        carried=carried_of(breaks),
        signing=_signature(seen),
        organisation=organisation,
        called=called_of((party,)),
    )


def _breaks(transaction: Transaction, seen: DaySeen) -> Iterator[dict[str, Any]]:
    """Yield the breaks with what they put at risk in this run; those of a signed day as they stood when it was signed.

    So the report of a signed day stays what it was, whatever later days make of its breaks.
    """
    run_id, then = seen.summary.run_id, _when_signed(transaction, seen)
    for row in reading.breaks(transaction, run_id):
        told = row | {"at_risk_vnd": at_risk_vnd(row)}
        yield told | _stood(then[row["break_id"]]) if row["break_id"] in then else told


def _when_signed(transaction: Transaction, seen: DaySeen) -> dict[str, Then]:
    """Return how the breaks stood when the day was prepared for the signature it has; nothing for an unsigned one."""
    if _signature(seen).state != "signed":
        return {}
    signed = sign_off.standing(transaction, seen.summary.party, seen.summary.business_on)
    ids = [row["break_id"] for row in reading.breaks(transaction, seen.summary.run_id)]
    return {} if signed is None else store_breaks.then(transaction, ids, upto=signed.last_event)


def _stood(then: Then) -> dict[str, Any]:
    """Return what of a break's standing was another then; whose it was is told as it is now, unless it was nobody's."""
    later = {"resolution": "", "approved_by": ""} if then.state != "resolved" else {}
    if then.state in ("open", "assigned"):
        later |= {"proposal": "", "proposed_by": ""}
    if then.state == "open":
        later |= {"assignee": ""}
    return {"state": then.state, "reason_code": then.reason_code, **later}


def _signature(seen: DaySeen) -> Signature:
    """Return the signature if it is of this version; a signature of another version says nothing about this one."""
    signing = seen.summary.signing
    if signing.version != seen.summary.version:
        return UNSIGNED
    return Signature(
        state=signing.state,
        content_hash=signing.content_hash,
        prepared_by=signing.prepared_by,
        prepared_at=signing.prepared_at,
        approved_by=signing.approved_by,
        approved_at=signing.approved_at,
        report_digest=signing.report_digest,
        open_limit_vnd=signing.open_limit_vnd,
        open_limit_count=signing.open_limit_count,
    )


def _account(seen: DaySeen) -> tuple[AccountLine, ...]:
    lines = (line for line in seen.totals if line.what in (*ACCOUNT_IN, *ACCOUNT_OUT))
    return tuple(
        AccountLine(leg=line.leg, side=line.side, what=line.what, rows=line.rows, vnd=line.vnd) for line in lines
    )


def _table(found: Iterable[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Return rows as a table, taken in batches so that a large day is never held twice."""
    left, batches = iter(found), []
    while some := list(islice(left, ROWS_AT_ONCE)):
        batches.append(pa.RecordBatch.from_pylist([{name: row[name] for name in schema.names} for row in some], schema))
    return pa.Table.from_batches(batches, schema)
