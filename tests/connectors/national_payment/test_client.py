"""We create, ask and fetch the bill as the platform expects, and fail as the house says."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from connectors.national_payment import signatures
from connectors.national_payment.manifest import MANIFEST
from connectors.national_payment.result_codes import CODES, INIT
from mappings.national_payment import payment, query
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError, TransientError
from truc.manifest import Limits
from truc.transport.rest import Reply
from truc.trust.signing import sign

QUICK = Limits(timeout_s=0.3, connect_timeout_s=1, body_bytes_max=1024 * 1024)
ROOT = Path(__file__).resolve().parents[3]
AT = "2025-06-03T13:10:00+07:00"
ORDER_OF_INIT = (
    "LoaiBanTin PhienBan MaDoiTac MaThamChieu SoTien LoaiHinhThanhToan MaKenhThanhToan MaThietBi NgonNgu MaTienTe"
    " MaNganHang ThongTinGiaoDich ThoiGianGD Ip"
)
ORDER_OF_RESULT = (
    "LoaiBanTin MaLoi MaDoiTac MaThamChieu SoTien MaTienTe MaGiaoDich MaNganHang ThoiGianGD ThongTinGiaoDich"
)


def fits(name, value):
    schema = json.loads((ROOT / "schemas" / "national_payment" / name).read_text(encoding="utf-8"))
    jsonschema.validate(value, schema)


class Watched:
    """The session, with every body that went through it."""

    def __init__(self, rest):
        self.rest, self.sent, self.headers = rest, [], []

    def call(self, method, path, **named):
        self.sent.append(json.loads(named["body"]))
        self.headers.append(named["headers"])
        return self.rest.call(method, path, **named)


def watched(client):
    seen = Watched(client.rest)
    return replace(client, rest=seen), seen


# The hash.


@pytest.mark.parametrize(
    ("profile", "names"),
    [
        (signatures.INIT, ORDER_OF_INIT),
        (signatures.RESULT, ORDER_OF_RESULT),
        (signatures.QUESTION, "LoaiBanTin PhienBan MaDoiTac MaThamChieu ThoiGianGD"),
    ],
)
def test_the_hash_is_over_the_values_between_bars_with_the_secret_last(profile, names):
    fields = {name: f"{name.lower()} ư" for name in names.split()}
    text = "|".join([*(f"{name.lower()} ư" for name in names.split()), "bí mật"])
    assert sign(profile, fields, "bí mật") == hashlib.sha256(text.encode()).hexdigest()


# INIT.


def test_a_payment_is_created_and_gives_its_address(platform, order):
    client, seen = watched(platform.client(service_suffix=".01"))
    receipt = client.send_payment(order())
    (asked,) = seen.sent
    fits("init.json", asked)
    fits("init_answer.json", json.loads(json.loads(receipt.body)["answer"]))
    assert (asked["LoaiBanTin"], asked["PhienBan"], asked["ThoiGianGD"]) == ("INIT", "1.0.6", "20250603130500")
    said = asked["ThongTinBienLai"]
    assert (said["MaDichVu"], said["MaDVC"], said["TKThuHuong"]) == ("2", "1.001.01", "3511000000001")
    (address,) = payment.read(receipt.body)
    assert (address.our_reference, address.pay_url) == ("TT1", "https://thanhtoan.invalid/TT1")
    wanted = {"reference": "TT1", "amount_vnd": 200_000, "state": "created", "times": 1, "service": "2"}
    assert platform.get("payments") == [wanted]


@pytest.mark.parametrize(("kind", "service"), [("fees", "2"), ("none", "2"), ("fine", "1"), ("tax", "S3")])
def test_each_kind_goes_under_its_own_service_code(platform, order, kind, service):
    platform.client().send_payment(order(kind=kind))
    assert [one["service"] for one in platform.get("payments")] == [service]


def test_the_receipt_may_be_a_text_in_the_json(platform, order):
    client, seen = watched(platform.client(receipt_as_text="yes"))
    client.send_payment(order())
    fits("init.json", seen.sent[0])
    assert json.loads(seen.sent[0]["ThongTinBienLai"])["MaHoSo"] == "H32.1-250603-0001"
    assert platform.effects() == {"TT1": 1}


def test_the_hash_does_not_cover_the_receipt(platform, order):
    client, seen = watched(platform.client())
    client.send_payment(order())
    with pytest.raises(RejectedError):  # the stand-in looks at more than the hash
        client.send_payment(order(kind="none"))
    assert seen.sent[0]["ThongTinBienLai"] != seen.sent[1]["ThongTinBienLai"]
    assert seen.sent[0]["MaXacThuc"] == seen.sent[1]["MaXacThuc"]


def test_a_kind_the_connection_does_not_know_is_refused_without_a_call(platform, order):
    for kinds in ("", '{"tax/person": {"MaDichVu": "3", "MaHoSo": "{chapters}"}}'):
        with pytest.raises(RejectedError) as caught:
            platform.client(kinds=kinds).send_payment(order(kind="tax"))
        assert caught.value.reason == "kind_not_configured"
    assert platform.effects() == {}


def test_the_account_is_that_of_the_agency_and_a_fee_without_one_is_refused(platform, order):
    account = {"account": "1", "bank": "B", "name": "N"}
    client, seen = watched(platform.client(accounts=json.dumps({"H32.1": account})))
    client.send_payment(order())
    assert seen.sent[0]["ThongTinBienLai"]["TKThuHuong"] == "1"
    with pytest.raises(RejectedError) as caught:
        platform.client(accounts=json.dumps({"H99": account})).send_payment(order("TT2"))
    assert caught.value.reason == "no_account"
    assert platform.effects() == {"TT1": 1}


def test_the_same_payment_sent_again_is_one(platform, order):
    first, again = (platform.client().send_payment(order()) for _ in range(2))
    assert first == again
    assert platform.effects() == {"TT1": 1}


def test_another_secret_is_refused(platform, order):
    with pytest.raises(RejectedError) as caught:
        platform.client(password="other").send_payment(order())
    assert (caught.value.reason, caught.value.code) == ("refused", "-1")
    assert platform.effects() == {}


@pytest.mark.parametrize("code", ["00", "1", "98765", ""])
def test_an_error_code_nobody_knows_is_never_taken_for_success(lasting_platform, order, code):
    answer = json.dumps({"error_code": code, "message": '{"UrlThanhToan": "https://x"}'}).encode()
    client = answering(lasting_platform.client(), answer)
    with pytest.raises(OutcomeUnknownError) as caught:
        client.send_payment(order())
    assert caught.value.reason == "unknown_result_code"


def test_an_error_code_may_come_as_a_number(lasting_platform, order):
    assert answering(lasting_platform.client(), b'{"error_code": 0}').send_payment(order()).external_id == "TT1"


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"error_code": "0", "error_code": "0"}'])
def test_an_answer_to_init_that_cannot_be_read_is_of_unknown_outcome(lasting_platform, order, body):
    with pytest.raises(OutcomeUnknownError) as caught:
        answering(lasting_platform.client(), body).send_payment(order())
    assert caught.value.reason == "answer_unreadable"


@pytest.mark.parametrize(
    ("mode", "error", "made"),
    [
        ("unavailable", TransientError, False),
        ("error_before", OutcomeUnknownError, False),
        ("silent_before", OutcomeUnknownError, False),
        ("drop_after", OutcomeUnknownError, True),
        ("truncated", OutcomeUnknownError, True),
        ("garbage", OutcomeUnknownError, True),
        ("huge", OutcomeUnknownError, True),
    ],
)
def test_after_each_fault_the_same_init_makes_one_payment(platform, order, mode, error, made):
    platform.fault("create", mode)
    with pytest.raises(error):
        platform.client(QUICK).send_payment(order())
    assert platform.effects() == ({"TT1": 1} if made else {})
    platform.client().send_payment(order())
    assert platform.effects() == {"TT1": 1}


class Answering:
    def __init__(self, body):
        self.body = body

    def call(self, _method, _path, **_named):
        return Reply(200, {}, self.body)


def answering(client, body):
    return replace(client, rest=Answering(body))


# QUERY and GET_BILL.


def test_a_payment_is_read_back(platform, order, about):
    client, seen = watched(platform.client())
    client.send_payment(order())
    (before,) = query.read(client.get_payment(about()))
    assert (before.our_reference, before.state, before.amount_vnd) == ("TT1", "pending", 200_000)
    platform.pay("TT1", notify=False)
    body = client.get_payment(about())
    (after,) = query.read(body)
    assert (after.state, after.occurred_at.isoformat()) == ("paid", AT)
    fits("question.json", seen.sent[1])
    fits("query_answer.json", json.loads(body))


def test_a_payment_that_failed_is_read_back_as_failed(platform, order, about):
    client = platform.client()
    client.send_payment(order())
    platform.pay("TT1", code="99", notify=False)
    (found,) = query.read(client.get_payment(about()))
    assert found.state == "failed"


def test_not_found_is_only_what_the_connection_confirms(platform, order, about):
    with pytest.raises(RejectedError) as caught:
        platform.client().get_payment(about())
    assert (caught.value.reason, caught.value.code) == ("not_found", "14")
    with pytest.raises(MalformedError) as caught:
        platform.client(absent_codes="").get_payment(about())
    assert caught.value.reason == "unknown_result_code"
    platform.client().send_payment(order())
    with pytest.raises(RejectedError):  # ThoiGianGD is part of how a payment is found
        platform.client().get_payment(about(requested_at=datetime(2025, 6, 2, 18, 5, tzinfo=UTC)))


def test_other_error_to_a_question_is_asked_again_later(lasting_platform, about):
    lasting_platform.insist("query", "99")
    with pytest.raises(TransientError) as caught:
        lasting_platform.client().get_payment(about())
    assert caught.value.reason == "national_payment_99"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"TrangThaiGD": "1"}, "bad_signature"),
        ({"MaXacThuc": ""}, "bad_signature"),
        ({"MaThamChieu": "TT2"}, "bad_signature"),
    ],
)
def test_an_answer_that_is_not_the_platforms_is_not_believed(platform, order, about, changed, reason):
    client = platform.client()
    client.send_payment(order())
    said = json.loads(client.get_payment(about()))
    with pytest.raises(MalformedError) as caught:
        answering(client, json.dumps(said | changed).encode()).get_payment(about())
    assert caught.value.reason == reason


def test_an_absence_that_is_not_the_platforms_is_not_believed(platform, about):
    said = {"MaLoi": "14", "MaDoiTac": "TRUCTEST", "MaThamChieu": "TT1"}
    everything = dict.fromkeys(platform.connection().required("query_answer_signed").split(","), "") | said
    with pytest.raises(MalformedError) as caught:
        answering(platform.client(), json.dumps(everything | {"MaXacThuc": "0" * 64}).encode()).get_payment(about())
    assert caught.value.reason == "bad_signature"


def test_an_answer_about_another_is_not_ours_signed_or_not(platform, order, about):
    client = platform.client(query_answer_signed="")
    client.send_payment(order())
    said = json.loads(client.get_payment(about()))
    for other in ({"MaThamChieu": "TT2"}, {"MaDoiTac": "OTHER"}):
        with pytest.raises(MalformedError) as caught:
            answering(client, json.dumps(said | other).encode()).get_payment(about())
        assert caught.value.reason == "answer_of_another"


def test_the_bill_of_a_paid_payment_is_a_pdf_and_of_another_none(platform, order, about):
    client, seen = watched(platform.client())
    client.send_payment(order())
    with pytest.raises(MalformedError) as caught:
        client.get_bill(about())
    assert caught.value.reason == "not_a_bill"
    platform.pay("TT1", notify=False)
    assert client.get_bill(about()).startswith(b"%PDF-")
    fits("question.json", seen.sent[-1])
    assert seen.sent[-1]["LoaiBanTin"] == "GET_BILL"


@pytest.mark.parametrize("operation", ["query", "bill"])
@pytest.mark.parametrize("mode", ["refuse", "unavailable", "silent_before", "error_before", "drop_after", "truncated"])
def test_a_fault_while_asking_is_transient(lasting_platform, about, operation, mode):
    lasting_platform.fault(operation, mode)
    client = lasting_platform.client(QUICK)
    with pytest.raises(TransientError):
        (client.get_payment if operation == "query" else client.get_bill)(about())


# Settings.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", "http://pay.example"),
        ("host", ""),
        ("password", ""),
        ("bank_code", ""),
        ("ip_address", "here"),
        ("init_path", "init"),
        ("receipt_as_text", "maybe"),
        ("kinds", "{"),
        ("kinds", "[]"),
        ("kinds", '{"tax/person": {"MaHoSo": "x"}}'),
        ("kinds", '{"tax/person": {"MaDichVu": "2"}}'),
        ("kinds", '{"tax/person": {"MaDichVu": 3}}'),
        ("accounts", '{"*": {"account": "1"}}'),
        ("absent_codes", "14,00"),
        ("absent_codes", "99"),
        ("refusal_codes", "0"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_once(lasting_platform, name, value):
    with pytest.raises(SetupError):
        lasting_platform.client(**{name: value})


def test_a_bar_in_a_setting_is_not_signed(lasting_platform, about):
    with pytest.raises(MalformedError) as caught:
        lasting_platform.client(login="A|B").get_payment(about())
    assert caught.value.reason == "field_malformed"


def test_the_token_goes_where_one_is_set(platform, about, order):
    for settings, shown in (({}, None), ({"access_token": "t0k"}, "Bearer t0k")):
        client, seen = watched(platform.client(**settings))
        client.send_payment(order())
        assert seen.headers[0].get("Authorization") == shown


def test_secrets_are_not_shown(lasting_platform):
    shown = repr(lasting_platform.client(access_token="t0k-secret"))
    assert "sandbox-secret" not in shown
    assert "t0k-secret" not in shown


def test_the_tables_hold_what_is_published_and_nothing_more():
    assert (set(CODES.meaning), set(INIT.meaning)) == ({"00", "99"}, {"0"})
    assert all(set(codes) == set(table.meaning) for table in (CODES, INIT) for codes in table.on.values())
    assert MANIFEST.limits.timeout_s == 60.0
