"""A page of dossiers submitted by citizens on the portal; one bad dossier never stops the others."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mappings.national_portal.codes import (
    CHANNELS,
    IDENTITY_DIGITS,
    KINDS_READ,
    NEW,
    RETURN_BY_POST,
    STATUS_CODES,
    TAX_CODE,
    YES_NO,
    looked_up,
)
from mappings.national_portal.forms import limited, required, text_of, time_of
from truc.errors import MalformedError
from truc.messages import Channel, OnlineDossier, Person, Unreadable

PORTAL_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
CATALOGUE_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}")
STATUS_BY_CODE = {code: status for status, code in STATUS_CODES.items()}
CHANNEL_BY_CODE = {code: channel for channel, code in CHANNELS.items()}
NAME_LENGTH = 250


def read(body: bytes) -> Iterator[OnlineDossier | Unreadable]:
    """Yield each dossier, or what is wrong with it; raise MalformedError when the page itself is unreadable."""
    items = _items(body)
    return (_read_item(item, number) for number, item in enumerate(items, start=1))


def _items(body: bytes) -> list[Any]:
    try:
        page = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedError("page is not JSON in UTF-8: fetch it again", reason="page_unreadable") from error
    items = page.get("result") if isinstance(page, dict) else None
    if not isinstance(items, list):
        raise MalformedError("page has no list `result`: fetch it again", reason="page_unreadable")
    return items


def _read_item(item: object, number: int) -> OnlineDossier | Unreadable:
    name = f"item {number}"
    if not isinstance(item, dict):
        return Unreadable(item=name, reason="not_an_object", text="a dossier must be a JSON object")
    try:
        name = _code(item, "MaHoSo", PORTAL_CODE)
        _refuse_not_new(item)
        return _dossier(item, name)
    except MalformedError as error:
        return Unreadable(item=name, reason=error.reason, text=str(error))
    except ValueError:  # what our own message refuses; its text would carry the citizen's data
        return Unreadable(item=name, reason="malformed_item", text="a field is outside its limits")


def _dossier(item: Mapping[str, Any], portal_code: str) -> OnlineDossier:
    by_post = looked_up(RETURN_BY_POST, text_of(item, "HinhThuc") or "0", "HinhThuc", "unknown_return_way")
    by_sms = looked_up(YES_NO, text_of(item, "DangKyNhanSMS") or "0", "DangKyNhanSMS", "malformed_field")
    return OnlineDossier(
        portal_code=portal_code,
        procedure_code=_code(item, "MaTTHC", CATALOGUE_CODE),
        agency_code=_code(item, "MaCoQuanThucHien", CATALOGUE_CODE),
        applicant=_applicant(item),
        submitted_at=time_of(required(item, "NgayNopHoSo"), "NgayNopHoSo"),
        wants_postal_return=by_post,
        wants_sms=by_sms,
    )


def _refuse_not_new(item: Mapping[str, Any]) -> None:
    """A dossier already taken, withdrawn or closed on the portal must not be born here a second time."""
    code = required(item, "TrangThaiHoSo")
    looked_up(STATUS_BY_CODE, code, "TrangThaiHoSo", "unknown_status")
    if code != NEW:
        raise MalformedError(
            f"TrangThaiHoSo: is {code}, only {NEW} is taken in; settle it on the portal", reason="not_new"
        )
    channel = looked_up(CHANNEL_BY_CODE, text_of(item, "KenhThucHien") or "2", "KenhThucHien", "unknown_channel")
    if channel is not Channel.ONLINE:
        raise MalformedError("KenhThucHien: not online (2); ask the portal", reason="not_online")


def _applicant(item: Mapping[str, Any]) -> Person:
    kind = looked_up(KINDS_READ, required(item, "LoaiDoiTuong"), "LoaiDoiTuong", "unknown_applicant_kind")
    person = kind == "person"
    return Person(
        kind=kind,
        name=limited(required(item, "ChuHoSo"), NAME_LENGTH, "ChuHoSo"),
        personal_id=_personal_id(item) if person else _tax_code(item),
        phone=_phone(text_of(item, "SoDienThoai")),
        email=text_of(item, "Email"),
        address=text_of(item, "DiaChi"),
        province_code=text_of(item, "MaTinhThanh"),
    )


def _personal_id(item: Mapping[str, Any]) -> str:
    """Return the 12-digit number where given, else the old 9-digit one, else ""."""
    listed = item.get("DinhDanhCHS") or []
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise MalformedError("DinhDanhCHS: not a list of objects", reason="malformed_field")
    found = dict(_identifier(one) for one in listed)
    return found.get("1") or found.get("2") or ""


def _identifier(one: Mapping[str, Any]) -> tuple[str, str]:
    kind = required(one, "LoaiDinhDanh")
    digits = looked_up(IDENTITY_DIGITS, kind, "LoaiDinhDanh", "unknown_identity_kind")
    number = required(one, "SoDinhDanh")
    if len(number) != digits or not (number.isascii() and number.isdigit()):
        raise MalformedError(f"SoDinhDanh: not {digits} digits; correct it", reason="malformed_identity")
    return kind, number


def _tax_code(item: Mapping[str, Any]) -> str:
    code = text_of(item, "SoGiayToChuHoSo")
    if code and not TAX_CODE.fullmatch(code):
        raise MalformedError("SoGiayToChuHoSo: not a tax code; correct it", reason="malformed_identity")
    return code


def _phone(text: str) -> str:
    """Return digits only, +84 as 0. A number that is no mobile one is kept: it is no reason to lose a dossier."""
    digits = re.sub(r"[^0-9+]", "", text)
    return "0" + digits.removeprefix("+84") if digits.startswith("+84") else digits


def _code(item: Mapping[str, Any], field: str, form: re.Pattern[str]) -> str:
    code = required(item, field)
    if not form.fullmatch(code):
        raise MalformedError(f"{field}: not a code; correct it on the portal", reason="malformed_field")
    return code
