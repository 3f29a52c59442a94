"""We talk to MoMo as it expects, fail as the house says, and never make an order twice."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from connectors.momo import signatures
from connectors.momo.result_codes import CODES, MEANING
from mappings.momo import payment, query, refund, statement
from truc.envelope import Arrival, RefundOrder
from truc.errors import (
    MalformedError,
    OutcomeUnknownError,
    RejectedError,
    SetupError,
    TransientError,
)
from truc.manifest import Limits
from truc.result_codes import Doing
from truc.transport.rest import Reply

QUICK = Limits(timeout_s=0.3, connect_timeout_s=1, body_bytes_max=1024 * 1024)
ROOT = Path(__file__).resolve().parents[3]
FAILURES = {
    Doing.TRANSIENT: TransientError,
    Doing.ASK: OutcomeUnknownError,
    Doing.REJECTED: RejectedError,
    Doing.SETUP: SetupError,
}


def schema_of(name):
    return json.loads((ROOT / "schemas" / "momo" / name).read_text(encoding="utf-8"))


def test_an_order_is_made_once_and_its_pay_address_comes_back(momo, order):
    receipt = momo.client().send_payment(order())
    (address,) = payment.read(receipt.body)
    assert address.our_reference == receipt.external_id == "TT-1"
    assert address.pay_url.startswith("https://")
    assert momo.effects() == {"TT-1": 1}
    jsonschema.validate(json.loads(receipt.body), schema_of("create_answer.json"))


def test_momo_gets_the_addresses_of_the_connection(momo, order):
    momo.client().send_payment(order())
    (made,) = momo.get("payments")
    assert made["ipnUrl"] == f"{momo.door.url}/partners/momo/ipn"
    assert (made["amount"], made["orderInfo"], made["requestId"]) == (200_000, "Lệ phí hồ sơ", "TT-1")


def test_the_signed_body_fits_the_schema_of_create(momo, order):
    client = momo.client()
    asked = json.loads(order().body) | {"redirectUrl": "https://a.example", "ipnUrl": "https://b.example"}
    body = json.loads(client._signed(asked, signatures.CREATE))
    jsonschema.validate(body, schema_of("create.json"))
    asked = json.loads(client._signed({"orderId": "TT-1", "requestId": "q", "lang": "vi"}, signatures.QUERY))
    jsonschema.validate(asked, schema_of("query.json"))
    assert re.fullmatch("[0-9a-f]{64}", body["signature"])
    assert "accessKey" not in body


def test_wrong_keys_need_a_person_and_make_no_order(momo, order):
    for wrong in ({"password": "other"}, {"access_key": "other"}, {"login": "OTHER"}):
        with pytest.raises(SetupError) as caught:
            momo.client(**wrong).send_payment(order())
        assert caught.value.reason == "momo_13"
    assert momo.effects() == {}


def test_a_resend_is_recognised_and_asked_about(momo, order):
    client = momo.client()
    client.send_payment(order())
    with pytest.raises(OutcomeUnknownError) as caught:
        client.send_payment(order())
    assert caught.value.reason == "momo_40"
    assert client.ask_payment(order()).arrival is Arrival.ARRIVED
    assert momo.effects() == {"TT-1": 1}


@pytest.mark.parametrize("code", [code for code in MEANING if code != "0"])
def test_every_published_code_after_create_does_what_the_table_says(lasting_momo, order, code):
    lasting_momo.insist("create", code)
    client = lasting_momo.client()
    doing = CODES.doing("send_payment", code)
    if doing is Doing.PENDING:
        assert client.send_payment(order(f"C-{code}")).external_id == f"C-{code}"
        return
    with pytest.raises(FAILURES[doing]) as caught:
        client.send_payment(order(f"C-{code}"))
    assert caught.value.reason == f"momo_{code}"
    assert MEANING[code] in str(caught.value)


@pytest.mark.parametrize("code", [code for code in MEANING if code != "0"])
def test_every_published_code_after_a_query_does_what_the_table_says(lasting_momo, order, code):
    client = lasting_momo.client()
    client.send_payment(order(f"Q-{code}"))
    lasting_momo.insist("query", code)
    doing = CODES.doing("ask_payment", code)
    if doing in FAILURES:
        with pytest.raises(FAILURES[doing]):
            client.ask_payment(order(f"Q-{code}"))
    else:
        expected = Arrival.ABSENT if doing is Doing.ABSENT else Arrival.ARRIVED
        assert client.ask_payment(order(f"Q-{code}")).arrival is expected


def test_the_tables_hold_every_published_code_and_no_other():
    assert all(set(table) == set(MEANING) for table in CODES.on.values())
    assert len(MEANING) == 36


def test_an_unknown_code_is_never_taken_for_success(momo, order):
    momo.insist("create", 12345)
    client = momo.client()
    with pytest.raises(OutcomeUnknownError) as caught:
        client.send_payment(order())
    assert caught.value.reason == "unknown_result_code"
    momo.insist("query", 12345)
    with pytest.raises(MalformedError) as caught:
        client.ask_payment(order())
    assert caught.value.reason == "unknown_result_code"


def paid(momo, order, about):
    """A paid order, and MoMo's number for it."""
    client = momo.client()
    client.send_payment(order())
    momo.pay("TT-1", notify=False)
    (result,) = query.read(client.get_payment(about()))
    return client, result.partner_reference


