"""A received dossier as the portal takes it (DongBoHoSoMC, one item of `data`).

What the hub does not know is left out, not sent empty: the item may update the citizen's own record,
and an empty field could wipe what is there.
"""

from mappings.national_portal.codes import (
    CHANNELS,
    IDENTITY_DIGITS,
    KINDS_WRITTEN,
    STATUS_CODES,
    TAX_CODE,
    looked_up,
)
from mappings.national_portal.forms import filled, json_bytes, nfc, shortened, time_text
from truc.errors import MalformedError
from truc.messages import DossierReceived, Person

SUMMARY_LENGTH = 1000  # TrichYeuHoSo, a vendor's limit; egov.md 1.3
SUBMITTED_LOCALLY = "2"  # NoiNopHoSo of a local system
# Neither the portal nor its clients mark these as optional (schemas/national_portal/SOURCE.md).
REQUIRED = (
    "MaHoSo",
    "SoBienNhan",
    "MaTTHC",
    "TenTTHC",
    "MaLinhVuc",
    "TenLinhVuc",
    "TrichYeuHoSo",
    "DonViXuLy",
    "ChuHoSo",
)
HANDED_OVER = "0"  # HinhThuc; the return by post is ordered later and apart


def write(message: DossierReceived) -> bytes:
    """Return the item, or raise MalformedError for what the portal has no code for, or does not take empty.

    MaHoSo is the portal's own code for a dossier that came from it, else ours; SoBienNhan is ours.
    """
    item = _identity(message) | _applicant(message.applicant) | _course(message) | _local(message)
    return json_bytes(filled(item, *REQUIRED))


def _identity(message: DossierReceived) -> dict[str, object]:
    return {
        "MaHoSo": message.portal_code or message.dossier_code,
        "SoBienNhan": message.dossier_code,
        "MaTTHC": message.procedure_code,
        "TenTTHC": nfc(message.procedure_name),
        "MaLinhVuc": message.field_code,
        "TenLinhVuc": nfc(message.field_name),
        "TrichYeuHoSo": shortened(message.procedure_name, SUMMARY_LENGTH),
        "DonViXuLy": nfc(message.agency_name),
    }


def _applicant(applicant: Person) -> dict[str, object]:
    return {
        "ChuHoSo": nfc(applicant.name),
        "LoaiDoiTuong": looked_up(KINDS_WRITTEN, applicant.kind, "LoaiDoiTuong", "unknown_applicant_kind"),
        "SoGiayToChuHoSo": applicant.personal_id,
        "DinhDanhCHS": _identifiers(applicant),
        "Email": applicant.email,
        "SoDienThoai": applicant.phone,
    }


def _identifiers(applicant: Person) -> list[dict[str, str]]:
    """No number is ever made up: without one the list is empty, and an organisation has no such kind."""
    number = applicant.personal_id
    if not number:
        return []
    if applicant.kind == "organisation":
        if not TAX_CODE.fullmatch(number):
            raise MalformedError("SoGiayToChuHoSo: not a tax code; correct it", reason="malformed_identity")
        return []
    for kind, digits in IDENTITY_DIGITS.items():
        if len(number) == digits and number.isascii() and number.isdigit():
            return [{"LoaiDinhDanh": kind, "SoDinhDanh": number}]
    raise MalformedError("SoDinhDanh: neither 12 nor 9 digits; correct it", reason="malformed_identity")


def _course(message: DossierReceived) -> dict[str, object]:
    return {
        "NgayTiepNhan": time_text(message.received_at),
        "NgayHenTra": time_text(message.due_at),
        "TrangThaiHoSo": looked_up(STATUS_CODES, message.status, "TrangThaiHoSo", "unknown_status"),
        "KenhThucHien": looked_up(CHANNELS, message.channel, "KenhThucHien", "unknown_channel"),
    }


def _local(message: DossierReceived) -> dict[str, object]:
    """What only a dossier that began with us may say; for the others the portal knows better."""
    if message.portal_code:
        return {}
    return {
        "NgayNopHoSo": time_text(message.received_at),
        "NoiNopHoSo": SUBMITTED_LOCALLY,
        "HinhThuc": HANDED_OVER,
    }
