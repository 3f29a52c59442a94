"""`truc vectors FILE`: checks published test vectors against what the hub computes and holds."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from truc.domain.identifiers import tax_code
from truc.domain.text import storable
from truc.domain.vietqr import crc
from truc.errors import MalformedError, TrucError
from truc.kit.vector_signatures import computed, spelled
from truc.kit.vector_tables import is_held
from truc.kit.vector_texts import differing, texts

CRC = re.compile(r"CRC[-_ ]?16[-_/ ]*(CCITT[-_ ]?FALSE|IBM[-_ ]?3740)", re.IGNORECASE)
TAX_CODE = re.compile(r"weights\s+31|\bMST\b", re.IGNORECASE)
PAYLOAD = "payload"  # of a QR: the text and its CRC
AES = re.compile(r"AES[-_ ]?256[-_ ]?CBC", re.IGNORECASE)
XML = re.compile(r"XML|XAdES", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Vector:
    """One entry. `fields` and `key` may be empty; `text` None: made of the fields, or a table."""

    partner: str
    operation: str
    algorithm: str
    fields: Mapping[str, str]
    text: str | None
    key: str
    expected: str | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one entry, and why it did not pass."""

    word: Literal["passed", "failed", "not checked"]
    why: str = ""


PASSED = Verdict("passed")


@click.command(short_help="Check published test vectors (signatures, CRC, tax codes, tables).")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def vectors(file: Path) -> None:
    """Check published test vectors in FILE (JSON) against what the hub computes and holds; keys are never shown."""
    entries = read(file)
    verdicts = [(one, check(one)) for one in entries]
    for number, (one, verdict) in enumerate(verdicts, start=1):
        if verdict is not PASSED:
            click.echo(f"{verdict.word}: entry {number}, {one.partner} / {one.operation}: {verdict.why}")
    words = [verdict.word for _, verdict in verdicts]
    if unchecked := words.count("not checked"):
        click.echo(f"{unchecked} not checked")
    failed = words.count("failed")
    click.echo(f"{words.count('passed')} passed, {failed} failed")
    if failed:
        raise SystemExit(1)


def read(file: Path) -> list[Vector]:
    """Return the entries, or raise ClickException that names the entry and the field."""
    try:
        # Numbers keep the digits they were written with.
        found = json.loads(file.read_bytes(), parse_int=str, parse_float=str)
    except (OSError, ValueError, RecursionError) as error:
        raise click.ClickException(f"{file} is not JSON: {error}") from error
    if not isinstance(found, list):
        raise click.ClickException(f"{file}: expected a list of vectors")
    return [_vector(number, one) for number, one in enumerate(found, start=1)]


def check(vector: Vector) -> Verdict:
    """Return what came of one entry."""
    for form, checked in CHECKS:
        if form.search(vector.algorithm):
            return checked(vector)
    return _signature(vector)


def _vector(number: int, found: object) -> Vector:
    where = f"entry {number}"
    if not isinstance(found, dict):
        raise click.ClickException(f"{where}: expected an object, found {type(found).__name__}")
    partner, operation, algorithm = (_text(where, found, name) for name in ("partner", "operation", "algorithm"))
    fields = _object(where, found, "inputs") if found.get("inputs") is not None else {}
    return Vector(
        partner=partner,
        operation=operation,
        algorithm=algorithm,
        fields=fields,
        text=None if found.get("raw") is None else _text(where, found, "raw"),
        key="" if found.get("key") is None else _text(where, found, "key"),
        expected=_object(where, found, "expected")
        if isinstance(found.get("expected"), dict)
        else _text(where, found, "expected"),
    )


