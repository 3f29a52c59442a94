"""A payment at a partner's stand-in: asked for, opened by the citizen, paid, asked about."""

from typing import Any
from urllib.parse import urlsplit

import requests

from tests.suites.partner import Partner
from tests.truc import samples
from truc import parties
from truc.envelope import Order, Outgoing
from truc.messages import PaymentAddress, PaymentRequested, PaymentResult, RefundRequested


def payment(partner: Partner, number: int) -> tuple[PaymentRequested, str, str]:
    """A payment request within the party's amounts, its key and its external id."""
    message, key, external_id = samples.payment(number)
    terms = partner.manifest.payments
    assert terms is not None, f"{partner.party} takes payments: its manifest must say their terms"
    amount_vnd = min(max(message.amount_vnd, terms.amount_vnd_min), terms.amount_vnd_max)
    return message.model_copy(update={"amount_vnd": amount_vnd}), key, external_id


def order_of(message: PaymentRequested, partner_token: str = "") -> Order:
    """The order as the partner is asked about it."""
    return Order(
        our_reference=message.our_reference,
        partner_token=partner_token,
        amount_vnd=message.amount_vnd,
        requested_at=message.requested_at,
    )


def outgoing(partner: Partner, name: str, message: Any, external_id: str) -> Outgoing:
    """The message as the client takes it."""
    return Outgoing(external_id, external_id, parties.writer(partner.party, name)(message))


def ask_for(partner: Partner, number: int) -> tuple[PaymentRequested, PaymentAddress]:
    """Have the partner take one payment, and let the citizen open the address."""
    message, _, external_id = payment(partner, number)
    with partner.client() as client:
        receipt = client.send_payment(outgoing(partner, "payment", message, external_id))
    (address,) = parties.reader(partner.party, "payment")(receipt.body)
    assert isinstance(address, PaymentAddress)
    open_address(address)
    return message, address


def open_address(address: PaymentAddress) -> None:
    """Open an address that lies at the stand-in, as the citizen's browser would."""
    if urlsplit(address.pay_url).hostname in ("127.0.0.1", "localhost"):
        requests.get(address.pay_url, timeout=20, allow_redirects=False).raise_for_status()


def pay(partner: Partner, *references: str, **how: Any) -> Any:
    """Let the citizens pay and return what the stand-in says; `how` goes into its orders or beside them."""
    each = {name: how.pop(name) for name in ("code", "at") if name in how}
    return partner.control("pay", {"orders": [{"reference": one, **each} for one in references], **how})


def state_at(partner: Partner, reference: str) -> str:
    """The state of an order in the partner's own books."""
    (found,) = [one for one in partner.told("payments") if one["reference"] == reference]
    return str(found["state"])


def said(partner: Partner, order: Order) -> PaymentResult:
    """The partner's word on an order, asked for and read."""
    with partner.client() as client:
        (result,) = parties.reader(partner.party, "query")(client.get_payment(order))
    assert isinstance(result, PaymentResult)
    return result


def refund(partner: Partner, number: int) -> tuple[RefundRequested, str, str]:
    """A refund of a payment that was made for it, its key and its external id."""
    message, address = ask_for(partner, number)
    pay(partner, message.our_reference, notify=False)
    paid = said(partner, order_of(message, address.partner_token))
    assert paid.state == "paid"
    wish = RefundRequested(
        refund_reference=f"R{message.our_reference}",
        our_reference=message.our_reference,
        dossier_code=message.dossier_code,
        partner_reference=paid.partner_reference,
        paid_vnd=message.amount_vnd,
        amount_vnd=message.amount_vnd,
        paid_at=paid.occurred_at or message.requested_at,
        payment_requested_at=message.requested_at,
        purpose="Hoan phi ho so",
        requested_at=paid.occurred_at or message.requested_at,
        requested_by="finance",
    )
    return wish, wish.refund_reference, wish.refund_reference
