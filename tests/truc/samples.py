"""What tests of several rooms send: a page of the national portal's list, and an officer's change of status."""

import json
from datetime import UTC, datetime, timedelta

from truc.services.dossiers import StatusChange

MORNING = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)  # a Wednesday, 9:00 in Vietnam


def page(*items: object) -> bytes:
    """A page of the portal's list of online dossiers."""
    return json.dumps({"error_code": 0, "result": items}, ensure_ascii=False).encode()


def online(portal_code: str, **changes: str) -> dict[str, str]:
    """One dossier of such a page, at the counter in the test procedure."""
    return {
        "MaHoSo": portal_code,
        "MaTTHC": "9.000001",
        "MaCoQuanThucHien": "H32.01",
        "ChuHoSo": "Nguyễn Văn An",
        "LoaiDoiTuong": "1",
        "SoDienThoai": "0905000111",
        "DiaChi": "1 Hùng Vương",
        "MaTinhThanh": "56",
        "NgayNopHoSo": "20260304090000",
        "TrangThaiHoSo": "1",
        "KenhThucHien": "2",
        "HinhThuc": "0",
        "DangKyNhanSMS": "0",
        **changes,
    }


def wish(code: str, status: int, hours: float) -> StatusChange:
    """An officer's wish to move a dossier, so many hours after MORNING."""
    return StatusChange(
        dossier_code=code,
        status=status,
        changed_at=MORNING + timedelta(hours=hours),
        officer_name="Trần Văn Bình",
        officer_title="Chuyên viên",
        department="Phòng Một",
        note="Đã chuyển bước",
        source="one-stop",
    )
