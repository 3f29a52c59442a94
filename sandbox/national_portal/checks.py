"""What the portal would refuse: missing fields, malformed dates, unknown codes, over-long texts (egov.md 1.3–1.5)."""

import re
from typing import Any

DATE = re.compile(r"[0-9]{14}")
STATUSES = frozenset(str(number) for number in range(1, 11))
DIGITS = {"1": 12, "2": 9}
# The fields running vendor code does not mark as optional.
DOSSIER_FIELDS = ("MaHoSo", "MaTTHC", "TenTTHC", "MaLinhVuc", "TenLinhVuc", "TrichYeuHoSo", "DonViXuLy")
STEP_FIELDS = ("MaHoSo", "ThoiDiemXuLy", "TrangThai")
OPTIONAL_DATES = ("NgayNopHoSo", "NgayHenTra", "NgayBatDau", "NgayKetThucTheoQuyDinh")


class Refusal(Exception):  # noqa: N818  (an answer to the caller, no error of the stand-in)
    """The call is refused with this code."""

    def __init__(self, code: object, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_dossier(item: dict[str, Any]) -> None:
    """Raise Refusal for a dossier the portal would not take."""
    for field in DOSSIER_FIELDS:
        _refuse_unless(isinstance(item.get(field), str) and item[field] != "", field)
    _refuse_unless(item.get("TrangThaiHoSo") in STATUSES, "TrangThaiHoSo")
    _refuse_unless(item.get("KenhThucHien") in ("1", "2", "3"), "KenhThucHien")
    _refuse_unless(item.get("LoaiDoiTuong") in ("1", "2", "3", "4"), "LoaiDoiTuong")
    _refuse_unless(len(item["TrichYeuHoSo"]) <= 1000, "TrichYeuHoSo")
    _refuse_unless(bool(DATE.fullmatch(str(item.get("NgayTiepNhan")))), "NgayTiepNhan")
    _check_dates(item)
    for identity in item.get("DinhDanhCHS", []):
        digits = DIGITS.get(str(identity.get("LoaiDinhDanh")))
        _refuse_unless(len(str(identity.get("SoDinhDanh"))) == digits, "DinhDanhCHS")


def check_step(item: dict[str, Any]) -> None:
    """Raise Refusal for a progress step the portal would not take."""
    for field in STEP_FIELDS:
        _refuse_unless(isinstance(item.get(field), str) and item[field] != "", field)
    _refuse_unless(item["TrangThai"] in STATUSES, "TrangThai")
    _refuse_unless(bool(DATE.fullmatch(item["ThoiDiemXuLy"])), "ThoiDiemXuLy")
    _refuse_unless(len(str(item.get("NguoiXuLy", ""))) <= 50, "NguoiXuLy")
    _check_dates(item)


def _check_dates(item: dict[str, Any]) -> None:
    for field in OPTIONAL_DATES:
        _refuse_unless(item.get(field, "") == "" or bool(DATE.fullmatch(str(item[field]))), field)


def _refuse_unless(holds: bool, field: str) -> None:  # noqa: FBT001  (it asserts; the truth is the argument)
    if not holds:
        raise Refusal("-1", f"{field} không hợp lệ")
