"""An IPN is believed for its hash over what was received, and answered in VNPAY's own words; a return is only kept."""

import hmac
import json
import re
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

import pytest

from connectors.vnpay.inbound import ANSWERS, receive, refusal
from connectors.vnpay.result_codes import PAYMENT
from connectors.vnpay.signatures import QUERY_STRING
from mappings.vnpay import browser_return, ipn, query
from truc.connections import Connection
from truc.inbound.callbacks import About, HttpAnswer, Incoming, Refused, Standing
from truc.trust.signing import sign

SECRET, TERMINAL = "test_secret", "TEST_TMN_CODE"
# The published IPN of a failed payment (vectors.json; lehuygiang28/vnpay), to the letter.
QUERY = (
    "vnp_Amount=1000000&vnp_BankCode=NCB&vnp_BankTranNo=VNP14422574&vnp_CardType=ATM&vnp_OrderInfo=Thanh+toan+don+hang"
    "+2024-05-21T02%3A17%3A31.249Z&vnp_PayDate=20240521091806&vnp_ResponseCode=99&vnp_TmnCode=TEST_TMN_CODE"
    "&vnp_TransactionNo=14422574&vnp_TransactionStatus=00&vnp_TxnRef=1716257871703&vnp_SecureHash=503194f6d93b57b357b2"
    "d1d09742565e67e86d771352c5dca4fc8d39df3d392c6b3809add9405f97cfb9631f445e36c80656cfbf47eac67d97fa165865c13e1b"
)


def received(text=QUERY, kind="ipn", method="GET", **fields):
    connection = Connection("vnpay", {"login": TERMINAL, "password": SECRET} | fields)
    return receive(Incoming(method, f"/partners/vnpay/{kind}", text, {}, b""), connection)


def refused(text, **how):
    with pytest.raises(Refused) as caught:
        received(text, **how)
    return caught.value


def signed(**changed):
    fields = dict(parse_qsl(QUERY)) | {f"vnp_{name}": value for name, value in changed.items()}
    fields["vnp_SecureHash"] = sign(QUERY_STRING, fields, SECRET)
    return urlencode(fields)


def said(answer):
    assert (answer.status, answer.content_type) == (200, "application/json")
    return json.loads(answer.body)["RspCode"]


def test_the_published_ipn_is_accepted_and_kept_as_received():
    found = received()
    assert (found.envelope.party, found.envelope.kind) == ("vnpay", "ipn")
    assert found.envelope.external_id == "1716257871703/14422574"
    assert (found.envelope.body, found.envelope.content_type) == (QUERY.encode(), "application/x-www-form-urlencoded")
    assert found.about == About("1716257871703", 10_000)
    (result,) = ipn.read(found.envelope.body)
    assert (result.state, result.amount_vnd) == ("pending", 10_000)  # its two codes contradict each other


def test_every_standing_of_our_order_has_vnpay_s_own_answer():
    found = received()
    assert {standing: said(answer) for standing, answer in found.answers.items()} == {
        Standing.OPEN: "00",
        Standing.UNKNOWN: "01",
        Standing.SETTLED: "02",
        Standing.AMOUNT_DIFFERS: "04",
    }
    assert set(ANSWERS) == set(Standing)
    assert json.loads(found.answer.body) == {"RspCode": "00", "Message": "Confirm Success"}


def test_the_gateway_s_own_refusals_are_told_in_vnpay_s_words():
    assert said(refusal("address_not_allowed")) == "03"
    assert said(refusal("too_old")) == "99"


@pytest.mark.parametrize("order", [sorted, lambda pairs: pairs[::-1]])
def test_the_order_and_encoding_of_the_query_do_not_matter_but_its_values_do(order):
    assert received("&".join(order(QUERY.split("&")))).envelope.external_id == "1716257871703/14422574"
    assert received(QUERY.replace("Thanh+toan", "Thanh%20toan")).about.amount_vnd == 10_000
    assert received(f"{QUERY}&vnp_Bag=&vnp_SecureHashType=HmacSHA512").about.amount_vnd == 10_000


ODD = {"vnp_OrderInfo": "Phí *(1)~ a:b/é", "vnp_PayDate": "20240521091806"}


def sent(fields, code):
    """The query string in the encoding of `code`."""
    return "&".join(f"{name}={code(value)}" for name, value in sorted(fields.items()))


def odd_call(code):
    """The published call with odd values, signed over the encoding of `code`."""
    fields = dict(parse_qsl(QUERY)) | ODD
    del fields["vnp_SecureHash"]
    digest = hmac.digest(SECRET.encode(), sent(fields, code).encode(), "sha512")
    return fields | {"vnp_SecureHash": digest.hex()}


def lower(value):
    """Escapes in lower case, as some coders write them."""
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), quote_plus(value))


