"""Six kinds are written as the platform wants them, and its word is read without a guess."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from mappings.national_payment import bill, lookup, payment, query, result
from mappings.national_payment.receipt import TEXTS, receipt
from truc.domain.payment_kinds import (
    KINDS,
    CourtFeeDetails,
    DueLine,
    ElectricityDetails,
    FeeDetails,
    FeeLine,
    FineDetails,
    InsuranceDetails,
    Payer,
    TaxDetails,
)
from truc.errors import MalformedError
from truc.messages import PaymentRequested

ROOT = Path(__file__).resolve().parents[3]
PAYER = Payer(name="Nguyễn Văn A", personal_id="056199000001", address="1 Lê Lợi", district="Nha Trang", province="KH")
OWED = {"payer": PAYER, "obligation_code": "ID123", "collecting_code": "1054", "collecting_name": "Thuế tỉnh"}
FEES = FeeDetails(
    payer=PAYER,
    dossier_code="H32.1-250603-0001",
    procedure_code="1.001",
    procedure_name="Đăng ký",
    collecting_code="H32.1",
    collecting_name="Sở A",
    lines=(
        FeeLine(kind="charge", code="P1", name="Phí thẩm định", amount_vnd=150_000),
        FeeLine(kind="fee", name="Lệ phí", amount_vnd=50_000),
    ),
)
FINE = FineDetails(
    payer=PAYER,
    decision_number="12/QĐ-XPHC",
    decided_on=date(2025, 6, 1),
    deciding_code="C08",
    deciding_name="Phòng CSGT",
    form_code="GT",
    form_name="Giao thông",
    offender_name="Trần B",
    offended_at=datetime(2025, 5, 30, 6, 5, tzinfo=UTC),
    offence_place="QL1",
    treasury="KBNN Khánh Hòa",
    budget_account="7111",
    lines=(DueLine(text="Vượt đèn đỏ", amount_vnd=200_000),),
)
TAX = TaxDetails(**OWED, tax_code="4200000001", taxpayer="business", chapter="757", notified_on=date(2025, 6, 2))
OTHERS = {
    "tax/business": TAX,
    "insurance/health": InsuranceDetails(**OWED, insurance="health"),
    "electricity": ElectricityDetails(**OWED, period="05/2025"),
    "court_fee": CourtFeeDetails(**OWED),
}


def request(details=None, **changed):
    given = {
        "our_reference": "P25060300000001",
        "dossier_code": "H32.1-250603-0001",
        "amount_vnd": 200_000,
        "purpose": "Phí hồ sơ",
        "requested_at": datetime(2025, 6, 3, 6, 5, tzinfo=UTC),
        "details": details,
    }
    return PaymentRequested(**(given | changed))


def written(message):
    return json.loads(payment.write(message))


# Writing.


def test_a_fee_is_written_with_its_lines_its_procedure_and_its_payer():
    order = written(request(FEES))
    assert (order["MaThamChieu"], order["SoTien"], order["ThongTinGiaoDich"]) == (
        "P25060300000001",
        "200000",
        "Phí hồ sơ",
    )
    said = order["ThongTinBienLai"]
    assert (order["kind"], said["MaDichVu"], said["MaTTHC"], said["MaHoSo"]) == (
        "fees",
        "2",
        "1.001",
        FEES.dossier_code,
    )
    assert (said["MaDonVi"], said["TenDonVi"], said["HoTenNguoiNop"]) == ("H32.1", "Sở A", "Nguyễn Văn A")
    assert said["PhiLePhi"] == [
        {"LoaiPhiLePhi": "1", "MaPhiLePhi": "P1", "TenPhiLePhi": "Phí thẩm định", "SoTien": "150000"},
        {"LoaiPhiLePhi": "2", "MaPhiLePhi": "", "TenPhiLePhi": "Lệ phí", "SoTien": "50000"},
    ]
    assert [line["SoTien"] for line in said["DSKhoanNop"]] == ["150000", "50000"]


def test_a_fine_is_written_with_its_decision():
    said = written(request(FINE, dossier_code=""))["ThongTinBienLai"]
    wanted = {
        "MaDichVu": "1",
        "SoQD": "12/QĐ-XPHC",
        "NgayQD": "20250601",
        "MaCoQuanQD": "C08",
        "MaLoaiHinhThuPhat": "GT",
        "KhoBac": "KBNN Khánh Hòa",
        "TaiKhoanThuNSNN": "7111",
        "TenNguoiViPham": "Trần B",
        "ThoiGianViPham": "20250530130500",
        "DiaDiemViPham": "QL1",
        "MaHoSo": "",
    }
    assert {name: said[name] for name in wanted} == wanted
    assert said["DSKhoanNop"] == [{"NoiDung": "Vượt đèn đỏ", "SoTien": "200000"}]


@pytest.mark.parametrize(("kind", "details"), OTHERS.items())
def test_a_kind_without_published_fields_claims_no_service_code_and_hands_its_details_on(kind, details):
    order = written(request(details, dossier_code=""))
    assert (order["kind"], order["ThongTinBienLai"]["MaDichVu"]) == (kind, "")
    assert order["details"]["obligation_code"] == "ID123"
    assert order["ThongTinBienLai"]["MaDonVi"] == "1054"
    assert not {"payer", "kind", "lines"} & order["details"].keys()


def test_details_of_a_tax_are_texts():
    found = written(request(TAX, dossier_code=""))["details"]
    assert (found["tax_code"], found["chapter"], found["notified_on"]) == ("4200000001", "757", "20250602")


def test_each_of_the_six_kinds_is_tried_here():
    assert {"fees", "fine", *(kind.partition("/")[0] for kind in OTHERS)} == set(KINDS)


@pytest.mark.parametrize("details", [None, FEES, FINE, *OTHERS.values()])
def test_every_text_of_the_receipt_is_there_for_every_kind(details):
    said = receipt(request(details))
    assert set(said) == {*TEXTS, "PhiLePhi", "DSKhoanNop"}
    assert sum(int(line["SoTien"]) for line in said["DSKhoanNop"]) == 200_000


def test_a_payment_without_details_is_a_fee_of_its_dossier():
    said = written(request())["ThongTinBienLai"]
    assert (said["MaDichVu"], said["MaHoSo"], said["HoTenNguoiNop"]) == ("2", "H32.1-250603-0001", "")
    assert (said["PhiLePhi"], said["DSKhoanNop"]) == ([], [{"NoiDung": "Phí hồ sơ", "SoTien": "200000"}])


def test_lines_that_do_not_add_up_are_refused():
    with pytest.raises(MalformedError) as caught:
        payment.write(request(FEES, amount_vnd=200_001))
    assert caught.value.reason == "lines_differ"


def test_a_long_name_of_a_procedure_is_cut_to_250():
    said = receipt(request(FEES.model_copy(update={"procedure_name": "Đ" * 251})))
    assert (len(said["TenTTHC"]), said["TenTTHC"][-3:]) == (250, "...")


def test_morning_and_afternoon_are_two_times():
    morning, afternoon = (
        written(request(requested_at=datetime(2025, 6, day, hour, 5, tzinfo=UTC)))["ThoiGianGD"]
        for day, hour in ((2, 18), (3, 6))
    )
    assert (morning, afternoon) == ("20250603010500", "20250603130500")


def test_a_bar_never_reaches_the_hash():
    assert written(request(purpose="Phí | hồ sơ\n1"))["ThongTinGiaoDich"] == "Phí hồ sơ 1"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"our_reference": "P" * 21}, "reference_malformed"),
        ({"our_reference": "P-1"}, "reference_malformed"),
        ({"amount_vnd": 0}, "amount_out_of_range"),
        ({"purpose": "|"}, "text_too_long"),
        ({"purpose": "x" * 101}, "text_too_long"),
    ],
)
def test_what_the_platform_would_refuse_is_refused_here(changed, reason):
    with pytest.raises(MalformedError) as caught:
        payment.write(request(**changed))
    assert caught.value.reason == reason


# The answer to INIT: JSON inside JSON.


def kept(message, reference="P1"):
    answer = json.dumps({"error_code": "0", "message": message})
    return json.dumps({"MaThamChieu": reference, "answer": answer}).encode()


def test_the_address_lies_in_a_json_text():
    (found,) = payment.read(kept(json.dumps({"UrlThanhToan": "https://pay.example/1"})))
    assert (found.our_reference, found.pay_url) == ("P1", "https://pay.example/1")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"UrlThanhToan": "https://pay.example/1"}, "field_malformed"),
        ("not json", "not_json"),
        ("[]", "not_an_object"),
        ("{}", "field_malformed"),
        ('{"UrlThanhToan": "http://pay.example/1"}', "field_malformed"),
        ('{"UrlThanhToan": "https://pay.example/1", "MaThamChieu": "P2"}', "answer_of_another"),
    ],
)
def test_an_answer_without_an_address_of_ours_is_malformed(message, reason):
    with pytest.raises(MalformedError) as caught:
        list(payment.read(kept(message)))
    assert caught.value.reason == reason


# Reading states.

CALL = {
    "LoaiBanTin": "CONFIRM",
    "MaLoi": "00",
    "MaDoiTac": "X",
    "MaThamChieu": "P1",
    "SoTien": 200000,
    "MaTienTe": "VND",
    "MaGiaoDich": "77",
    "MaNganHang": "B",
    "ThoiGianGD": "20250603130500",
    "ThongTinGiaoDich": "t",
    "MaXacThuc": "0" * 64,
}
SAID = CALL | {"LoaiBanTin": "QUERY", "TrangThaiGD": "1"}


def one(module, said):
    (found,) = module.read(json.dumps(said).encode())
    return found


def test_a_result_call_is_read_as_paid():
    found = one(result, CALL)
    assert (found.our_reference, found.partner_reference, found.amount_vnd) == ("P1", "77", 200_000)
    assert (found.state, found.occurred_at.isoformat()) == ("paid", "2025-06-03T13:05:00+07:00")


def test_other_error_in_a_result_call_is_no_end():
    assert one(result, CALL | {"MaLoi": "99"}).state == "pending"


@pytest.mark.parametrize(("code", "state"), [("1", "paid"), ("3", "pending"), ("4", "failed")])
def test_an_answer_to_query_is_read_by_its_transaction_state(code, state):
    assert one(query, SAID | {"TrangThaiGD": code}).state == state


@pytest.mark.parametrize(
    ("module", "changed", "reason"),
    [
        (result, {"MaLoi": "01"}, "unknown_result_code"),
        (result, {"MaLoi": ""}, "field_malformed"),
        (result, {"MaTienTe": "USD"}, "currency_unknown"),
        (result, {"SoTien": 1.5}, "field_malformed"),
        (result, {"SoTien": "-1"}, "field_malformed"),
        (result, {"SoTien": "٢٠٠"}, "field_malformed"),
        (result, {"SoTien": None}, "field_malformed"),
        (result, {"ThoiGianGD": "20250603250000"}, "field_malformed"),
        (result, {"ThoiGianGD": "2025-06-03"}, "field_malformed"),
        (result, {"MaThamChieu": "P\x00"}, "text_not_storable"),
        (result, {"MaGiaoDich": {}}, "field_malformed"),
        (query, {"TrangThaiGD": "2"}, "unknown_result_code"),
        (query, {"TrangThaiGD": None}, "field_malformed"),
        (query, {"MaLoi": "99"}, "not_a_payment"),
    ],
)
def test_nothing_is_guessed_about_money(module, changed, reason):
    with pytest.raises(MalformedError) as caught:
        one(module, SAID | changed)
    assert caught.value.reason == reason


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("module", [result, query, payment])
def test_what_is_no_object_is_malformed(module, body):
    with pytest.raises(MalformedError):
        list(module.read(body))


# The lookup of the portal.


def test_a_lookup_is_answered_with_the_bill_under_its_code():
    written = json.loads(lookup.write(request(FEES, requested_at=datetime(2025, 6, 3, 7, 0, tzinfo=UTC))))
    assert written["MaTraCuuTT"] == "H32.1-250603-000120250603140000"
    assert written["ThongTinBienLai"] == receipt(request(FEES))
    assert (written["kind"], set(written)) == ("fees", {"MaTraCuuTT", "kind", "details", "ThongTinBienLai"})


def test_a_payment_of_no_dossier_has_no_lookup_code():
    with pytest.raises(MalformedError) as caught:
        lookup.write(request(FINE, dossier_code=""))
    assert caught.value.reason == "no_dossier"


def test_a_lookup_and_a_bill_mean_nothing_to_our_books():
    assert lookup.read(b'{"MaTraCuuTT": "A20250603140000"}') == ()
    assert bill.read(b"%PDF-1.4") == ()


@pytest.mark.parametrize(("reading", "body"), [(lookup.read, b"{}"), (lookup.read, b"x"), (bill.read, b"{}")])
def test_what_is_no_lookup_and_no_bill_is_malformed(reading, body):
    with pytest.raises(MalformedError):
        reading(body)
