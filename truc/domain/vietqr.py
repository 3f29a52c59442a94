"""VietQR: the text of a transfer QR for a fee notice, written and read (partners.md §15, after NAPAS 1.5.2 and EMVCo).

The text is a row of elements: tag of two digits, length of two digits, value. Elements 26–51, 62, 64 and 80–99 hold
elements themselves. The last element is a CRC-16/CCITT-FALSE over all UTF-8 bytes before its value.

No library: those on PyPI (vietqr-emvco, vietnam-qr-pay, napas-qr-python) know one reading of lengths, and the CRC is
Python's own `binascii.crc_hqx`. Texts written here are ASCII, so that both readings are the same.
"""

import binascii
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from truc.errors import MalformedError

Lengths = Literal["bytes", "characters"]
Payee = Literal["account", "card"]

NAPAS, DONG, VIETNAM = "A000000727", "704", "VN"
SERVICES: Mapping[Payee, str] = MappingProxyType({"account": "QRIBFTTA", "card": "QRIBFTTC"})
STATIC, DYNAMIC = "11", "12"
CRC_HEAD = "6304"
# Bytes, by EMVCo; an amount has thirteen digits.
VALUE_MAX, NAME_MAX, CITY_MAX, MORE_MAX, AMOUNT_VND_MAX = 99, 25, 15, 25, 10**13 - 1
_PAYEES = {"account": re.compile(r"[0-9A-Za-z]{1,19}"), "card": re.compile(r"[0-9]{12,19}")}
_BIN, _AMOUNT = re.compile(r"[0-9]{6}"), re.compile(r"[1-9][0-9]{0,12}")
_HEAD = re.compile(r"[0-9]{4}")
_WHOLE = re.compile(r"(?P<covered>0002.*6304)(?P<crc>[0-9A-F]{4})", re.DOTALL)
_NESTED = frozenset({"62", "64", *map(str, range(26, 52)), *map(str, range(80, 100))})


@dataclass(frozen=True, slots=True, kw_only=True)
class VietQr:
    """A transfer to an account or a card. `amount_vnd` None: the payer writes the amount. Texts "" are left out."""

    bank_bin: str
    number: str  # of the account or card
    payee: Payee = "account"
    amount_vnd: int | None = None
    name: str = ""
    city: str = ""
    bill_number: str = ""
    terminal: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Elements:
    """The values of any EMV QR by path («38/01/00»), and what its lengths count; of an ASCII text both are the same."""

    at: Mapping[str, str]
    lengths: Lengths


@dataclass(frozen=True, slots=True)
class Reading:
    """A VietQR as it was read, and what its lengths count."""

    qr: VietQr
    lengths: Lengths


def crc(text: str) -> str:
    """Return CRC-16/CCITT-FALSE over the UTF-8 bytes, four upper-case hex digits («123456789» → «29B1»)."""
    return f"{binascii.crc_hqx(text.encode(), 0xFFFF):04X}"


def build(qr: VietQr) -> str:
    """Return the text of the QR, ASCII: accents are taken off («đ» → «d»).

    Raise MalformedError that names the field: too long for EMVCo, another letter than Latin, no account, no amount.
    """
    pieces = [
        _element("00", "01"),
        _element("01", STATIC if qr.amount_vnd is None else DYNAMIC),
        _element("38", _payee_text(qr)),
        _element("53", DONG),
        _element("54", _amount(qr.amount_vnd)),
        _element("58", VIETNAM),
        _element("59", _limited("name", qr.name, NAME_MAX)),
        _element("60", _limited("city", qr.city, CITY_MAX)),
        _element("62", _more(qr)),
        CRC_HEAD,
    ]
    text = "".join(pieces)
    return text + crc(text)


def parse(text: str) -> Reading:
    """Return the transfer a QR asks for.

    Raise MalformedError: bad_crc, bad_structure, not_vietqr (another network, currency, country or service), or
    bad_amount (not whole đồng).
    """
    found = elements(text)
    at = found.at
    services = {service: payee for payee, service in SERVICES.items()}
    # Samples of vietqr-ts put the service beside the account, one level too deep.
    payee = services.get(at.get("38/02", at.get("38/01/02", "")))
    if (at.get("38/00"), at.get("53"), at.get("58")) != (NAPAS, DONG, VIETNAM) or payee is None:
        raise _refused("no transfer in đồng through NAPAS", "not_vietqr")
    if "54" in at and not _AMOUNT.fullmatch(at["54"]):
        raise _refused("the amount is not whole đồng", "bad_amount")
    qr = VietQr(
        bank_bin=_fit(_BIN, at.get("38/01/00", ""), "bank_bin"),
        number=_fit(_PAYEES[payee], at.get("38/01/01", ""), "number"),
        payee=payee,
        amount_vnd=int(at["54"]) if "54" in at else None,
        name=at.get("59", ""),
        city=at.get("60", ""),
        bill_number=at.get("62/01", ""),
        terminal=at.get("62/07", ""),
        purpose=at.get("62/08", ""),
    )
    return Reading(qr, found.lengths)