CODERS = {
    "form": quote_plus,
    "blank as %20": quote,
    "lower-case": lower,
    "Java": lambda value: quote_plus(value, safe="*").replace("~", "%7E"),
    "escapes nothing it need not": lambda value: quote_plus(value, safe="*()~:/"),
    "escapes all": lambda value: "".join(f"%{byte:02X}" for byte in value.encode()),
}


@pytest.mark.parametrize("coder", CODERS)
def test_what_vnpay_signed_is_verified_in_the_encoding_it_was_sent_in(coder):
    call, code = odd_call(CODERS[coder]), CODERS[coder]
    found = received(sent(call, code))
    assert (found.envelope.body, found.about) == (sent(call, code).encode(), About("1716257871703", 10_000))
    assert received(f"vnp_Bag=&{sent(call, code)}").about == found.about  # an empty value is not signed
    assert said(refused(sent(call | {"vnp_BankCode": "NCC"}, code)).answer) == "97"


@pytest.mark.parametrize("coder", CODERS)
def test_what_was_signed_as_a_form_and_sent_in_another_encoding_of_the_same_values_holds(coder):
    call, code = odd_call(quote_plus), CODERS[coder]
    assert received(sent(call, code)).envelope.body == sent(call, code).encode()
    assert said(refused(sent(call | {"vnp_TxnRef": "1716257871704"}, code)).answer) == "97"


def test_signed_in_one_odd_encoding_and_sent_in_another_is_a_wrong_checksum():
    call = odd_call(CODERS["lower-case"])
    assert said(refused(sent(call, CODERS["blank as %20"])).answer) == "97"


def test_a_pay_date_is_when_vnpay_spoke_and_nothing_else_is():
    assert received().said_at.isoformat() == "2024-05-21T09:18:06+07:00"
    for text in ("", "0", "20240521", "20241321091806", "２０２４０５２１０９１８０６"):
        assert received(signed(PayDate=text)).said_at is None


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("vnp_Amount=1000000", "vnp_Amount=100000000"),
        ("vnp_ResponseCode=99", "vnp_ResponseCode=00"),
        ("vnp_TxnRef=1716257871703", "vnp_TxnRef=1716257871704"),
        ("Thanh+toan", "Thanh++toan"),
        ("13e1b", "13e1c"),
        ("=503194f6d93b", "=503194F6D93B"),
        ("vnp_CardType=ATM", "vnp_CardType=ATM&vnp_More=1"),
        ("&vnp_BankCode=NCB", ""),
    ],
)
def test_one_changed_value_is_a_wrong_checksum(right, wrong):
    assert QUERY.count(right) == 1
    found = refused(QUERY.replace(right, wrong))
    assert (found.reason, said(found.answer)) == ("bad_signature", "97")


def test_another_secret_is_a_wrong_checksum():
    assert said(refused(QUERY, password="other").answer) == "97"


@pytest.mark.parametrize(
    "text",
    [
        QUERY.partition("&vnp_SecureHash=")[0] + "&vnp_SecureHash=32c2be7c9a4282ca13ce4a5e443902fe",
        f"{QUERY}&vnp_SecureHashType=MD5",
        f"{QUERY}&vnp_SecureHashType=SHA256",
    ],
)
def test_the_hashes_of_2_0_are_refused(text):
    found = refused(text)
    assert (found.reason, said(found.answer)) == ("old_hash", "97")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "field_missing"),
        ("vnp_Amount", "malformed"),
        (f"{QUERY}&vnp_Amount=1000000", "malformed"),
        (f"{QUERY}&vnp_Bag=%FF", "malformed"),
        (f"{QUERY}&vnp_Bag=\xe9", "malformed"),
        ("&".join(f"a{number}=1" for number in range(101)), "malformed"),
        (QUERY.replace("&vnp_TransactionStatus=00", ""), "field_missing"),
        (QUERY.replace("vnp_TxnRef=1716257871703", "vnp_TxnRef="), "field_missing"),
        (QUERY.partition("&vnp_SecureHash=")[0], "field_missing"),
    ],
)
def test_a_call_of_the_wrong_form_is_refused(text, reason):
    found = refused(text)
    assert (found.reason, said(found.answer)) == (reason, "99")


@pytest.mark.parametrize("amount", ["1000050", "10000.00", "-100", "１００", "1" + "0" * 17])
def test_an_amount_that_no_order_of_ours_can_have_is_a_mismatch(amount):
    found = refused(signed(Amount=amount))
    assert (found.reason, said(found.answer)) == ("amount_malformed", "04")


def test_a_rightly_signed_call_of_another_terminal_is_no_order_of_ours():
    found = refused(signed(TmnCode="OTHER123"))
    assert (found.reason, said(found.answer)) == ("wrong_terminal", "01")


def test_only_get_is_taken():
    with pytest.raises(Refused) as caught:
        received(method="POST")
    assert caught.value.answer.status == 405


