"""A refund is written as MoMo takes it, and its answer read as what became of it."""

import json
from datetime import UTC, datetime

import pytest

from connectors.momo.result_codes import MEANING
from mappings.momo import refund
from mappings.momo.states import SAY_NOTHING_OF_REFUND
from truc.errors import MalformedError
from truc.messages import RefundRequested

AT = datetime(2025, 6, 3, 2, 0, tzinfo=UTC)
SAID = {
    "orderId": "TT-1-R1",
    "amount": 50_000,
    "transId": 4_014_083_433,
    "resultCode": 0,
    "responseTime": 1_748_917_800_000,
}


def wish(**changed):
    fields = {
        "refund_reference": "TT-1-R1",
        "our_reference": "TT-1",
        "dossier_code": "H32.1-250603-0001",
        "partner_reference": "3108065159",
        "paid_vnd": 200_000,
        "amount_vnd": 50_000,
        "paid_at": AT,
        "payment_requested_at": AT,
        "purpose": "Trả lại một phần lệ phí",
        "requested_at": AT,
        "requested_by": "finance",
    }
    return RefundRequested(**(fields | changed))


def test_a_refund_is_written_under_its_own_name_over_the_payment_of_momo():
    written = json.loads(refund.write(wish()))
    assert (written["orderId"], written["requestId"]) == ("TT-1-R1", "TT-1-R1")
    assert (written["transId"], written["amount"]) == (3_108_065_159, 50_000)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"partner_reference": ""}, "reference_malformed"),
        ({"partner_reference": "FT-12"}, "reference_malformed"),
        ({"refund_reference": "R" * 51}, "reference_malformed"),
        ({"refund_reference": "R/1"}, "reference_malformed"),
        ({"amount_vnd": 999}, "amount_out_of_range"),
        ({"amount_vnd": 200_001}, "amount_out_of_range"),
    ],
)
def test_what_momo_would_refuse_is_named_before_it_is_sent(changed, reason):
    with pytest.raises(MalformedError) as caught:
        refund.write(wish(**changed))
    assert caught.value.reason == reason


@pytest.mark.parametrize("code", [int(code) for code in MEANING])
def test_every_published_code_says_what_became_of_it_or_is_refused(code):
    body = json.dumps(SAID | {"resultCode": code}).encode()
    if code in SAY_NOTHING_OF_REFUND:
        with pytest.raises(MalformedError) as caught:
            list(refund.read(body))
        assert caught.value.reason == "not_a_refund"
        return
    (done,) = refund.read(body)
    pending = (1000, 7000, 7002, 8000, 9000)
    assert done.state == ("refunded" if code == 0 else "pending" if code in pending else "refused")
    assert bool(done.reason) == (done.state == "refused")
    assert (done.refund_reference, done.amount_vnd) == ("TT-1-R1", 50_000)


def test_a_code_nobody_published_is_refused():
    with pytest.raises(MalformedError) as caught:
        list(refund.read(json.dumps(SAID | {"resultCode": 5}).encode()))
    assert caught.value.reason == "unknown_result_code"