def elements(text: str) -> Elements:
    """Return every value of an EMV QR, its lengths read as bytes, and only where that does not fit, as characters.

    Raise MalformedError: bad_crc, or bad_structure where neither reading fits from the first element to the CRC.
    """
    covered = _covered(text)
    try:
        return Elements(_bytewise(covered), "bytes")
    except MalformedError:
        return Elements(MappingProxyType(_values(covered)), "characters")


def ascii_text(text: str) -> str:
    """Return the text with its accents off; MalformedError ("not_ascii") where a letter or sign has no ASCII form."""
    bare = "".join(one for one in unicodedata.normalize("NFD", text) if not unicodedata.combining(one))
    bare = bare.replace("đ", "d").replace("Đ", "D")
    if not bare.isascii() or not bare.isprintable():
        raise _refused("a text holds a sign that has no ASCII form", "not_ascii")
    return bare


def _payee_text(qr: VietQr) -> str:
    bank = _element("00", _fit(_BIN, qr.bank_bin, "bank_bin"))
    number = _element("01", _fit(_PAYEES[qr.payee], qr.number, "number"))
    return _element("00", NAPAS) + _element("01", bank + number) + _element("02", SERVICES[qr.payee])


def _more(qr: VietQr) -> str:
    bill_number = _element("01", _limited("bill_number", qr.bill_number, MORE_MAX))
    terminal = _element("07", _limited("terminal", qr.terminal, MORE_MAX))
    return bill_number + terminal + _element("08", _limited("purpose", qr.purpose, MORE_MAX))


def _element(tag: str, value: str) -> str:
    """Return one element; nothing for an empty value."""
    if len(value) > VALUE_MAX:
        raise _refused(f"element {tag} has more than {VALUE_MAX} bytes", "too_long")
    return f"{tag}{len(value):02d}{value}" if value else ""


def _amount(amount_vnd: int | None) -> str:
    if amount_vnd is None:
        return ""
    if isinstance(amount_vnd, bool) or not isinstance(amount_vnd, int) or not 0 < amount_vnd <= AMOUNT_VND_MAX:
        raise _refused("amount_vnd is not between 1 and 9,999,999,999,999 whole đồng", "bad_amount")
    return str(amount_vnd)


def _limited(field: str, text: str, most: int) -> str:
    plain = ascii_text(text)
    if len(plain) > most:
        raise _refused(f"{field} has more than {most} characters", "too_long")
    return plain


def _fit(form: re.Pattern[str], value: str, field: str) -> str:
    if not form.fullmatch(value):
        raise _refused(f"{field} is not {form.pattern}", f"bad_{field}")
    return value


def _covered(text: str) -> str:
    """Return what the CRC covers."""
    whole = _WHOLE.fullmatch(text)
    try:
        right = whole is not None and crc(whole["covered"]) == whole["crc"]
    except UnicodeEncodeError:
        right = False
    if whole is None or not right:
        raise _refused("it does not begin as an EMV QR and end in its CRC", "bad_crc")
    return whole["covered"].removesuffix(CRC_HEAD)


def _bytewise(covered: str) -> Mapping[str, str]:
    # One Latin-1 character stands for one byte, so that one walk serves both readings.
    values = _values(covered.encode().decode("latin-1"))
    try:
        return MappingProxyType({path: value.encode("latin-1").decode() for path, value in values.items()})
    except UnicodeDecodeError as error:
        raise _refused("a length ends inside a character", "bad_structure") from error


def _values(text: str, above: str = "") -> dict[str, str]:
    """Return path → value of the elements of `text`, those that hold elements opened."""
    found: dict[str, str] = {}
    place = 0
    while place < len(text):
        head, value = text[place : place + 4], text[place + 4 :]
        if not _HEAD.fullmatch(head) or not 0 < int(head[2:]) <= len(value):
            raise _refused("an element is cut off", "bad_structure")
        path = f"{above}{head[:2]}"
        if path in found or any(one.startswith(f"{path}/") for one in found):
            raise _refused("an element stands twice", "bad_structure")
        value = value[: int(head[2:])]
        found |= _values(value, f"{path}/") if _holds_elements(path, found) else {path: value}
        place += 4 + len(value)
    return found


def _holds_elements(path: str, before: Mapping[str, str]) -> bool:
    # What stands inside a network's own element is that network's affair; NAPAS nests bank and account once more.
    return path in _NESTED or (path == "38/01" and before.get("38/00") == NAPAS)


def _refused(text: str, reason: str) -> MalformedError:
    return MalformedError(f"VietQR: {text}", reason=reason)
