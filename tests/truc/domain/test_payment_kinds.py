"""Each kind of payment asks for its own fields, and none can be taken for another."""

from datetime import date
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from truc.domain.payment_kinds import KINDS, PaymentDetails, lines_vnd, obligation_code

READ: TypeAdapter[PaymentDetails] = TypeAdapter(PaymentDetails)
PAYER = {"name": "Nguyễn Văn An", "personal_id": "056123456789"}
COLLECTING = {"collecting_code": "TCT-56", "collecting_name": "Thuế tỉnh"}
OWED = {**COLLECTING, "obligation_code": "04057866369400001"}
EACH: dict[str, dict[str, Any]] = {
    "fees": {
        **COLLECTING,
        "dossier_code": "H32.01-260304-0001",
        "procedure_code": "1.004873",
        "procedure_name": "Cấp giấy",
        "lines": [
            {"kind": "fee", "name": "Lệ phí", "amount_vnd": 30_000},
            {"kind": "charge", "name": "Phí", "amount_vnd": 20_000},
        ],
    },
    "fine": {
        "decision_number": "12/QĐ-XPHC",
        "decided_on": "2026-03-01",
        "deciding_code": "CA-56",
        "deciding_name": "Công an tỉnh",
        "form_code": "1",
        "form_name": "Phạt tiền",
        "offender_name": "Nguyễn Văn An",
        "treasury": "KBNN Khánh Hòa",
        "budget_account": "7111",
    },
    "tax": {**OWED, "tax_code": "4200000000", "taxpayer": "business"},
    "insurance": {**OWED, "insurance": "health"},
    "electricity": OWED,
    "court_fee": OWED,
}


def read(kind: str, **changes: Any) -> PaymentDetails:
    return READ.validate_python({"kind": kind, "payer": PAYER, **EACH[kind], **changes})


def test_there_are_six_kinds_and_a_sample_of_each() -> None:
    assert tuple(EACH) == KINDS
    assert len(KINDS) == 6


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_survives_being_written_and_says_whom_it_is_collected_for(kind: str) -> None:
    details = read(kind)
    assert READ.validate_json(READ.dump_json(details)) == details
    assert details.kind == kind
    assert details.collecting_code in ("TCT-56", "CA-56")
    assert obligation_code(details) in ("H32.01-260304-0001", "12/QĐ-XPHC", "04057866369400001")


@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind in KINDS for field in ("payer", *EACH[kind]) if field != "lines"]
)
def test_a_kind_without_one_of_its_own_fields_is_refused(kind: str, field: str) -> None:
    whole = {"kind": kind, "payer": PAYER, **EACH[kind]}
    del whole[field]
    with pytest.raises(ValidationError, match=field):
        READ.validate_python(whole)


@pytest.mark.parametrize("kind", ["lottery", "", None])
def test_another_kind_is_refused(kind: object) -> None:
    with pytest.raises(ValidationError):
        READ.validate_python({"kind": kind, "payer": PAYER, **OWED})


def test_a_field_of_another_kind_is_refused() -> None:
    with pytest.raises(ValidationError, match="insurance"):
        read("electricity", insurance="health")


@pytest.mark.parametrize("amount", [0, -1, 1.0, "5", 10**15 + 1, True])
def test_a_line_is_whole_dong(amount: object) -> None:
    with pytest.raises(ValidationError, match="amount_vnd"):
        read("fees", lines=[{"kind": "fee", "name": "Lệ phí", "amount_vnd": amount}])


def test_lines_are_added_up_and_none_is_no_sum() -> None:
    assert lines_vnd(read("fees")) == 50_000
    assert lines_vnd(read("fees", lines=[])) is None
    assert lines_vnd(read("electricity")) is None


def test_a_payer_whose_name_is_no_text_is_refused() -> None:
    with pytest.raises(ValidationError, match="unicode"):
        read("tax", payer={"name": "\ud800"})
    with pytest.raises(ValidationError, match="holds NUL"):
        read("tax", payer={"name": "a\0b"})


def test_a_date_is_a_date() -> None:
    assert read("fine").decided_on == date(2026, 3, 1)  # type: ignore[union-attr]  # a fine has it