def back(reference):
    """A refund of TT-1, as MoMo is asked about it."""
    at = datetime(2025, 6, 4, 2, tzinfo=UTC)
    return RefundOrder(
        refund_reference=reference,
        partner_reference="",
        amount_vnd=200_000,
        requested_at=at,
        our_reference="TT-1",
        paid_by="1",
        payment_requested_at=at,
    )


def test_money_goes_back_once_in_parts_and_no_more_than_was_paid(momo, order, about, refunding):
    client, trans_id = paid(momo, order, about)
    for number, amount_vnd in ((1, 150_000), (2, 50_000)):
        (done,) = refund.read(client.send_refund(refunding(trans_id, f"TT-1-R{number}", amount_vnd)).body)
        assert (done.refund_reference, done.state, done.amount_vnd) == (f"TT-1-R{number}", "refunded", amount_vnd)
    with pytest.raises(RejectedError) as caught:
        client.send_refund(refunding(trans_id, "TT-1-R3", 1_000))
    assert caught.value.reason == "momo_1081"
    assert momo.effects("refund") == {"TT-1-R1": 1, "TT-1-R2": 1}
    assert [one["state"] for one in momo.get("payments")] == ["refunded"]


def test_a_refund_whose_answer_is_lost_is_found_by_asking(momo, order, about, refunding):
    client, trans_id = paid(momo, order, about)
    momo.fault("refund", "drop_after")
    with pytest.raises(OutcomeUnknownError):
        client.send_refund(refunding(trans_id))
    answer = client.ask_refund(refunding(trans_id))
    (done,) = refund.read(answer.receipt.body)
    assert (answer.arrival, done.state) == (Arrival.ARRIVED, "refunded")
    assert client.ask_refund(refunding(trans_id, "TT-1-R9")).arrival is Arrival.ABSENT


def test_a_refund_is_read_back(momo, order, about, refunding):
    client, trans_id = paid(momo, order, about)
    client.send_refund(refunding(trans_id))
    momo.post("insist", operation="query", codes=[7002])
    (before,) = refund.read(client.get_refund(back("TT-1-R1")))
    assert (before.state, before.amount_vnd) == ("pending", 200_000)
    (after,) = refund.read(client.get_refund(back("TT-1-R1")))
    assert (after.refund_reference, after.state, after.amount_vnd) == ("TT-1-R1", "refunded", 200_000)
    with pytest.raises(RejectedError) as caught:
        client.get_refund(back("TT-1-R9"))
    assert caught.value.reason == "not_found"


