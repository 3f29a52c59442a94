"""An IPN is believed for its signature over what was received, and for nothing else."""

import hashlib
import hmac
import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import text

from connectors.momo.inbound import receive
from connectors.momo.signatures import IPN
from mappings.momo import browser_return, ipn
from truc import steps
from truc.connections import Connection
from truc.errors import MalformedError
from truc.exchange import inbox
from truc.inbound.callbacks import About, HttpAnswer, Incoming, Refused, Standing

VECTORS = Path(__file__).resolve().parents[4] / "shared" / "domain" / "vectors.json"
# MoMo's own published test keys and a message its test environment signed (vectors.json, first row).
PUBLISHED = {
    "login": "MOMOBKUN20180529",
    "access_key": "klm05TvNBzhg7h7j",
    "password": "at67qH6mk8w5Y1nAyMoYKMWACiEi2bsa",
}
BODY = (
    '{"partnerCode":"MOMOBKUN20180529","orderId":"df007bbc-dc6d-4bf5-adf0-340f6f0f8bd9","requestId":'
    '"46f4f696-15a1-473e-ac61-4583d1508250","amount":41000,"orderInfo":"Thanh toan don hang NghiaMT Shop",'
    '"orderType":"momo_wallet","transId":3108065159,"resultCode":0,"message":"Successful.","payType":"qr",'
    '"responseTime":1702605117023,"extraData":"","signature":'
    '"3f9dc92d7b4e2b95145362ce0484fdd08f63a003ccea7734a39954e2d187c720"}'
)


def connection(**fields):
    return Connection("momo", PUBLISHED | fields)


def received(body, method="POST", **fields):
    text = body if isinstance(body, bytes) else body.encode()
    return receive(Incoming(method, "/partners/momo/ipn", "", {}, text), connection(**fields))


def refused(body, **fields):
    with pytest.raises(Refused) as caught:
        received(body, **fields)
    return caught.value


def test_a_message_signed_by_momo_is_accepted_and_kept_as_received():
    found = received(BODY)
    assert found.envelope.body == BODY.encode()
    assert (found.envelope.party, found.envelope.kind) == ("momo", "ipn")
    assert found.envelope.external_id == "df007bbc-dc6d-4bf5-adf0-340f6f0f8bd9/3108065159"
    assert (found.answer.status, found.answer.body) == (204, b"")


def of_v1(**changed):
    """An IPN as the v1 gateway signs it, computed by hand in its fixed order (partners.md §1.2)."""
    body = {
        "partnerCode": PUBLISHED["login"],
        "accessKey": PUBLISHED["access_key"],
        "requestId": "1561046083186",
        "amount": "41000",
        "orderId": "H56-1",
        "orderInfo": "Phí hồ sơ",
        "orderType": "momo_wallet",
        "transId": "2302586804",
        "message": "Success",
        "localMessage": "Thành công",
        "responseTime": "2026-11-20 10:09:30",
        "errorCode": "0",
        "payType": "web",
        "extraData": "",
    }
    raw = "&".join(f"{name}={value}" for name, value in body.items())
    signature = hmac.new(PUBLISHED["password"].encode(), raw.encode(), hashlib.sha256).hexdigest()
    return json.dumps(body | {"signature": signature} | changed)


def test_an_ipn_of_v1_is_recognised_and_kept():
    found = received(of_v1())
    assert (found.envelope.kind, found.envelope.external_id) == ("ipn", "H56-1/2302586804")
    assert (found.answer.status, found.said_at) == (204, None)


def test_an_ipn_of_v1_is_set_aside_as_an_old_version_and_books_nothing(empty_store):
    with empty_store.begin() as transaction:
        inbox.keep(transaction, received(of_v1()).envelope)
    steps.book_kept(empty_store, "momo", ("ipn",))
    with empty_store.begin() as transaction:
        rows = transaction.sql.execute(text("SELECT reason FROM set_aside UNION ALL SELECT state FROM inbox"))
        assert [row[0] for row in rows] == ["old_version", "set_aside"]
        assert transaction.sql.execute(text("SELECT FROM payment_words")).all() == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"errorCode": "1"}, "bad_signature"),
        ({"localMessage": "other"}, "bad_signature"),
        ({"amount": "410000"}, "bad_signature"),
        ({"resultCode": "0"}, "bad_signature"),
        ({"signature": ""}, "bad_signature"),
        ({"partnerCode": "OTHER"}, "wrong_partner"),
    ],
)
def test_an_ipn_of_v1_that_does_not_verify_is_refused(changed, reason):
    assert refused(of_v1(**changed)).reason == reason


