"""Signs a reconciled day: prepared by one person, approved by another, locked, and sealed with the hub's key.

What is signed is a content hash: over the day's version, the digests of its rules, inputs and rows, and how each of
its breaks stands. It is computed from the rows each time, so what was changed behind the hub's back cannot be signed,
and is found in what was.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Row, func, insert, select, update

from truc.domain.money import format_vnd
from truc.errors import MalformedError
from truc.exchange.journal.signatures import key_id
from truc.reconcile.work.restated import is_restated
from truc.reconcile.work.roles import Actor, Deed, require
from truc.store import breaks, reconciliation, statements
from truc.store.breaks import Item, Then
from truc.store.opened import Transaction, as_storable
from truc.store.reconciliation import RunRow
from truc.store.tables.breaks import SIGN_OFFS

SEAL_OF = b"truc sign-off 1\n"  # no seal of anything else begins so
SHA256_DIGITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What `verify` found. `holds` is True exactly where `broken` is empty.

    events: the chain of the breaks' lives. rows: totals, matches or breaks of the run. breaks: a break's row that no
    step left so. content: the hash that was signed. seal, key: not of this key.
    """

    party: str
    business_on: date
    holds: bool
    broken: tuple[str, ...]


def prepare(
    transaction: Transaction,
    party: str,
    business_on: date,
    *,
    by: Actor,
    open_limit_vnd: int = 0,
    open_limit_count: int = 0,
) -> str:
    """Prepare the newest version for signing; return its content hash, which the approver signs.

    Raise MalformedError for a day that was not run, is signed or prepared already, was restated since its run, whose
    rows were tampered with, or that holds more open breaks, in number or in đồng, than the limits. A break that was
    carried forward is not open.
    """
    require(by, Deed.PREPARE)
    if min(open_limit_vnd, open_limit_count) < 0:
        raise MalformedError("open_limit: must not be below 0", reason="limit_malformed")
    run = _locked_day(transaction, party, business_on)
    standing = _standing(transaction, party, business_on)
    if standing is not None:
        raise _not_again(standing)
    _require_newest(transaction, run)
    items = _items_of(transaction, run)
    _require_whole(transaction, run, items)
    _require_within(items, vnd=open_limit_vnd, count=open_limit_count)
    last_event, _ = breaks.last_event(transaction)
    content_hash = _content_hash(transaction, run, upto=last_event)
    transaction.sql.execute(
        insert(SIGN_OFFS).values(
            party=party,
            business_on=business_on,
            run_id=run.id,
            version=run.version,
            content_hash=content_hash,
            last_event=last_event,
            open_limit_vnd=open_limit_vnd,
            open_limit_count=open_limit_count,
            prepared_by=by.name,
            prepared_at=breaks.clock(transaction),
        )
    )
    return content_hash


def withdraw(transaction: Transaction, party: str, business_on: date, *, by: Actor, remark: str) -> None:
    """Take a preparation back, as who prepares or as who should sign ("Trả lại"); a signed day stays signed."""
    if not by.may(Deed.SIGN):
        require(by, Deed.PREPARE)
    if not remark.strip():
        raise MalformedError("remark: must not be blank; say why", reason="remark_missing")
    _locked_day(transaction, party, business_on)
    prepared = _prepared(transaction, party, business_on)
    values = {
        "withdrawn_by": by.name,
        "withdrawn_at": func.now(),
        "withdrawn_because": as_storable(remark.strip()),
    }
    transaction.sql.execute(update(SIGN_OFFS).where(SIGN_OFFS.c.id == prepared.id).values(values))


