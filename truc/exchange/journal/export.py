"""Writes the journal to a file of JSON lines, and reads such a file: what an auditor checks without the hub.

{"truc_journal": 1, "public_key": "…"}           the public key that signed the closes
{"handler": [the fields of records.Handler]}     one line each
{"close": [the fields of records.Close]}         per channel: first its closes, by day,
{"entry": [the fields of records.Entry]}         then its entries, by number
{"end": {"handlers": …, "closes": …, "entries": …}}
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple
from datetime import date
from pathlib import Path
from typing import TextIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from truc.errors import MalformedError
from truc.exchange.journal import rows, signatures
from truc.exchange.journal.records import Close, Entry, Handler
from truc.store.opened import Store

FORM = 1
_COUNTED = {"handler": "handlers", "close": "closes", "entry": "entries"}
_KINDS: dict[str, type[Handler] | type[Close] | type[Entry]] = {"handler": Handler, "close": Close, "entry": Entry}
_TYPES = {
    "handler": ((str,),) * 4,
    "close": ((str,), (str,), *((int,),) * 4, *((str,),) * 4, (str, type(None))),
    "entry": (
        *((str,), (int,), (str,), (int,), (str,), (str,), (str,)),
        *((str, type(None)), (str, type(None)), (int, type(None)), (str,), (str,), (str,)),
    ),
}


def write(store: Store, path: Path, *, public_key: Ed25519PublicKey) -> Counter[str]:
    """Write what is chained at this moment, whole or not at all; return how many lines of each kind.

    Raise FileExistsError for a path that is taken: an export is never written over.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("x", encoding="utf-8") as file:
            counts = _write(store, file, public_key)
        os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return counts


def _write(store: Store, file: TextIO, public_key: Ed25519PublicKey) -> Counter[str]:
    counts: Counter[str] = Counter(dict.fromkeys(_COUNTED.values(), 0))

    def line(kind: str, value: object) -> None:
        file.write(json.dumps({kind: value}, ensure_ascii=False, separators=(",", ":")) + "\n")
        counts[_COUNTED[kind]] += 1

    file.write(json.dumps({"truc_journal": FORM, "public_key": public_key.public_bytes_raw().hex()}) + "\n")
    with rows.picture(store) as transaction:
        for handler in rows.handlers(transaction):
            line("handler", handler)
        for channel in rows.channels(transaction):
            for close in rows.closes(transaction, channel):
                line("close", astuple(close))
            for entry in rows.entries(transaction, channel):
                line("entry", entry)
    file.write(json.dumps({"end": counts}) + "\n")
    return counts


def read(path: Path) -> Iterator[Handler | Close | Entry]:
    """Yield every record, in the order of the file.

    Raise MalformedError, naming the line, for one that is no record, and for a file without its end.
    """
    counts: Counter[str] = Counter(dict.fromkeys(_COUNTED.values(), 0))
    ended = False
    for number, (kind, value) in _lines(path):
        if ended:
            raise MalformedError(f"line {number} comes after the end", reason="export_malformed")
        if kind in _KINDS:
            counts[_COUNTED[kind]] += 1
            yield _record(kind, value, number)
        elif kind == "end" and value == counts:
            ended = True
        elif number > 1 or kind != "truc_journal" or value != FORM:
            raise MalformedError(f"line {number} is no record, or states other counts", reason="export_malformed")
    if not ended:
        raise MalformedError("the file stops before its end", reason="export_malformed")


def public_key(path: Path, *, fingerprint: str) -> Ed25519PublicKey:
    """Return the public key that the file states, when it has this fingerprint; else raise MalformedError."""
    with path.open(encoding="utf-8", errors="replace") as file:
        head = _json(file.readline(), 1)
    key = signatures.public_key(str(head.get("public_key")))
    if signatures.key_id(key) != fingerprint.lower():
        raise MalformedError("the file states a public key of another fingerprint", reason="key_mismatch")
    return key


def _lines(path: Path) -> Iterator[tuple[int, tuple[str, object]]]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            yield number, next(iter(_json(line, number).items()), ("", None))


def _json(line: str, number: int) -> dict[str, object]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise MalformedError(f"line {number} is no JSON", reason="export_malformed") from error
    if not isinstance(found, dict):
        raise MalformedError(f"line {number} is no JSON object", reason="export_malformed")
    return found


def _record(kind: str, value: object, number: int) -> Handler | Close | Entry:
    types = _TYPES[kind]
    fields = value if isinstance(value, list) else []
    if len(fields) != len(types) or any(type(one) not in allowed for one, allowed in zip(fields, types, strict=True)):
        raise MalformedError(f"line {number} is no {kind}", reason="export_malformed")
    record = _KINDS[kind](*fields)
    if not isinstance(record, Entry) and not _is_decodable(record):
        raise MalformedError(f"line {number} is no {kind}", reason="export_malformed")
    return record


def _is_decodable(record: Handler | Close) -> bool:
    """Tell whether the digits that a check decodes are hexadecimal, and the day is one."""
    try:
        if isinstance(record, Handler):
            bytes.fromhex("".join(record))
        else:
            bytes.fromhex(record.signature + (record.stamp or ""))
            date.fromisoformat(record.day)
    except ValueError:
        return False
    return True