def came_back(**changed):
    """The same message as a citizen's browser brings it: MoMo signs the same names there."""
    fields = {name: str(value) for name, value in json.loads(BODY).items()} | changed
    return came(urlencode(fields))


def came(query, method="GET"):
    return receive(Incoming(method, "/partners/momo/browser_return", query, {}, b""), connection())


def test_a_browser_s_return_is_kept_and_means_nothing_to_our_books():
    found = came_back()
    assert (found.envelope.kind, found.envelope.external_id) == (
        "browser_return",
        "df007bbc-dc6d-4bf5-adf0-340f6f0f8bd9/3108065159",
    )
    assert found.about == About("df007bbc-dc6d-4bf5-adf0-340f6f0f8bd9", 41_000)
    assert (found.answer.status, found.answers[Standing.OPEN].status, found.said_at) == (404, 200, None)
    assert found.answers[Standing.OPEN].content_type == "text/html; charset=utf-8"
    assert browser_return.read(found.envelope.body) == ()


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "field_missing"),
        ("orderId", "malformed"),
        ("orderId=1", "field_missing"),
        ("orderId=1&orderId=2", "malformed"),
        ("%ff=1", "malformed"),
    ],
)
def test_an_address_that_is_no_return_is_refused_with_a_page(query, reason):
    with pytest.raises(Refused) as caught:
        came(query)
    assert (caught.value.reason, caught.value.answer.status) == (reason, 400)
    assert caught.value.answer.content_type == "text/html; charset=utf-8"


@pytest.mark.parametrize("name", [name for name in IPN.names if name not in ("accessKey", "partnerCode")])
def test_every_value_of_a_return_is_signed(name):
    with pytest.raises(Refused) as caught:
        came_back(**{name: "9"})
    assert caught.value.reason == "bad_signature"


def test_a_return_to_another_merchant_and_by_another_method_is_refused():
    with pytest.raises(Refused) as caught:
        came_back(partnerCode="OTHER")
    assert caught.value.reason == "wrong_partner"
    with pytest.raises(Refused) as caught:
        came("", method="POST")
    assert caught.value.answer.status == 405


@pytest.mark.parametrize("body", [b"", b"\xff", b"a=1", b"orderId="])
def test_bytes_that_are_no_return_are_set_aside(body):
    with pytest.raises(MalformedError):
        browser_return.read(body)


def test_every_published_ipn_is_accepted_with_numbers_or_with_texts():
    if not VECTORS.exists():
        pytest.skip("published vectors are absent: ../shared/domain/vectors.json")
    rows = json.loads(VECTORS.read_text(encoding="utf-8"))
    rows = [row for row in rows if row["partner"] == "MoMo" and "IPN" in row["operation"]]
    assert len(rows) >= 4
    for row in rows:
        keys = {
            "login": row["inputs"]["partnerCode"],
            "access_key": row["inputs"]["accessKey"],
            "password": row["key"],
        }
        said = {name: value for name, value in row["inputs"].items() if name != "accessKey"}
        numbers = {name: int(said[name]) for name in ("amount", "responseTime", "resultCode", "transId")}
        for body in (said, said | numbers):
            whole = json.dumps(body | {"signature": row["expected"]}, ensure_ascii=False)
            assert received(whole, **keys).answer.status == 204, row["source"]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"amount":41000', '"amount":410000'),
        ('"amount":41000', '"amount":41000.0'),
        ('"amount":41000', '"amount":4.1e4'),
        ('"resultCode":0', '"resultCode":1006'),
        ("720", "721"),
        ('"3f9', '"3F9'),
        ("Thanh toan", "Thanh\u00a0toan"),
    ],
)
def test_one_changed_value_is_a_wrong_signature(right, wrong):
    assert BODY.count(right) >= 1
    found = refused(BODY.replace(right, wrong, 1))
    assert (found.reason, found.answer.status) == ("bad_signature", 400)


