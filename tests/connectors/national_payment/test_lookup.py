"""A lookup is served once the connection says what proves one, and its answer has what INIT would have."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from connectors.national_payment import inbound
from mappings.national_payment import lookup
from tests.connectors.national_payment.conftest import FEES, TAX
from truc.connections import Connection
from truc.errors import RejectedError, SetupError
from truc.inbound.callbacks import Incoming, Refused
from truc.messages import PaymentRequested

ROOT = Path(__file__).resolve().parents[3]
CODE = "H32.1-250603-000120250603130500"
AT = datetime(2025, 6, 3, 6, 5, tzinfo=UTC)
ACCOUNTS = {"*": {"account": "3511", "bank": "B", "name": "Tai khoan thu"}}
SERVED = {"login": "X", "password": "s3", "lookup_signed": "MaDoiTac, MaTraCuuTT", "accounts": json.dumps(ACCOUNTS)}


def asked(code=CODE, **changed):
    call = {"MaDoiTac": "X", "MaTraCuuTT": code}
    return call | {"MaXacThuc": hashlib.sha256(f"X|{code}|s3".encode()).hexdigest()} | changed


def received(call, **settings):
    body = call if isinstance(call, bytes) else json.dumps(call).encode()
    incoming = Incoming("POST", "/partners/national_payment/lookup", "", {}, body)
    return inbound.receive(incoming, Connection("national_payment", SERVED | settings))


def refused(call, **settings):
    with pytest.raises(Refused) as caught:
        received(call, **settings)
    return caught.value


def said(answer):
    schema = json.loads((ROOT / "schemas/national_payment/lookup_answer.json").read_text(encoding="utf-8"))
    found = json.loads(answer.body)
    jsonschema.validate(found, schema)
    assert answer.status == 200
    return found


def message(details=FEES):
    return PaymentRequested(
        our_reference="P1",
        dossier_code="H32.1-250603-0001",
        amount_vnd=200_000,
        purpose="Phí hồ sơ",
        requested_at=AT,
        details=details,
    )


def test_a_right_lookup_asks_for_the_payment_of_its_dossier_and_second():
    found = received(asked())
    assert (found.question.dossier_code, found.question.requested_at) == ("H32.1-250603-0001", AT)
    assert (found.envelope.kind, found.envelope.body) == ("lookup", json.dumps(asked()).encode())
    assert said(found.answer)["error_code"] == "1"
    assert said(received(asked(), lookup_absent_code="-1").answer)["error_code"] == "-1"


def test_the_answer_is_the_bill_with_what_the_connection_adds():
    answer = said(received(asked()).question.answer(lookup.write(message())))
    assert (answer["error_code"], answer["message"]["MaTraCuuTT"]) == ("0", CODE)
    bill = answer["message"]
    assert (bill["MaHoSo"], bill["MaDichVu"], bill["TKThuHuong"]) == ("H32.1-250603-0001", "2", "3511")


def test_a_kind_that_the_connection_does_not_know_has_no_bill():
    with pytest.raises(RejectedError) as caught:
        received(asked()).question.answer(lookup.write(message(TAX)))
    assert caught.value.reason == "kind_not_configured"


def test_without_the_setting_no_lookup_is_served():
    found = refused(asked(), lookup_signed="")
    assert (found.reason, found.answer.status, found.answer.body) == ("not_served", 404, b"")


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (b"", "not_json"),
        (b"[]", "not_an_object"),
        ({"MaTraCuuTT": CODE}, "field_missing"),
        (asked(MaXacThuc="0" * 64), "bad_signature"),
        (asked(MaTraCuuTT=CODE[:-1] + "1"), "bad_signature"),
        (asked(MaDoiTac="X|A"), "malformed"),
        (asked("20250603130500"), "malformed"),
        (asked("H32.1-250603-000120251303130500"), "malformed"),
        (asked("H32.1-250603-0001 hôm qua"), "malformed"),
        (asked("H32\n20250603130500"), "malformed"),
    ],
)
def test_what_is_no_lookup_hears_the_other_code_and_no_bill(call, reason):
    found = refused(call)
    assert found.reason == reason
    assert (said(found.answer)["error_code"], said(found.answer)["message"]) == ("-1", "Không xác minh được yêu cầu")


@pytest.mark.parametrize("settings", [{"lookup_signed": "MaDoiTac"}, {"lookup_absent_code": "0"}])
def test_settings_that_prove_nothing_or_call_nothing_a_bill_are_refused(settings):
    with pytest.raises(SetupError) as caught:
        received(asked(), **settings)
    assert caught.value.reason == "setting_malformed"