@pytest.mark.parametrize("verb", ["get_payment", "get_refund", "ask_payment", "ask_refund"])
def test_an_answer_about_another_is_no_word_on_ours(momo, order, about, refunding, verb):
    class Said:
        def call(self, *_args, **_named):
            return Reply(200, {}, b'{"resultCode":0,"orderId":"TT-2","amount":200000,"transId":1}')

    asked = {
        "get_payment": about(),
        "get_refund": back("TT-1-R1"),
        "ask_payment": order(),
        "ask_refund": refunding("1"),
    }
    with pytest.raises(MalformedError) as caught:
        getattr(replace(momo.client(), rest=Said()), verb)(asked[verb])
    assert caught.value.reason == "answer_of_another"


def test_without_what_momo_must_confirm_there_are_no_refunds(momo, refunding):
    client = momo.client(refund_signed="", refund_query_path="")
    for verb, asked in ((client.send_refund, refunding("1")), (client.get_refund, back("R1"))):
        with pytest.raises(RejectedError) as caught:  # SetupError would hold up the payments
            verb(asked)
        assert caught.value.reason == "setting_missing"
    assert client.ask_refund(refunding("1")).arrival is Arrival.NOT_SAID
    assert momo.effects("refund") == {}
    with pytest.raises(SetupError, match="refund_signed"):
        momo.client(refund_signed="orderId")


@pytest.mark.parametrize(
    ("mode", "failure", "arrival"),
    [
        ("refuse", OutcomeUnknownError, Arrival.ABSENT),
        ("unavailable", TransientError, Arrival.ABSENT),
        ("silent_before", OutcomeUnknownError, Arrival.ABSENT),
        ("error_before", OutcomeUnknownError, Arrival.ABSENT),
        ("silent_after", OutcomeUnknownError, Arrival.ARRIVED),
        ("drop_after", OutcomeUnknownError, Arrival.ARRIVED),
        ("error_after", OutcomeUnknownError, Arrival.ARRIVED),
        ("garbage", OutcomeUnknownError, Arrival.ARRIVED),
        ("truncated", OutcomeUnknownError, Arrival.ARRIVED),
        ("huge", OutcomeUnknownError, Arrival.ARRIVED),
    ],
)
def test_after_a_fault_asking_tells_whether_the_order_stands(momo, order, mode, failure, arrival):
    momo.fault("create", mode)
    client = momo.client(QUICK)
    with pytest.raises(failure):
        client.send_payment(order())
    answer = momo.client().ask_payment(order())
    assert answer.arrival is arrival
    assert momo.effects() == ({"TT-1": 1} if arrival is Arrival.ARRIVED else {})
    if arrival is Arrival.ABSENT:
        assert momo.client().send_payment(order()).external_id == "TT-1"
    assert momo.effects() == {"TT-1": 1}


@pytest.mark.parametrize("mode", ["refuse", "unavailable", "silent_before", "error_before", "drop_after", "truncated"])
def test_a_fault_while_asking_is_transient(momo, order, mode):
    momo.fault("query", mode)
    with pytest.raises(TransientError):
        momo.client(QUICK).ask_payment(order())


def test_an_unreadable_answer_while_asking_is_malformed(momo, order):
    momo.fault("query", "garbage")
    with pytest.raises(MalformedError):
        momo.client().ask_payment(order())


def test_a_receipt_by_asking_says_that_the_pay_address_is_lost(momo, order):
    momo.fault("create", "drop_after")
    client = momo.client()
    with pytest.raises(OutcomeUnknownError):
        client.send_payment(order())
    (said,) = payment.read(client.ask_payment(order()).receipt.body)
    assert (said.item, said.reason) == ("TT-1", "pay_url_not_given")


def test_a_payment_is_read_back(momo, order, about):
    client = momo.client()
    client.send_payment(order())
    (before,) = query.read(client.get_payment(about()))
    assert before.state == "pending"
    momo.pay("TT-1", notify=False)
    body = client.get_payment(about())
    jsonschema.validate(json.loads(body), schema_of("query_answer.json"))
    (after,) = query.read(body)
    assert (after.state, after.amount_vnd) == ("paid", 200_000)
    assert after.occurred_at.isoformat() == "2025-06-03T09:30:00+07:00"
    with pytest.raises(RejectedError) as caught:
        client.get_payment(about("TT-2"))
    assert caught.value.reason == "not_found"


