"""Identifiers of agencies, dossiers, procedures, people and organisations; each parsed in one place.

Every function returns the canonical text or raises MalformedError that names the field and the fix,
and never repeats a personal value.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime

from truc.errors import MalformedError

_AGENCY = re.compile(r"[A-Y]\d{2}(?:\.[0-9A-Z]+)*", re.ASCII)  # QĐ 20/2020/QĐ-TTg Art. 4: largest unit first
_OLD_AGENCY = re.compile(r"\d{3}\.\d{2}\.\d{2}\.[A-Y]\d{2}", re.ASCII)  # QCVN 102:2016: smallest unit first
_OLD_WIDTHS = (2, 2, 3)  # of the parts below the first level, in the new order
_DOSSIER = re.compile(r"(?P<agency>[0-9A-Z.]+)-(?P<day>\d{6})-(?P<serial>\d{4,10})", re.ASCII)
_PROCEDURE = re.compile(r"(?P<national>\d\.\d{6})(?:\.(?P<agency>.+))?", re.ASCII)


def agency_code(text: str) -> str:
    """An agency identifier in the order of QĐ 20/2020 (H32, H32.14), from that or the old QCVN order.

    «000.00.14.H32» and «H32.14» are the same agency and come out as the same text.
    """
    raw = _text(text, "agency code").upper()
    if _OLD_AGENCY.fullmatch(raw):
        raw = ".".join(reversed(raw.split(".")))
    if not _AGENCY.fullmatch(raw) or len(raw) > 35:
        raise _malformed("agency code", "expected H32, H32.14 or the old 000.00.14.H32", "bad_agency_code")
    parts = raw.split(".")
    while len(parts) > 1 and not parts[-1].strip("0"):
        parts.pop()  # the old order pads missing levels with zeros
    return ".".join(parts)


def old_agency_code(text: str) -> str:
    """The same agency in the old QCVN order (000.00.14.H32).

    Raises MalformedError ("no_old_agency_code") for identifiers the old form had no room for.
    """
    first, *rest = agency_code(text).split(".")
    if len(rest) > len(_OLD_WIDTHS):
        raise _malformed("agency code", "has more levels than the old form", "no_old_agency_code")
    padded = [*rest, *("0" * width for width in _OLD_WIDTHS[len(rest) :])]
    old = ".".join([*reversed(padded), first])
    if not _OLD_AGENCY.fullmatch(old):
        raise _malformed("agency code", "was opened after the old form ended", "no_old_agency_code")
    return old


@dataclass(frozen=True)
class DossierCode:
    """Agency, day of reception and serial of that day (TT 03/2025/TT-VPCP Art. 13).

    `agency` stays as written: a dossier issued under the old order keeps its code for life.
    """

    agency: str
    day: date
    serial: int
    width: int = 4  # digits printed; nationally centralised services print six

    def __str__(self) -> str:
        return f"{self.agency}-{self.day:%y%m%d}-{self.serial:0{self.width}d}"


def dossier_code(text: str) -> DossierCode:
    """Parse «H56.14-250214-0007» or «000.00.01.H22-200214-0007»; `str()` of the result gives it back."""
    found = _DOSSIER.fullmatch(_text(text, "dossier code"))
    if found is None or int(found["serial"]) == 0:
        raise _malformed("dossier code", "expected agency-yyMMdd-serial", "bad_dossier_code")
    agency_code(found["agency"])
    try:
        # The day is a label in the code; no instant is read from it.
        day = datetime.strptime(found["day"], "%y%m%d").date()  # noqa: DTZ007  (a calendar day)
    except ValueError:
        raise _malformed("dossier code", "its yyMMdd is no day", "bad_dossier_code") from None
    return DossierCode(found["agency"], day, int(found["serial"]), len(found["serial"]))


def format_dossier_code(agency: str, day: date, serial: int) -> str:
    """The code of the `serial`-th dossier of an agency on a day (in Vietnam); serials start at 1."""
    if serial < 1:
        raise _malformed("dossier code", "serials start at 1", "bad_dossier_code")
    return str(DossierCode(agency_code(agency), day, serial))


@dataclass(frozen=True)
class ProcedureCode:
    """The national code («1.003560») and, in provincial forms, the agency that published its own copy."""

    national: str
    agency: str = ""

    def __str__(self) -> str:
        return f"{self.national}.{self.agency}" if self.agency else self.national


def procedure_code(text: str) -> ProcedureCode:
    """Parse the national («2.000488»), short («2.002621.H56») or long («1.003560.000.00.00.H56») form."""
    found = _PROCEDURE.fullmatch(_text(text, "procedure code").upper())
    if found is None:
        raise _malformed("procedure code", "expected 1.001193, 1.001193.H32 or the long form", "bad_procedure_code")
    return ProcedureCode(found["national"], agency_code(found["agency"]) if found["agency"] else "")


def personal_id(text: str) -> str:
    """A personal identifier of 12 digits or an old card number of 9, as digits.

    There is no check digit (partners.md 16.1). Numbers people type only to get past a form (one
    digit repeated, 123456789…) are refused, because they corrupt the national data. The province
    prefix is the one at issue: never remapped, never compared with today's provinces.
    """
    digits = re.sub(r"[ .]", "", _text(text, "personal id"))
    if not re.fullmatch(r"[0-9]{9}|[0-9]{12}", digits):
        raise _malformed("personal id", "expected 12 digits (or 9 of an old card)", "bad_personal_id")
    rising = "0123456789" * 3
    if len(set(digits)) == 1 or digits in rising or digits.startswith("000"):
        raise _malformed("personal id", "is a placeholder; ask for the real one", "placeholder_personal_id")
    return digits


def tax_code(text: str) -> str:
    """A tax code as digits: 10 (check digit), 13 for a branch, or a person's 12-digit identifier.

    Check digit by python-stdnum; 12 digits since Circular 86/2024/TT-BTC.
    """
    from stdnum import exceptions
    from stdnum.vn import mst

    raw = _text(text, "tax code")
    digits = re.sub(r"[ .-]", "", raw)
    if len(digits) == 12:
        return personal_id(digits)
    try:
        return str(mst.validate(digits))
    except exceptions.ValidationError:
        raise _malformed("tax code", "expected 10, 12 or 13 digits with a right check digit", "bad_tax_code") from None


def phone(text: str) -> str:
    """A Vietnamese mobile number as ten digits with a leading 0, from «+84 …», «84…» or «0…».

    Raises MalformedError: "bad_phone", or "not_mobile" for a fixed line, which gets no SMS.
    """
    import phonenumbers

    raw = _text(text, "phone")
    if re.fullmatch(r"84\d{9}", re.sub(r"\D", "", raw)) and not raw.startswith("+"):
        raw = "+" + raw
    try:
        number = phonenumbers.parse(raw, "VN")
    except phonenumbers.NumberParseException:
        raise _malformed("phone", "expected ten digits starting with 0", "bad_phone") from None
    if number.country_code != 84 or number.extension or not phonenumbers.is_valid_number(number):
        raise _malformed("phone", "expected a Vietnamese number of ten digits", "bad_phone")
    kind = phonenumbers.number_type(number)
    if kind != phonenumbers.PhoneNumberType.MOBILE:
        raise _malformed("phone", "is not a mobile number", "not_mobile")
    return f"0{number.national_number}"


def _text(value: str, field: str) -> str:
    if not isinstance(value, str):
        raise _malformed(field, f"expected text, got {type(value).__name__}", "not_text")
    return value.strip()


def _malformed(field: str, fix: str, reason: str) -> MalformedError:
    return MalformedError(f"{field}: {fix}", reason=reason)
