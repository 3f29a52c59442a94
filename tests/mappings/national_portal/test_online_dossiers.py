"""Citizens' dossiers are read right, and a bad one stops nobody else's."""

import json
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.national_portal.online_dossiers import read
from truc.errors import MalformedError
from truc.messages import OnlineDossier, Unreadable

SAMPLES = Path(__file__).parent / "samples"
GOOD = json.loads((SAMPLES / "online_dossiers.json").read_text(encoding="utf-8"))["result"][0]
MISSING = object()
NOT_READ: set[str] = set()
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def page(*items: object) -> bytes:
    return json.dumps({"error_code": "0", "message": "", "result": items}).encode()


def one(**changed: object) -> OnlineDossier | Unreadable:
    item = {name: value for name, value in (GOOD | changed).items() if value is not MISSING}
    (found,) = read(page(item))
    return found


def bad(**changed: object) -> Unreadable:
    found = one(**changed)
    assert isinstance(found, Unreadable)
    return found


def test_the_sample_reads_as_approved() -> None:
    approved = json.loads((SAMPLES / "online_dossiers.read.json").read_text(encoding="utf-8"))
    found = read((SAMPLES / "online_dossiers.json").read_bytes())
    assert [json.loads(item.model_dump_json()) for item in found] == approved


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("MaTTHC", MISSING, "missing_field"),
        ("MaTTHC", "", "missing_field"),
        ("MaTTHC", None, "missing_field"),
        ("MaTTHC", "1.001193; DROP", "malformed_field"),
        ("MaTTHC", ["1.001193"], "malformed_field"),
        ("MaCoQuanThucHien", MISSING, "missing_field"),
        ("ChuHoSo", "  ", "missing_field"),
        ("ChuHoSo", "ệ" * 251, "too_long"),
        ("ChuHoSo", "Lê\u0000Thị", "malformed_field"),
        ("ChuHoSo", "Lê\ud83d", "malformed_field"),
        ("NgayNopHoSo", MISSING, "missing_field"),
        ("NgayNopHoSo", "20/11/2026", "malformed_date"),
        ("NgayNopHoSo", "20261320071502", "malformed_date"),
        ("NgayNopHoSo", "20260229000000", "malformed_date"),
        ("NgayNopHoSo", "20261120240000", "malformed_date"),
        ("NgayNopHoSo", "20261120", "malformed_date"),
        ("NgayNopHoSo", "٢٠٢٦١١٢٠٠٧١٥٠٢", "malformed_date"),
        ("TrangThaiHoSo", MISSING, "missing_field"),
        ("TrangThaiHoSo", "11", "unknown_status"),
        ("TrangThaiHoSo", "01", "unknown_status"),
        ("TrangThaiHoSo", True, "malformed_field"),
        ("LoaiDoiTuong", "5", "unknown_applicant_kind"),
        ("KenhThucHien", "9", "unknown_channel"),
        ("KenhThucHien", "1", "not_online"),
        ("HinhThuc", "7", "unknown_return_way"),
        ("DangKyNhanSMS", "yes", "malformed_field"),
        ("DinhDanhCHS", "056000000002", "malformed_field"),
        ("DinhDanhCHS", [{"LoaiDinhDanh": "9", "SoDinhDanh": "1"}], "unknown_identity_kind"),
        ("DinhDanhCHS", [{"LoaiDinhDanh": "1", "SoDinhDanh": "0560000000"}], "malformed_identity"),
    ],
)
def test_a_bad_field_is_named_with_the_dossier(field: str, value: object, reason: str) -> None:
    found = bad(**{field: value})
    assert (found.item, found.reason) == ("G22.99-261120-0001", reason)
    named = "SoDinhDanh LoaiDinhDanh" if field == "DinhDanhCHS" else field
    assert any(word in found.text for word in (*named.split(), field))


@pytest.mark.parametrize("broken", ["{}\ud83d", "\ud83d{}", "{}\x00"])
@pytest.mark.parametrize("field", sorted(name for name, value in GOOD.items() if isinstance(value, str)))
def test_text_no_database_can_hold_stops_its_dossier_only(field: str, broken: str) -> None:
    first, second = read(page(GOOD | {field: broken.format(GOOD[field])}, GOOD))
    assert isinstance(second, OnlineDossier)
    if field not in NOT_READ:
        assert isinstance(first, Unreadable)
        assert first.reason == "malformed_field"


@pytest.mark.parametrize("status", range(2, 11))
def test_a_dossier_already_taken_or_withdrawn_is_not_born_again(status: int) -> None:
    assert bad(TrangThaiHoSo=str(status)).reason == "not_new"


@pytest.mark.parametrize("code", [MISSING, "", "x" * 65, "a b", {"a": 1}])
def test_a_dossier_without_a_usable_name_is_named_by_its_place(code: object) -> None:
    assert bad(MaHoSo=code).item == "item 1"


def test_no_text_of_a_bad_dossier_tells_personal_data() -> None:
    found = bad(DinhDanhCHS=[{"LoaiDinhDanh": "1", "SoDinhDanh": "05600000ABCD"}])
    assert "05600000ABCD" not in found.model_dump_json()
    assert "Ước" not in found.model_dump_json()


def test_the_rest_of_the_page_goes_on() -> None:
    items = (GOOD, GOOD | {"NgayNopHoSo": "hôm qua"}, "rác", None, GOOD | {"MaHoSo": "G22.99-261120-0003"})
    kinds = [type(item).__name__ for item in read(page(*items))]
    assert kinds == ["OnlineDossier", "Unreadable", "Unreadable", "Unreadable", "OnlineDossier"]


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"<html>", b"[]", b"{}", b'{"result": {}}', b'{"result": null}', b"[" * 100_000]
)
def test_an_unreadable_page_raises_before_the_first_item(body: bytes) -> None:
    with pytest.raises(MalformedError):
        read(body)


def test_an_applicant_without_a_number_has_none() -> None:
    found = one(DinhDanhCHS=[])
    assert isinstance(found, OnlineDossier)
    assert found.applicant.personal_id == ""


def test_an_organisations_number_must_be_a_tax_code() -> None:
    found = bad(LoaiDoiTuong="2", SoGiayToChuHoSo="chưa có")
    assert (found.reason, "SoGiayToChuHoSo" in found.text) == ("malformed_identity", True)


def test_the_twelve_digit_number_goes_before_the_old_card() -> None:
    both = [
        {"LoaiDinhDanh": "2", "SoDinhDanh": "225000001"},
        {"LoaiDinhDanh": 1, "SoDinhDanh": "056000000002"},
    ]
    found = one(DinhDanhCHS=both)
    assert isinstance(found, OnlineDossier)
    assert found.applicant.personal_id == "056000000002"


@given(st.text("àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệơờớởỡợưừứửữự ", min_size=1), st.sampled_from(["NFC", "NFD"]))
def test_names_are_read_in_nfc(text: str, form: str) -> None:
    found = one(ChuHoSo=normalize(form, f"Đ{text}g"))
    assert isinstance(found, OnlineDossier)
    assert found.applicant.name == normalize("NFC", f"Đ{text}g")


@given(st.sampled_from(sorted(GOOD)), ANY_JSON)
def test_whatever_stands_in_a_field_the_dossier_is_read_or_named(field: str, value: object) -> None:
    assert isinstance(one(**{field: value}), OnlineDossier | Unreadable)