def _text(where: str, found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        what = "is missing" if name not in found else f"is no text but {type(value).__name__}"
        raise click.ClickException(f"{where}: field {name!r} {what}")
    if not storable(value):
        raise click.ClickException(f"{where}: field {name!r} is not Unicode text")
    return value


def _object(where: str, found: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return an object's values as text; what is no text is written as JSON writes it."""
    value = found[name]
    if not isinstance(value, dict):
        raise click.ClickException(f"{where}: field {name!r} is no object but {type(value).__name__}")
    texts = {
        one: held if isinstance(held, str) else json.dumps(held, ensure_ascii=False) for one, held in value.items()
    }
    return {one: _text(f"{where}, {name}", texts, one) for one in texts}


def _signature(vector: Vector) -> Verdict:
    said = spelled(vector.algorithm)
    if said is None:
        return _failed(f"no algorithm {vector.algorithm!r} is known here")
    made = (vector.text,) if vector.text is not None else tuple(texts(vector.partner, vector.fields, vector.key))
    if not made:
        return Verdict("not checked", "it has neither a text nor fields")
    signed = {name: value for name, value in vector.fields.items() if value != vector.expected}
    why = differing(vector.partner, signed, vector.text, vector.key) if signed and vector.text is not None else ""
    if why:
        return _failed(f"its raw text is {why}")
    try:
        values = [computed(said, text, vector.key, str(vector.expected)) for text in made]
    except TrucError as error:
        return _failed(str(error))
    return PASSED if vector.expected in values else _different(values[0], vector)


def _crc(vector: Vector) -> Verdict:
    payload = vector.fields.get(PAYLOAD)
    text = vector.text if vector.text is not None else (payload or "")[: -len("29B1")]
    if payload is not None and payload != f"{text}{vector.expected}":
        return _failed("its payload is not its raw text and the CRC")
    value = crc(text)
    return PASSED if value == vector.expected else _different(value, vector)


def _tax_code(vector: Vector) -> Verdict:
    from stdnum import exceptions
    from stdnum.vn import mst

    value = "valid"
    try:
        tax_code(vector.text or "")
    except MalformedError:
        value = "invalid"
        try:
            mst.validate(vector.text or "")
        except exceptions.ValidationError as cause:
            value = f"invalid-{type(cause).__name__.removeprefix('Invalid').lower()}"
    return PASSED if vector.expected in (value, value.partition("-")[0]) else _different(value, vector)


def _aes(vector: Vector) -> Verdict:
    """MoMo's helper: AES-256-CBC, PKCS#7, zero IV unless `iv` (hex) is given, Base64 (partners.md §1.1)."""
    try:
        start = bytes.fromhex(vector.fields.get("iv", "")) or bytes(16)
        cipher = Cipher(algorithms.AES256(vector.key.encode()), modes.CBC(start)).encryptor()
    except ValueError:
        return _failed("AES-256 takes a key of 32 bytes and an iv of 16, in hex")
    padder = padding.PKCS7(128).padder()
    padded = padder.update((vector.text or "").encode()) + padder.finalize()
    value = base64.b64encode(cipher.update(padded) + cipher.finalize()).decode()
    return PASSED if value == vector.expected else _different(value, vector)


def _xml(_vector: Vector) -> Verdict:
    return Verdict("not checked", "an XML signature is verified against pinned signers, not by this command")


def _table(vector: Vector) -> Verdict:
    if not isinstance(vector.expected, Mapping):
        return _failed("expected is no table")
    held = is_held(vector.partner, vector.operation, vector.expected)
    if held is None:
        return Verdict("not checked", "the hub holds no table to compare it with")
    return PASSED if held else _failed("the hub's table is another")


def _failed(why: str) -> Verdict:
    return Verdict("failed", why)


def _different(value: str, vector: Vector) -> Verdict:
    return _failed(f"computed {value}, expected {vector.expected}")


CHECKS: tuple[tuple[re.Pattern[str], Callable[[Vector], Verdict]], ...] = (
    (re.compile(r"^\s*table\b", re.IGNORECASE), _table),
    (CRC, _crc),
    (TAX_CODE, _tax_code),
    (AES, _aes),
    (XML, _xml),
)
