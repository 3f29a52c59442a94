"""What a status change becomes at the portal."""

import json
from datetime import UTC, datetime
from unicodedata import normalize
from zoneinfo import ZoneInfo

import pytest

from mappings.national_portal import progress
from sandbox.national_portal.checks import check_step
from truc.errors import MalformedError
from truc.messages import StatusChanged

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
MESSAGE = StatusChanged(
    dossier_code="H32.5-261120-0001",
    status=4,
    changed_at=datetime(2026, 11, 20, 9, 30, tzinfo=HANOI),
    officer_name="Trần Văn Mẫu",
    officer_title="Chuyên viên",
    department="Phòng Tư pháp",
    note="Chuyển xử lý",
    started_at=datetime(2026, 11, 20, 8, 15, tzinfo=HANOI),
    due_at=None,
)


def written(**changed: object) -> dict[str, object]:
    return dict(json.loads(progress.write(MESSAGE.model_copy(update=changed))))


def test_a_step_is_written_exactly() -> None:
    assert progress.write(MESSAGE).decode() == (
        '{"MaHoSo":"H32.5-261120-0001","NguoiXuLy":"Trần Văn Mẫu","ChucDanh":"Chuyên viên",'
        '"ThoiDiemXuLy":"20261120093000","PhongBanXuLy":"Phòng Tư pháp","NoiDungXuLy":"Chuyển xử lý",'
        '"TrangThai":"4","NgayBatDau":"20261120081500","NgayKetThucTheoQuyDinh":""}'
    )


def test_a_dossier_of_the_portal_is_named_as_the_portal_names_it() -> None:
    assert written(portal_code="G22.99-261120-0007")["MaHoSo"] == "G22.99-261120-0007"


@pytest.mark.parametrize("status", range(1, 11))
def test_every_status_goes_out_as_it_is_and_stopped_is_never_done(status: int) -> None:
    item = written(status=status)
    check_step(item)
    assert item["TrangThai"] == str(status)


@pytest.mark.parametrize("status", [0, 11, 99])
def test_an_unknown_status_raises(status: int) -> None:
    with pytest.raises(MalformedError) as failed:
        written(status=status)
    assert failed.value.reason == "unknown_status"


def test_a_step_just_after_midnight_is_of_the_new_day_in_vietnam() -> None:
    assert written(changed_at=datetime(2026, 11, 20, 17, 0, 1, tzinfo=UTC))["ThoiDiemXuLy"] == "20261121000001"


def test_a_name_is_counted_composed_and_never_cut() -> None:
    assert written(officer_name=normalize("NFD", "ệ" * 50))["NguoiXuLy"] == "ệ" * 50
    with pytest.raises(MalformedError, match="NguoiXuLy"):
        written(officer_name="ệ" * 51)