def test_another_key_is_a_wrong_signature():
    assert refused(BODY, password="other").reason == "bad_signature"
    assert refused(BODY, access_key="other").reason == "bad_signature"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff\xfe\x00", "not_json"),
        (b"", "not_json"),
        ("[" * 100_000, "not_json"),
        ("[]", "field_missing"),
        (BODY.replace('"extraData":"",', ""), "field_missing"),
        (BODY.replace('"amount":41000', '"amount":41000,"amount":41000'), "not_json"),
        (BODY.replace('"amount":41000', '"amount":null'), "malformed"),
        (BODY.replace('"amount":41000', '"amount":NaN'), "not_json"),
        (BODY.replace('"extraData":""', '"extraData":"\\ud800"'), "malformed"),
        (BODY.replace('"partnerCode":"MOMOBKUN20180529"', '"partnerCode":"OTHER"'), "wrong_partner"),
    ],
)
def test_a_call_of_the_wrong_form_is_refused(body, reason):
    found = refused(body)
    assert (found.reason, found.answer.status) == (reason, 400)


def test_only_post_is_taken():
    with pytest.raises(Refused) as caught:
        received(BODY, method="GET")
    assert caught.value.answer.status == 405


def stand_in(momo):
    return {name: momo.connection().required(name) for name in ("login", "access_key", "password")}


def test_the_ipn_of_a_payment_arrives_verifies_and_reads_as_paid(momo, order):
    momo.client().send_payment(order())
    assert momo.pay("TT-1")["notified"] == {"accepted": 1}
    (call,) = momo.door.got
    assert call.path == "/partners/momo/ipn"
    found = received(call.body, **stand_in(momo))
    (result,) = ipn.read(found.envelope.body)
    assert (result.our_reference, result.state, result.amount_vnd) == ("TT-1", "paid", 200_000)
    assert result.occurred_at.isoformat() == "2025-06-03T09:30:00+07:00"
    assert found.envelope.external_id == f"TT-1/{result.partner_reference}"


def test_a_duplicate_ipn_has_the_same_name_and_bytes(momo, order):
    momo.client().send_payment(order())
    momo.fault("notify", "twice")
    momo.pay("TT-1")
    first, again = (received(call.body, **stand_in(momo)).envelope for call in momo.door.got)
    assert first == again


def test_a_lost_ipn_leaves_the_payment_to_a_query(momo, order, about):
    momo.client().send_payment(order())
    momo.fault("notify", "refuse")
    assert momo.pay("TT-1")["notified"] == {"unreachable": 1}
    assert momo.door.got == []
    assert json.loads(momo.client().get_payment(about()))["resultCode"] == 0


def test_an_ipn_is_sent_again_while_the_gateway_answers_5xx(momo, order):
    momo.client().send_payment(order())
    momo.hub.answers = [HttpAnswer(503), HttpAnswer(500)]
    assert momo.pay("TT-1")["notified"] == {"accepted": 1}
    assert len(momo.door.got) == 3


def test_two_hundred_payments_are_told_in_seconds(momo, order):
    client = momo.client()
    references = [f"TT-{number}" for number in range(200)]
    for reference in references:
        client.send_payment(order(reference))
    assert momo.pay(*references)["notified"] == {"accepted": 200}
    assert {json.loads(call.body)["orderId"] for call in momo.door.got} == set(references)
    assert momo.pay("TT-0")["skipped"] == ["TT-0"]


@pytest.mark.parametrize("how", ["forged", "other_amount", "unknown_order"])
def test_an_ipn_that_lies_leaves_the_order_as_it_is(momo, order, how):
    momo.client().send_payment(order())
    assert momo.pay("TT-1", **{"as": how})["paid"] == 0
    (call,) = momo.door.got
    assert [one["state"] for one in momo.get("payments")] == ["pending"]
    if how == "forged":
        with pytest.raises(Refused):
            received(call.body, **stand_in(momo))
        return
    (result,) = ipn.read(received(call.body, **stand_in(momo)).envelope.body)
    assert (result.our_reference, result.amount_vnd) != ("TT-1", 200_000)