@pytest.mark.parametrize("code", PAYMENT.meaning)
def test_a_browser_s_return_is_kept_answered_with_a_page_and_means_nothing(code):
    found = received(signed(ResponseCode=code), kind="browser_return")
    assert (found.envelope.kind, found.about) == ("browser_return", About("1716257871703", 10_000))
    page = found.answers[Standing.OPEN]
    assert (page.status, page.content_type) == (200, "text/html; charset=utf-8")
    assert ("báo đã thanh toán" in page.body.decode()) == (code == "00")
    assert (found.answer.status, found.answers[Standing.SETTLED].status) == (404, 200)
    assert list(browser_return.read(found.envelope.body)) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (QUERY.replace("vnp_Amount=1000000", "vnp_Amount=1"), "bad_signature"),
        ("vnp_Amount", "malformed"),
        (signed(ResponseCode="77"), "unknown_result_code"),
        (signed(TmnCode="OTHER123"), "wrong_terminal"),
        (signed(Amount="1000050"), "amount_malformed"),
    ],
)
def test_a_browser_s_return_that_does_not_hold_is_refused_with_a_page(text, reason):
    found = refused(text, kind="browser_return")
    assert (found.reason, found.answer.status) == (reason, 400)
    assert found.answer.content_type.startswith("text/html")


def stand_in(vnpay):
    return {name: vnpay.connection().required(name) for name in ("login", "password")}


def test_the_ipn_of_a_payment_arrives_verifies_and_reads_as_paid(vnpay):
    vnpay.order()
    assert vnpay.pay("TT1") == {"paid": 1, "skipped": [], "notified": {"accepted": 1}}
    (call,) = vnpay.door.got
    assert call.path == "/partners/vnpay/ipn"
    found = received(call.query, **stand_in(vnpay))
    (result,) = ipn.read(found.envelope.body)
    assert (result.our_reference, result.state, result.amount_vnd) == ("TT1", "paid", 200_000)
    assert result.occurred_at.isoformat() == "2025-06-03T09:05:00+07:00"
    assert found.envelope.external_id == f"TT1/{result.partner_reference}"
    assert vnpay.states() == {"TT1": "paid"}


@pytest.mark.parametrize("code", [code for code in PAYMENT.meaning if code != "00"])
def test_no_other_code_of_the_stand_in_reads_as_paid(vnpay, code):
    vnpay.order()
    vnpay.pay("TT1", code=code)
    (call,) = vnpay.door.got
    (result,) = ipn.read(received(call.query, **stand_in(vnpay)).envelope.body)
    assert result.state == {"07": "pending", "11": "expired"}.get(code, "failed")


def test_an_ipn_sent_twice_has_the_same_name_and_bytes(vnpay):
    vnpay.order()
    vnpay.pay("TT1", **{"as": "twice"})
    first, again = (received(call.query, **stand_in(vnpay)).envelope for call in vnpay.door.got)
    assert first == again


def test_a_lost_ipn_leaves_the_payment_to_a_question(vnpay, about):
    vnpay.order()
    vnpay.fault("notify", "refuse")
    assert vnpay.pay("TT1")["notified"] == {"unreachable": 1}
    assert vnpay.door.got == []
    (result,) = query.read(vnpay.client().get_payment(about()))
    assert result.state == "paid"


def test_an_ipn_is_sent_again_while_the_gateway_answers_5xx_and_heard_by_its_code(vnpay):
    vnpay.order("TT1")
    vnpay.order("TT2")
    vnpay.hub.answers = [HttpAnswer(503), HttpAnswer(500), HttpAnswer(200, b'{"RspCode": "02"}')]
    assert vnpay.pay("TT1")["notified"] == {"accepted": 1}
    assert len(vnpay.door.got) == 3
    vnpay.hub.answers = [HttpAnswer(200, b'{"RspCode": "97"}')]
    assert vnpay.pay("TT2")["notified"] == {"refused": 1}


@pytest.mark.parametrize(
    ("how", "standing"), [("other_amount", About("TT1", 201_000)), ("unknown_order", About("XT1", 200_000))]
)
def test_lies_of_the_stand_in_are_signed_and_leave_the_order_as_it_is(vnpay, how, standing):
    vnpay.order()
    assert vnpay.pay("TT1", **{"as": how})["paid"] == 0
    (call,) = vnpay.door.got
    assert received(call.query, **stand_in(vnpay)).about == standing
    assert vnpay.states() == {"TT1": "created"}


def test_a_forged_ipn_is_answered_97(vnpay):
    vnpay.order()
    vnpay.pay("TT1", **{"as": "forged"})
    (call,) = vnpay.door.got
    assert said(refused(call.query, **stand_in(vnpay)).answer) == "97"


def test_who_never_opened_the_page_cannot_pay_and_nobody_pays_twice(vnpay):
    vnpay.order()
    assert vnpay.pay("TT1", "TT9") == {"paid": 1, "skipped": ["TT9"], "notified": {"accepted": 1}}
    assert vnpay.pay("TT1")["skipped"] == ["TT1"]
