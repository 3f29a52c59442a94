"""What is written to the national payment platform fits its schema whatever the message, or is refused."""

import contextlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mappings.national_payment import payment
from truc.domain.payment_kinds import CourtFeeDetails, DueLine, FeeDetails, FeeLine, FineDetails, Payer, TaxDetails
from truc.errors import MalformedError
from truc.messages import PaymentRequested

SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parents[3] / "schemas" / "national_payment" / "init.json").read_text(encoding="utf-8"))
)
AT = datetime(2025, 6, 3, 6, 5, tzinfo=UTC)
SOUND = PaymentRequested(
    our_reference="P25060300000001",
    dossier_code="H32.1-250603-0001",
    amount_vnd=200_000,
    purpose="Phí hồ sơ",
    requested_at=AT,
)
PAYER = Payer(name="Nguyễn Văn A", personal_id="056199000001", district="Nha Trang", province="KH")
OWED = {"payer": PAYER, "obligation_code": "ID123", "collecting_code": "1054", "collecting_name": "Thuế tỉnh"}
FEES = FeeDetails(
    payer=PAYER,
    dossier_code="H32.1-250603-0001",
    procedure_code="1.001",
    procedure_name="Đăng ký",
    collecting_code="H32.1",
    collecting_name="Sở A",
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
    offended_at=AT,
    treasury="KBNN",
    budget_account="7111",
)
KINDS = (None, FEES, FINE, TaxDetails(**OWED, tax_code="4200000001", taxpayer="business"), CourtFeeDetails(**OWED))
ADDED = {  # by the client, in place of kind and details
    "LoaiBanTin": "INIT",
    "PhienBan": "1.0",
    "MaDoiTac": "P",
    "LoaiHinhThanhToan": "PAY",
    "MaKenhThanhToan": "K",
    "MaThietBi": "T",
    "NgonNgu": "vi-VN",
    "MaTienTe": "VND",
    "MaNganHang": "B",
    "Ip": "192.0.2.1",
    "MaXacThuc": "0" * 64,
}
WORDS = st.text("aợ| \n", max_size=9) | st.integers(90, 110).map("ợ".__mul__)
AMOUNT = st.integers(0, 10**15) | st.sampled_from([0, 1, 10**15 - 1, 10**15])
CHANGED = st.fixed_dictionaries(
    {},
    optional={
        "our_reference": st.from_regex(r"[-0-9A-Za-z]{0,5}", fullmatch=True) | st.integers(10, 30).map("a".__mul__),
        "amount_vnd": AMOUNT,
        "purpose": WORDS,
        "requested_at": st.integers(0, 5 * 10**9).map(lambda later_s: AT + timedelta(seconds=later_s)),
    },
)
DETAILS = st.sampled_from(KINDS) | st.builds(
    lambda name, amounts: FEES.model_copy(
        update={
            "procedure_name": name,
            "lines": tuple(FeeLine(kind="fee", name="Lệ phí", amount_vnd=one) for one in amounts),
        }
    ),
    st.text(max_size=9) | st.integers(240, 260).map("ợ".__mul__),
    st.lists(st.integers(1, 10**6), max_size=3),
)


def whole(message: PaymentRequested) -> dict[str, object]:
    written = json.loads(payment.write(message))
    # Of a kind whose code is not published the setting `kinds` has it.
    written["ThongTinBienLai"]["MaDichVu"] = written["ThongTinBienLai"]["MaDichVu"] or "3"
    return {name: value for name, value in written.items() if name not in ("kind", "details")} | ADDED


def test_a_sound_request_of_each_kind_fits() -> None:
    lines = (FeeLine(kind="charge", code="P1", name="Phí", amount_vnd=200_000),)
    due = (DueLine(text="Vượt đèn đỏ", amount_vnd=200_000),)
    for one in (*KINDS, FEES.model_copy(update={"lines": lines}), FINE.model_copy(update={"lines": due})):
        assert SCHEMA.is_valid(whole(SOUND.model_copy(update={"details": one})))


@given(CHANGED, DETAILS)
def test_what_is_written_fits_the_schema_or_is_refused(changed: dict[str, object], details: object) -> None:
    owed = sum(one.amount_vnd for one in getattr(details, "lines", ()))
    added_up = {"amount_vnd": owed} if owed else {}
    with contextlib.suppress(MalformedError):
        assert SCHEMA.is_valid(whole(SOUND.model_copy(update=changed | added_up | {"details": details})))