def approve(
    transaction: Transaction,
    party: str,
    business_on: date,
    *,
    by: Actor,
    content_hash: str,
    signer: Ed25519PrivateKey,
    report_digest: str,
) -> None:
    """Sign the day: a second person, the hash that was prepared, and rows that still give it. The day is locked then.

    `report_digest` is of the report that is signed with it: truc.reconcile.report.signed computes it. Raise
    MalformedError where the day is not prepared, is signed, was prepared by this person or for another hash, has
    changed or was restated since, or does not agree with its own rows.
    """
    require(by, Deed.SIGN)
    _require_digest(report_digest)
    run = _locked_day(transaction, party, business_on)
    prepared = _prepared(transaction, party, business_on)
    if by.is_also(prepared.prepared_by):
        raise MalformedError(f"actor: {by.name} prepared the day; a second person signs it", reason="same_person")
    if content_hash != prepared.content_hash:
        raise MalformedError("content_hash: is not the one that was prepared; read the day anew", reason="hash_differs")
    items = _items_of(transaction, run)
    _require_whole(transaction, run, items)
    if run.id != prepared.run_id or _content_hash(transaction, run) != content_hash:
        text = f"content_hash: {party} {business_on} has changed since; withdraw the preparation and prepare it anew"
        raise MalformedError(text, reason="day_changed")
    _require_newest(transaction, run)
    _require_within(items, vnd=prepared.open_limit_vnd, count=prepared.open_limit_count)
    signed = {
        "approved_by": by.name,
        "approved_at": breaks.clock(transaction),
        "report_digest": report_digest,
        "key_id": key_id(signer.public_key()),
    }
    seal = signer.sign(_sealed({**prepared._mapping, **signed}))
    which = SIGN_OFFS.c.id == prepared.id
    transaction.sql.execute(update(SIGN_OFFS).where(which).values(**signed, seal=seal))


def is_stale(transaction: Transaction, prepared: Row[Any]) -> bool:
    """Tell whether a prepared day has changed since: another version, a break that moved, or a newer statement."""
    run = reconciliation.newest_run(transaction, prepared.party, prepared.business_on)
    if run is None or run.id != prepared.run_id or is_restated(transaction, run):
        return True
    return _hash(run, run.result_digest, _then(transaction, run)) != str(prepared.content_hash)


def standing(transaction: Transaction, party: str, business_on: date) -> Row[Any] | None:
    """Return the row of `sign_offs` that stands for the day, prepared or signed; None where none does."""
    return _standing(transaction, party, business_on)


def verify(transaction: Transaction, party: str, business_on: date, *, key: Ed25519PublicKey) -> Verdict:
    """Check a signed day against the rows as they are now; raise MalformedError for a day that is not signed.

    The breaks are judged as they stood when the day was prepared: what became of them on later days is no matter.
    """
    signed = _standing(transaction, party, business_on)
    if signed is None or signed.approved_by is None:
        raise MalformedError(f"business_on: {party} {business_on} is not signed", reason="not_signed")
    transaction.lock("break_events")  # no step is half seen
    run = _run(transaction, party, business_on)
    broken = [
        *_untrue(transaction, run, list(_then(transaction, run))),
        *(["content"] if _content_hash(transaction, run, upto=signed.last_event) != signed.content_hash else []),
        *(["content"] if run.id != signed.run_id else []),
        *_unsealed(signed, key),
    ]
    return Verdict(party=party, business_on=business_on, holds=not broken, broken=tuple(dict.fromkeys(broken)))


def _run(transaction: Transaction, party: str, business_on: date) -> RunRow:
    run = reconciliation.newest_run(transaction, party, business_on)
    if run is None:
        raise MalformedError(f"business_on: {party} {business_on} was not reconciled", reason="day_unknown")
    return run


def _locked_day(transaction: Transaction, party: str, business_on: date) -> RunRow:
    """Return the newest version; whoever restates, runs, prepares or signs the day waits for this transaction's end."""
    statements.lock(transaction, party, business_on)  # before the other, as a run takes them
    transaction.lock("reconciliation", party, str(business_on))
    return _run(transaction, party, business_on)


def _standing(transaction: Transaction, party: str, business_on: date) -> Row[Any] | None:
    query = select(SIGN_OFFS).where(
        SIGN_OFFS.c.party == party, SIGN_OFFS.c.business_on == business_on, SIGN_OFFS.c.withdrawn_at.is_(None)
    )
    return transaction.sql.execute(query).one_or_none()


def _prepared(transaction: Transaction, party: str, business_on: date) -> Row[Any]:
    found = _standing(transaction, party, business_on)
    if found is None:
        text = f"business_on: {party} {business_on} is not prepared; a finance clerk prepares it first"
        raise MalformedError(text, reason="not_prepared")
    if found.approved_by is not None:
        raise _not_again(found)
    return found


def _not_again(found: Row[Any]) -> MalformedError:
    day = f"{found.party} {found.business_on}"
    if found.approved_by is not None:
        return MalformedError(f"business_on: {day} is signed already, by {found.approved_by}", reason="day_signed")
    text = f"business_on: {day} is prepared already, by {found.prepared_by}; withdraw that first"
    return MalformedError(text, reason="already_prepared")