def test_the_statement_of_a_day_holds_what_was_paid_that_day(momo, order):
    client = momo.client()
    for reference in ("TT-1", "TT-2", "TT-3"):
        client.send_payment(order(reference))
    momo.pay("TT-1")
    momo.pay("TT-2", at="2025-06-02T23:59:59+07:00")
    momo.pay("TT-3", code=1006)
    (page,) = client.fetch_statement("2025-06-03")
    assert (page.envelope.kind, page.cursor) == ("statement", "2025-06-03")
    (read,) = statement.read(page.envelope.body)
    assert [(line.our_reference, line.amount_vnd, line.state) for line in read.lines] == [("TT-1", 200_000, "paid")]


def test_planted_breaks_show_in_a_statement_whose_totals_hold(momo, order):
    client = momo.client()
    for reference in ("TT-1", "TT-2"):
        client.send_payment(order(reference))
    momo.pay("TT-1", "TT-2")
    added = {"orderId": "TT-9", "transId": "999", "amount": 50_000, "at": "2025-06-03T10:00:00+07:00"}
    momo.post("statement_breaks", drop=["TT-1"], amount={"TT-2": 199_000}, add=[added])
    (page,) = client.fetch_statement("2025-06-03")
    (read,) = statement.read(page.envelope.body)
    assert [(line.our_reference, line.amount_vnd) for line in read.lines] == [
        ("TT-2", 199_000),
        ("TT-9", 50_000),
    ]


def test_a_statement_fetched_twice_is_the_same_envelope(momo, order):
    client = momo.client()
    client.send_payment(order())
    momo.pay("TT-1")
    (first,), (again,) = client.fetch_statement("2025-06-03"), client.fetch_statement("2025-06-03")
    assert first.envelope == again.envelope


def test_a_statement_with_a_wrong_total_or_cut_short_is_refused_by_the_reading(momo, order):
    client = momo.client()
    client.send_payment(order())
    momo.pay("TT-1")
    momo.post("statement_breaks", wrong_total=True)
    (page,) = client.fetch_statement("2025-06-03")
    with pytest.raises(MalformedError) as caught:
        list(statement.read(page.envelope.body))
    assert caught.value.reason == "control_total_differs"
    with pytest.raises(MalformedError) as caught:
        list(statement.read(page.envelope.body[:-25]))
    assert caught.value.reason in ("truncated", "wrong_columns")


def test_a_statement_not_there_yet_is_asked_for_later(momo):
    with pytest.raises(TransientError) as caught:
        list(momo.client().fetch_statement("2999-01-01"))
    assert caught.value.reason == "not_delivered_yet"


def test_wrong_keys_get_no_statement(momo):
    with pytest.raises(SetupError):
        list(momo.client(password="other").fetch_statement("2025-06-03"))


@pytest.mark.parametrize("mode", ["refuse", "unavailable", "silent_before", "drop_after", "truncated"])
def test_a_fault_while_fetching_is_transient(momo, mode):
    momo.fault("statement", mode)
    with pytest.raises(TransientError):
        list(momo.client(QUICK).fetch_statement("2025-06-03"))


def test_a_statement_over_the_limit_is_not_brought_over(momo):
    momo.fault("statement", "huge")
    with pytest.raises(MalformedError) as caught:
        list(momo.client(QUICK).fetch_statement("2025-06-03"))
    assert caught.value.reason == "body_too_large"


@pytest.mark.parametrize("path", ["/statement", "/statement/{day}/{day}", "/{x}/{day}"])
def test_a_statement_path_that_cannot_be_is_refused_at_once(lasting_momo, path):
    with pytest.raises(SetupError):
        lasting_momo.client(statement_path=path)


def test_without_a_statement_path_the_fetch_says_what_to_set(momo):
    with pytest.raises(SetupError, match="statement_path"):
        list(momo.client(statement_path="").fetch_statement("2025-06-03"))


def test_printing_the_client_shows_no_key(momo):
    shown = repr(momo.client())
    assert "sandbox-secret-key" not in shown
    assert "sandbox-access-key" not in shown
