"""Writes ThongTinBienLai: what is paid for, by whom, to whom, for each of the six kinds (partners.md §9.1).

Every text field is always there, empty where the kind has none. Fields of a fee and of a fine are the published ones.
Of the four other kinds no field is published but those that all have; the connection says MaDichVu and where their
details go, so they are handed on by `details`.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from mappings.national_payment.fields import clock
from truc.domain.payment_kinds import FeeDetails, FeeLine, FineDetails, Payer, PaymentDetails, lines_vnd
from truc.errors import MalformedError
from truc.messages import PaymentRequested

FINE, FEES = "1", "2"
LINE_KINDS = {"charge": "1", "fee": "2"}  # LoaiPhiLePhi: phí, lệ phí
NAME_MAX = 250  # TenTTHC
TEXTS = (
    "MaDichVu",
    "MaDVC",
    "TenDVC",
    "MaTTHC",
    "TenTTHC",
    "MaDonVi",
    "TenDonVi",
    "MaHoSo",
    "TKThuHuong",
    "MaNHThuHuong",
    "TenTKThuHuong",
    "MaLoaiHinhThuPhat",
    "TenLoaiHinhThuPhat",
    "MaCoQuanQD",
    "TenCoQuanQD",
    "KhoBac",
    "NgayQD",
    "SoQD",
    "ThoiGianViPham",
    "DiaDiemViPham",
    "TenNguoiViPham",
    "TaiKhoanThuNSNN",
    "NoiDungThanhToan",
    "HoTenNguoiNop",
    "SoCMNDNguoiNop",
    "DiaChiNguoiNop",
    "HuyenNguoiNop",
    "TinhNguoiNop",
)


def receipt(message: PaymentRequested) -> dict[str, Any]:
    """Return ThongTinBienLai of a payment; MalformedError when its lines do not add up to it."""
    whole = message.details and lines_vnd(message.details)
    if whole is not None and whole != message.amount_vnd:
        raise MalformedError("the lines of the details do not add up to amount_vnd", reason="lines_differ")
    filled = dict.fromkeys(TEXTS, "") | _of_kind(message) | {"NoiDungThanhToan": message.purpose}
    if message.details is not None:
        filled |= _of_payer(message.details.payer)
    return {**filled, "PhiLePhi": _fee_lines(message.details), "DSKhoanNop": _due_lines(message)}


def kind(details: PaymentDetails | None) -> str:
    """Return the kind as the connection names it; taxes and insurances by what they are of."""
    if details is None:
        return "fees"
    parts = (details.kind, getattr(details, "taxpayer", ""), getattr(details, "insurance", ""))
    return "/".join(part for part in parts if part)


def details(message: PaymentRequested) -> dict[str, str]:
    """Return the plain details of a kind as texts, for fields that only the connection knows."""
    if message.details is None:
        return {}
    apart = {"kind", "payer", "lines"}
    return {name: _written(value) for name, value in message.details if name not in apart}


def _of_kind(message: PaymentRequested) -> dict[str, str]:
    match message.details:
        case None:
            return {"MaDichVu": FEES, "MaHoSo": message.dossier_code}
        case FeeDetails() as fees:
            return _of_agency(fees) | {
                "MaDichVu": FEES,
                "MaTTHC": fees.procedure_code,
                "TenTTHC": _short(fees.procedure_name),
                "MaHoSo": fees.dossier_code,
                "MaCoQuanQD": fees.collecting_code,
                "TenCoQuanQD": fees.collecting_name,
            }
        case FineDetails() as fine:
            return _of_fine(fine)
        case other:
            return _of_agency(other)


def _of_agency(about: Any) -> dict[str, str]:
    return {"MaDonVi": about.collecting_code, "TenDonVi": about.collecting_name}


def _of_fine(fine: FineDetails) -> dict[str, str]:
    return {
        "MaDichVu": FINE,
        "MaLoaiHinhThuPhat": fine.form_code,
        "TenLoaiHinhThuPhat": fine.form_name,
        "MaCoQuanQD": fine.deciding_code,
        "TenCoQuanQD": fine.deciding_name,
        "KhoBac": fine.treasury,
        "NgayQD": _written(fine.decided_on),
        "SoQD": fine.decision_number,
        "ThoiGianViPham": _written(fine.offended_at),
        "DiaDiemViPham": fine.offence_place,
        "TenNguoiViPham": fine.offender_name,
        "TaiKhoanThuNSNN": fine.budget_account,
    }


def _of_payer(payer: Payer) -> dict[str, str]:
    return {
        "HoTenNguoiNop": payer.name,
        "SoCMNDNguoiNop": payer.personal_id,
        "DiaChiNguoiNop": payer.address,
        "HuyenNguoiNop": payer.district,
        "TinhNguoiNop": payer.province,
    }


def _fee_lines(about: PaymentDetails | None) -> list[dict[str, str]]:
    lines: Iterable[FeeLine] = about.lines if isinstance(about, FeeDetails) else ()
    return [
        {
            "LoaiPhiLePhi": LINE_KINDS[line.kind],
            "MaPhiLePhi": line.code,
            "TenPhiLePhi": line.name,
            "SoTien": str(line.amount_vnd),
        }
        for line in lines
    ]


def _due_lines(message: PaymentRequested) -> list[dict[str, str]]:
    """Return the lines as what is owed; one line over the whole where there are none."""
    match message.details:
        case FeeDetails(lines=lines) if lines:
            named = [(line.name, line.amount_vnd) for line in lines]
        case FineDetails(lines=due) if due:
            named = [(line.text, line.amount_vnd) for line in due]
        case _:
            named = [(message.purpose, message.amount_vnd)]
    return [{"NoiDung": words, "SoTien": str(amount_vnd)} for words, amount_vnd in named]


def _short(name: str) -> str:
    return name if len(name) <= NAME_MAX else f"{name[: NAME_MAX - 3]}..."


def _written(value: object) -> str:
    """Times as ThoiGianGD, days as yyyyMMdd; nothing is an empty text."""
    match value:
        case None:
            return ""
        case datetime():
            return clock(value)
        case date():
            return f"{value:%Y%m%d}"
        case _:
            return str(value)