def _items_of(transaction: Transaction, run: RunRow) -> dict[str, Item]:
    """Return the breaks of the run, locked: no step is made with them before this transaction ends."""
    ids = [str(one["break_id"]) for one in reconciliation.breaks_of(transaction, run.id)]
    items = breaks.locked(transaction, ids)
    transaction.lock("break_events")
    return items


def _require_whole(transaction: Transaction, run: RunRow, items: Mapping[str, Item]) -> None:
    if not run.result_digest:
        text = f"business_on: {run.party} {run.business_on} was reconciled in the old form; run it again"
        raise MalformedError(text, reason="old_form")
    broken = _untrue(transaction, run, list(items))
    if broken:
        text = f"{run.party} {run.business_on}: {', '.join(broken)} were changed by no step of ours; tell the auditor"
        raise MalformedError(text, reason="tampered")


def _require_newest(transaction: Transaction, run: RunRow) -> None:
    if is_restated(transaction, run):
        text = f"business_on: a newer statement of {run.party} {run.business_on} has come; run the day again first"
        raise MalformedError(text, reason="statement_newer")


def _untrue(transaction: Transaction, run: RunRow, break_ids: list[str]) -> list[str]:
    standing_ids = {str(one["break_id"]) for one in reconciliation.breaks_of(transaction, run.id)}
    changed = breaks.changed_otherwise(transaction, standing_ids | set(break_ids))
    return [
        *(["events"] if breaks.verify_chain(transaction).broken_at is not None else []),
        *(["rows"] if reconciliation.result_digest(transaction, run.id) != run.result_digest else []),
        *(["breaks"] if changed else []),
    ]


def _require_within(items: Mapping[str, Item], *, vnd: int, count: int) -> None:
    still = [one for one in items.values() if one.state != "resolved" and one.reason_code != "carried"]
    at_risk = sum(one.at_risk_vnd for one in still)
    if len(still) > count or at_risk > vnd:
        text = (
            f"open breaks: {len(still)} with {format_vnd(at_risk)}; at most {count} with {format_vnd(vnd)} may be open."
            " Resolve the others or carry them forward"
        )
        raise MalformedError(text, reason="breaks_open")


def _then(transaction: Transaction, run: RunRow, *, upto: int | None = None) -> dict[str, Then]:
    ids = [str(one["break_id"]) for one in reconciliation.breaks_of(transaction, run.id)]
    return breaks.then(transaction, ids, upto=upto)


def _content_hash(transaction: Transaction, run: RunRow, *, upto: int | None = None) -> str:
    """Return the hash of the day with its breaks as they stood after event `upto` (None: as they stand)."""
    return _hash(run, reconciliation.result_digest(transaction, run.id), _then(transaction, run, upto=upto))


def _hash(run: RunRow, result_digest: str, stood: Mapping[str, Then]) -> str:
    content = [
        run.party,
        run.business_on.isoformat(),
        run.version,
        run.spec_digest,
        run.input_digest,
        result_digest,
        [[name, one.state, one.reason_code, one.item_digest] for name, one in sorted(stood.items())],
    ]
    return hashlib.sha256(_json(content)).hexdigest()


_SEALED = (
    "party",
    "business_on",
    "version",
    "content_hash",
    "last_event",
    "open_limit_vnd",
    "open_limit_count",
    "report_digest",
    "prepared_by",
    "prepared_at",
    "approved_by",
    "approved_at",
    "key_id",
)


def _sealed(row: Mapping[str, Any]) -> bytes:
    """Return the bytes that the hub's key seals."""
    return SEAL_OF + _json([_plain(row[name]) for name in _SEALED])


def _unsealed(signed: Row[Any], key: Ed25519PublicKey) -> list[str]:
    if signed.key_id != key_id(key):
        return ["key"]
    try:
        key.verify(bytes(signed.seal), _sealed(dict(signed._mapping)))
    except InvalidSignature:
        return ["seal"]
    return []


def _require_digest(digest: str) -> None:
    if not (len(digest) == SHA256_DIGITS and set(digest) <= set("0123456789abcdef")):
        raise MalformedError("report_digest: 64 hexadecimal digits", reason="digest_malformed")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value.isoformat() if isinstance(value, date) else value


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
