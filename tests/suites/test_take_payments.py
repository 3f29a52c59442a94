"""Every party that takes payments makes one order of one request, whatever goes wrong on the way."""

from tests.suites import payments, sending
from tests.suites.partner import Partner, with_capability
from tests.truc.conftest import Hub
from truc.manifest import Capability, Event

EVERY_PARTY = with_capability(Capability.TAKE_PAYMENTS)


@EVERY_PARTY
def test_a_request_gives_an_address_and_one_order(partner: Partner) -> None:
    message, address = payments.ask_for(partner, 1)
    assert address.our_reference == message.our_reference
    assert address.pay_url.startswith(("https://", "http://127.0.0.1"))
    (order,) = partner.told("payments")
    found = (order["reference"], order["amount_vnd"], order["times"])
    assert found == (message.our_reference, message.amount_vnd, 1)
    assert order["state"] in ("created", "pending")


@EVERY_PARTY
def test_it_happens_once_whatever_goes_wrong(partner: Partner, hub: Hub) -> None:
    if not sending.is_made_by_opening(partner, hub):
        sending.happens_once_whatever_goes_wrong(partner, hub, Event.PAYMENT_REQUESTED)


@EVERY_PARTY
def test_each_code_does_what_the_table_says(partner: Partner) -> None:
    sending.does_on_each_code_what_its_table_says(partner, Event.PAYMENT_REQUESTED)


@EVERY_PARTY
def test_no_unknown_code_is_taken_for_success(partner: Partner) -> None:
    sending.takes_no_unknown_code_for_success(partner, Event.PAYMENT_REQUESTED)


@EVERY_PARTY
def test_an_order_is_paid_once_and_one_it_does_not_know_is_said(partner: Partner) -> None:
    message, _ = payments.ask_for(partner, 1)
    assert payments.pay(partner, message.our_reference, notify=False)["paid"] == 1
    assert payments.state_at(partner, message.our_reference) == "paid"
    unknown = payments.pay(partner, message.our_reference, "NOBODYS1", notify=False)
    assert set(unknown["skipped"]) >= {"NOBODYS1"}
