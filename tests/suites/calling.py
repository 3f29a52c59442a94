"""A party that calls back, at a gateway of this test: what begins it, how it calls, and what our books say then."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.suites import payments, sending
from tests.suites.gateway import Gateway, opened_gateway
from tests.suites.partner import Partner
from tests.truc.conftest import Hub, Office
from truc import parties, steps
from truc.errors import MalformedError
from truc.exchange import bodies, courier, outbox
from truc.manifest import Capability, Event
from truc.messages import PaymentAddress, PaymentResult
from truc.settings import Settings
from truc.store.opened import open_hub_store


@dataclass(frozen=True, slots=True)
class Here:
    """A gateway, a store, and the party that calls back about a payment, or about a message it delivered."""

    partner: Partner
    gateway: Gateway
    office: Office

    @property
    def is_paying(self) -> bool:
        """Whether it calls about payments."""
        return Capability.TAKE_PAYMENTS in self.partner.manifest.capabilities

    def begun(self, *, fault: str = "") -> str:
        """Have the party know something to call about, sent once; return our name of it."""
        begin = self._ordered if self.is_paying else self._noticed
        return begin(fault)

    def called(self, reference: str, **how: Any) -> dict[str, int]:
        """Have the party call about it: paid, or delivered; return how the calls were heard."""
        if self.is_paying:
            notified: dict[str, int] = payments.pay(self.partner, reference, **how)["notified"]
        else:
            notified = self.partner.control("deliver", {"tracking_ids": [reference], **how})["notified"]
        return notified

    def deliver(self) -> None:
        """Run the courier once; the citizen opens each address that comes back."""

        def opened(_transaction: Any, one: Any, receipt: Any) -> None:
            if not self.is_paying:
                return
            for item in parties.reader(self.partner.party, one.operation)(receipt.body):
                if isinstance(item, PaymentAddress):
                    payments.open_address(item)

        hub = Hub(self.office.store)
        hub.soon()
        operations = ("payment",) if self.is_paying else (self._operation(),)
        with closing(parties.open_client(self.partner.connection)) as client:
            courier.deliver(self.office.store, client, self.partner.party, operations, on_receipt=opened)

    def book(self) -> None:
        """Book what the gateway kept."""
        steps.book_kept(self.office.store, self.partner.party, self.partner.manifest.callback_names)

    def taken(self) -> int:
        """How many calls our books have taken: payments that are paid, each once in the ledger, or events booked."""
        if not self.is_paying:
            return sum(one.state == "booked" for one in self._kept())
        paid = len(self.office.sql("SELECT FROM payments WHERE state = 'paid'"))
        assert paid == len(self.office.sql("SELECT FROM ledger_entries WHERE reference LIKE 'payment/%'"))
        return paid

    def codes(self) -> list[str]:
        """The published codes of a call about a payment; where none is published, those that the connection names.

        A party whose calls have a table of their own calls it PAYMENT; any other has one table, CODES.
        """
        try:
            tables = importlib.import_module(f"connectors.{self.partner.party}.result_codes")
        except ModuleNotFoundError:
            connection = self.partner.connection
            return [connection.required("paid_code"), *connection.required("failed_codes").split(",")]
        return list(getattr(tables, "PAYMENT", tables.CODES).meaning)

    def word(self) -> str:
        """The state that the party's mapping reads in the last call kept, "" where it says nothing of a payment."""
        asked = "SELECT kind, body_id FROM inbox WHERE party = :party ORDER BY id DESC LIMIT 1"
        ((kind, body_id),) = self.office.sql(asked, party=self.partner.party)
        with self.office.store.begin() as transaction:
            body = bodies.read(transaction, body_id)
        try:
            (result,) = parties.reader(self.partner.party, kind)(body)
        except MalformedError:
            return ""
        assert isinstance(result, PaymentResult)
        return result.state

    def state(self, reference: str) -> str:
        """Where the payment stands in our books."""
        ((state,),) = self.office.sql("SELECT state FROM payments WHERE our_reference = :name", name=reference)
        return str(state)

    def kinds(self) -> list[str]:
        """The kinds of what the gateway kept."""
        return [one.kind for one in self._kept()]

    def _kept(self) -> list[Any]:
        asked = "SELECT kind, state FROM inbox WHERE party = :party ORDER BY id"
        return list(self.office.sql(asked, party=self.partner.party))

    def _ordered(self, fault: str) -> str:
        reference = self.office.order_payment(party=self.partner.party)
        if fault:
            self.partner.fault("payment", fault)
        self.deliver()
        return reference

    def _noticed(self, fault: str) -> str:
        number = len(self.office.sql("SELECT FROM outbox")) + 1
        message, key, external_id = sending.messages(self.partner, Event.NOTICE_DUE)(number)
        with self.office.store.begin() as transaction:
            outbox.publish(
                transaction, Event.NOTICE_DUE, message, key=key, external_id=external_id, only=self.partner.party
            )
        if fault:
            self.partner.fault(self._operation(), fault)
        self.deliver()
        return str(message.notice_id)

    def _operation(self) -> str:
        return sending.operation_for(self.partner, Event.NOTICE_DUE).name


@contextmanager
def opened(server: Settings, office: Office, start: Callable[..., Partner], party: str, home: Path) -> Iterator[Here]:
    """The party, calling back a gateway of this test alone."""
    known = {Capability.TAKE_PAYMENTS, Capability.NOTIFY} & parties.manifest(party).capabilities
    assert known, f"{party} calls back about something this suite cannot begin: teach it"
    url = office.store.engine.url.render_as_string(hide_password=False)
    # With the keys of the gateway: what it sealed is booked here.
    store = open_hub_store(replace(server, external_hub_url=url))
    with opened_gateway(server, url, home) as gateway, closing(store):
        partner = start(party, gateway.url)
        gateway.know(partner.running)
        yield Here(partner, gateway, Office(store))
