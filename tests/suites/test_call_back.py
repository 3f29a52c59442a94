"""Every party that calls back is believed for its signature over our own order, once, whenever it comes."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.suites import payments
from tests.suites.gateway import Gateway, opened_gateway
from tests.suites.partner import Partner
from tests.truc.conftest import Hub, Office
from truc import parties, steps
from truc.exchange import courier
from truc.manifest import Capability
from truc.messages import PaymentAddress
from truc.settings import Settings
from truc.store.opened import open_hub_store

CALLERS = [
    one.party for one in parties.with_capability(Capability.CALL_BACK) if Capability.TAKE_PAYMENTS in one.capabilities
]
EVERY_PARTY = pytest.mark.parametrize("here", CALLERS, indirect=True)
DATED = [one.party for one in parties.manifests() if one.callback_age_max_s is not None and one.party in CALLERS]


@dataclass(frozen=True, slots=True)
class Here:
    """A gateway, a store with a dossier to pay for, and the party that calls back."""

    partner: Partner
    gateway: Gateway
    office: Office

    def ordered(self, *, fault: str = "") -> str:
        """Book a payment through the party, have the courier send it once, and let the citizen open the address."""
        reference = self.office.order_payment(party=self.partner.party)
        if fault:
            self.partner.fault("payment", fault)
        self.deliver()
        return reference

    def deliver(self) -> None:
        """Run the courier once; the citizen opens each address that comes back."""

        def opened(_transaction: Any, one: Any, receipt: Any) -> None:
            for item in parties.reader(self.partner.party, one.operation)(receipt.body):
                if isinstance(item, PaymentAddress):
                    payments.open_address(item)

        hub = Hub(self.office.store)
        hub.soon()
        with closing(parties.open_client(self.partner.connection)) as client:
            courier.deliver(self.office.store, client, self.partner.party, ("payment",), on_receipt=opened)

    def pay(self, reference: str, **how: Any) -> dict[str, int]:
        """Let the citizen pay; return how the calls were heard."""
        notified: dict[str, int] = payments.pay(self.partner, reference, **how)["notified"]
        return notified

    def book(self) -> None:
        """Book what the gateway kept."""
        steps.book_kept(self.office.store, self.partner.party, self.partner.manifest.callbacks)

    def state(self, reference: str) -> str:
        (row,) = self.office.sql("SELECT state FROM payments WHERE our_reference = :one", one=reference)
        return str(row.state)

    def money(self) -> int:
        """How many payments the ledger holds."""
        return len(self.office.sql("SELECT FROM ledger_entries WHERE reference LIKE 'payment/%'"))

    def kinds(self) -> list[str]:
        """The kinds of what the gateway kept."""
        return [
            row.kind
            for row in self.office.sql("SELECT kind FROM inbox WHERE party = :p ORDER BY id", p=self.partner.party)
        ]


@pytest.fixture
def here(
    request: pytest.FixtureRequest, server: Settings, office: Office, start: Callable[..., Partner], tmp_path: Path
) -> Iterator[Here]:
    """The party of the parameter, calling back a gateway of this test alone."""
    url = office.store.engine.url.render_as_string(hide_password=False)
    # With the keys of the gateway: what it sealed is booked here.
    store = open_hub_store(replace(server, external_hub_url=url))
    with opened_gateway(server, url, tmp_path) as gateway, closing(store):
        partner = start(request.param, gateway.url)
        gateway.know(partner.running)
        yield Here(partner, gateway, Office(store))


@EVERY_PARTY
def test_a_call_is_kept_answered_and_booked_as_paid(here: Here) -> None:
    reference = here.ordered()
    assert here.pay(reference) == {"accepted": 1}
    assert here.kinds()[-1] in here.partner.manifest.callbacks
    here.book()
    assert (here.state(reference), here.money()) == ("paid", 1)


@EVERY_PARTY
def test_a_wrong_signature_is_refused_kept_and_changes_nothing(here: Here) -> None:
    reference = here.ordered()
    assert here.pay(reference, **{"as": "forged"}) == {"refused": 1}
    assert [kind for kind in here.kinds() if kind.endswith("_refused")]
    here.book()
    assert (here.state(reference) == "paid", here.money()) == (False, 0)


@EVERY_PARTY
@pytest.mark.parametrize("lie", ["other_amount", "unknown_order"])
def test_what_our_own_order_does_not_say_is_kept_and_moves_no_money(here: Here, lie: str) -> None:
    reference = here.ordered()
    assert sum(here.pay(reference, **{"as": lie}).values()) == 1
    assert here.kinds()[-1] in here.partner.manifest.callbacks
    here.book()
    assert (here.state(reference) == "paid", here.money()) == (False, 0)


@EVERY_PARTY
def test_a_call_that_comes_twice_is_booked_once(here: Here) -> None:
    reference = here.ordered()
    assert here.pay(reference, **{"as": "twice"})["accepted"] >= 1
    here.book()
    assert (here.state(reference), here.money()) == ("paid", 1)


@EVERY_PARTY
def test_a_call_sent_again_by_somebody_else_later_changes_nothing(here: Here) -> None:
    reference = here.ordered()
    here.pay(reference)
    here.book()
    call = here.gateway.calls[-1]
    again = here.gateway.again(call)
    assert again.status_code < 500
    here.book()
    assert (here.state(reference), here.money()) == ("paid", 1)


@EVERY_PARTY
def test_a_call_with_one_byte_changed_is_not_believed(here: Here) -> None:
    reference = here.ordered()
    here.pay(reference)
    call = here.gateway.calls[-1]
    other = reference[:-1] + ("1" if reference[-1] == "0" else "0")
    assert reference in call.path + call.body.decode("utf-8", "replace")
    changed = type(call)(
        call.method,
        call.path.replace(reference, other),
        call.headers,
        call.body.replace(reference.encode(), other.encode()),
        call.status,
        call.answer,
    )
    kept = len(here.kinds())
    here.gateway.again(changed)
    assert len(here.kinds()) == kept + 1
    assert here.kinds()[-1].endswith("_refused")


@EVERY_PARTY
def test_a_call_may_come_before_the_answer_to_the_request(here: Here) -> None:
    reference = here.ordered(fault="drop_after")
    if not [one for one in here.partner.told("payments") if one["reference"] == reference]:
        here.deliver()  # this party is called by nobody: the citizen opens the address first
    assert sum(here.pay(reference).values()) == 1
    here.book()
    for _ in range(4):
        here.deliver()
    assert (here.state(reference), here.money()) == ("paid", 1)
    (order,) = here.partner.told("payments")
    assert order["times"] == 1


@EVERY_PARTY
def test_clocks_that_are_two_minutes_apart_lose_no_call(here: Here) -> None:
    for minutes in (-2, 2):
        reference = here.ordered()
        at = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
        assert here.pay(reference, at=at) == {"accepted": 1}
        here.book()
        assert here.state(reference) == "paid"


@pytest.mark.parametrize("here", DATED, indirect=True)
def test_a_call_that_says_it_is_too_old_is_kept_and_not_booked(here: Here) -> None:
    reference = here.ordered()
    age_s = here.partner.manifest.callback_age_max_s
    assert age_s is not None
    here.pay(reference, at=(datetime.now(UTC) - timedelta(seconds=age_s + 60)).isoformat())
    here.book()
    assert here.state(reference) != "paid"
