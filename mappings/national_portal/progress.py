"""A status change as the portal takes it (CapNhatTienDoHoSoMC, one item of `data`; egov.md 1.4)."""

from mappings.national_portal.codes import STATUS_CODES, looked_up
from mappings.national_portal.forms import filled, json_bytes, limited, nfc, time_text
from truc.messages import StatusChanged

OFFICER_LENGTH = 50  # NguoiXuLy, a vendor's limit; egov.md 1.3


def write(message: StatusChanged) -> bytes:
    """Return the step, its status as it is; raise MalformedError for an unknown one, too long a name, or no code."""
    item = {
        "MaHoSo": message.portal_code or message.dossier_code,
        "NguoiXuLy": limited(message.officer_name, OFFICER_LENGTH, "NguoiXuLy"),
        "ChucDanh": nfc(message.officer_title),
        "ThoiDiemXuLy": time_text(message.changed_at),
        "PhongBanXuLy": nfc(message.department),
        "NoiDungXuLy": nfc(message.note),
        "TrangThai": looked_up(STATUS_CODES, message.status, "TrangThai", "unknown_status"),
        "NgayBatDau": time_text(message.started_at),
        "NgayKetThucTheoQuyDinh": time_text(message.due_at),
    }
    return json_bytes(filled(item, "MaHoSo"))
