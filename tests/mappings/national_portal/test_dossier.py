"""What a received dossier becomes at the portal, field by field."""

import json
from datetime import UTC, datetime
from unicodedata import is_normalized, normalize
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.national_portal import dossier
from mappings.national_portal.codes import CHANNELS, KINDS_READ, KINDS_WRITTEN, STATUS_CODES, STATUSES
from sandbox.national_portal.checks import check_dossier
from truc.errors import MalformedError
from truc.messages import Channel, DossierReceived, Person

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
APPLICANT = Person(name="Nguyễn Thị Thử", personal_id="056000000001", phone="0900000001")
MESSAGE = DossierReceived(
    dossier_code="H32.5-261120-0001",
    procedure_code="1.001193",
    procedure_name="Đăng ký khai sinh",
    field_code="G01-HT02",
    field_name="Hộ tịch",
    agency_code="H32.5",
    agency_name="UBND phường Nha Trang",
    channel=Channel.COUNTER,
    applicant=APPLICANT,
    received_at=datetime(2026, 11, 20, 8, 15, tzinfo=HANOI),
    due_at=datetime(2026, 11, 20, 17, 0, tzinfo=HANOI),
    status=2,
)
VIETNAMESE = st.text("aăâbcdđeêghiklmnoôơpqrstuưvxyAĂÂĐÊÔƠƯ áàảãạắằẳẵặấầẩẫậếềểễệốồổỗộớờởỡợứừửữựỳýỷỹỵ", min_size=1)


def written(**changed: object) -> dict[str, object]:
    message = MESSAGE.model_copy(update=changed)
    return dict(json.loads(dossier.write(message)))


def by(**changed: object) -> Person:
    return APPLICANT.model_copy(update=changed)


def test_a_counter_dossier_is_written_exactly() -> None:
    assert dossier.write(MESSAGE).decode() == (
        '{"MaHoSo":"H32.5-261120-0001","SoBienNhan":"H32.5-261120-0001","MaTTHC":"1.001193",'
        '"TenTTHC":"Đăng ký khai sinh","MaLinhVuc":"G01-HT02","TenLinhVuc":"Hộ tịch",'
        '"TrichYeuHoSo":"Đăng ký khai sinh","DonViXuLy":"UBND phường Nha Trang","ChuHoSo":"Nguyễn Thị Thử",'
        '"LoaiDoiTuong":"1","SoGiayToChuHoSo":"056000000001",'
        '"DinhDanhCHS":[{"LoaiDinhDanh":"1","SoDinhDanh":"056000000001"}],"Email":"",'
        '"SoDienThoai":"0900000001","NgayTiepNhan":"20261120081500","NgayHenTra":"20261120170000",'
        '"TrangThaiHoSo":"2","KenhThucHien":"1","NgayNopHoSo":"20261120081500","NoiNopHoSo":"2","HinhThuc":"0"}'
    )


def test_an_online_dossier_keeps_the_portals_name_and_says_nothing_the_portal_knows_better() -> None:
    item = written(portal_code="G22.99-261120-0007", channel=Channel.ONLINE)
    assert (item["MaHoSo"], item["SoBienNhan"]) == ("G22.99-261120-0007", "H32.5-261120-0001")
    assert not {"NgayNopHoSo", "NoiNopHoSo", "HinhThuc", "TaiLieuNop"} & set(item)


def test_times_are_of_vietnam_whatever_zone_they_come_in() -> None:
    late = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
    assert written(received_at=late)["NgayTiepNhan"] == "20261121013000"


def test_no_due_date_is_empty_not_invented() -> None:
    assert written(due_at=None)["NgayHenTra"] == ""


def test_an_applicant_without_a_number_gets_none() -> None:
    item = written(applicant=by(personal_id=""))
    assert (item["DinhDanhCHS"], item["SoGiayToChuHoSo"]) == ([], "")


def test_an_old_card_is_of_its_own_kind() -> None:
    item = written(applicant=by(personal_id="225000001"))
    assert item["DinhDanhCHS"] == [{"LoaiDinhDanh": "2", "SoDinhDanh": "225000001"}]


def test_a_tax_code_is_no_personal_number() -> None:
    item = written(applicant=by(kind="organisation", personal_id="4200000000-001"))
    assert (item["LoaiDoiTuong"], item["DinhDanhCHS"]) == ("2", [])
    assert item["SoGiayToChuHoSo"] == "4200000000-001"


@pytest.mark.parametrize("number", ["12345", "05600000000a", "٠٥٦٠٠٠٠٠٠٠٠١", "056000000001 "])
def test_a_malformed_number_is_named_but_not_told(number: str) -> None:
    with pytest.raises(MalformedError, match="SoDinhDanh") as failed:
        written(applicant=by(personal_id=number))
    assert number not in str(failed.value)


def test_a_malformed_tax_code_is_refused() -> None:
    with pytest.raises(MalformedError, match="tax code"):
        written(applicant=by(kind="organisation", personal_id="42"))


@pytest.mark.parametrize("status", [0, 11, -1])
def test_an_unknown_status_raises_and_is_never_replaced(status: int) -> None:
    with pytest.raises(MalformedError) as failed:
        written(status=status)
    assert failed.value.reason == "unknown_status"


@pytest.mark.parametrize("status", range(1, 11))
def test_every_national_status_goes_out_as_it_is(status: int) -> None:
    assert written(status=status)["TrangThaiHoSo"] == str(status)


def test_the_tables_are_complete_both_ways() -> None:
    assert set(STATUSES) == set(range(1, 11))
    assert len(set(STATUS_CODES.values())) == len(STATUS_CODES)
    assert set(CHANNELS) == set(Channel)
    assert sorted(CHANNELS.values()) == ["1", "2", "3"]
    assert all(KINDS_READ[code] == kind for kind, code in KINDS_WRITTEN.items())


def test_a_long_procedure_name_is_shortened_in_the_summary_only() -> None:
    name = "Thủ tục " * 200
    item = written(procedure_name=name)
    assert len(str(item["TrichYeuHoSo"])) == 1000
    assert item["TenTTHC"] == name.strip()


@given(VIETNAMESE, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_vietnamese_text_reaches_the_portal_in_nfc_and_is_taken(name: str, form: str) -> None:
    typed = normalize(form, f"Ổ{name}ệ")
    item = written(applicant=by(name=typed), agency_name=typed)
    check_dossier(item)
    assert item["ChuHoSo"] == item["DonViXuLy"] == normalize("NFC", f"Ổ{name}ệ")
    assert is_normalized("NFC", dossier.write(MESSAGE.model_copy(update={"agency_name": typed})).decode())
