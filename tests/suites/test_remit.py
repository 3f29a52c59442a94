"""Every party that is ordered to remit gets each order once, whatever goes wrong on the way."""

from contextlib import closing

import pytest

from tests.suites import sending
from tests.suites.partner import Partner, with_capability
from tests.truc.conftest import Hub
from truc import parties
from truc.envelope import Arrival, Outgoing
from truc.errors import SetupError, TransientError
from truc.manifest import Capability, Event

EVERY_PARTY = with_capability(Capability.REMIT)


@EVERY_PARTY
def test_it_goes_through_once(partner: Partner, hub: Hub) -> None:
    sending.goes_through_once(partner, hub, Event.REMITTANCE_ORDERED)


@EVERY_PARTY
def test_it_happens_once_whatever_goes_wrong(partner: Partner, hub: Hub) -> None:
    sending.happens_once_whatever_goes_wrong(partner, hub, Event.REMITTANCE_ORDERED)


@EVERY_PARTY
def test_each_code_does_what_the_table_says(partner: Partner) -> None:
    sending.does_on_each_code_what_its_table_says(partner, Event.REMITTANCE_ORDERED)


@EVERY_PARTY
def test_no_unknown_code_is_taken_for_success(partner: Partner) -> None:
    sending.takes_no_unknown_code_for_success(partner, Event.REMITTANCE_ORDERED)


@EVERY_PARTY
def test_an_order_is_not_there_before_it_is_sent_and_is_after(partner: Partner) -> None:
    operation = sending.operation_for(partner, Event.REMITTANCE_ORDERED)
    message, key, external_id = sending.messages(partner, Event.REMITTANCE_ORDERED)(1)
    outgoing = Outgoing(external_id, key, parties.writer(partner.party, operation.name)(message))
    with partner.client() as client:
        assert parties.asker(client, operation.name)(outgoing).arrival is Arrival.ABSENT
        parties.sender(client, operation.name)(outgoing)
        answer = parties.asker(client, operation.name)(outgoing)
        assert answer.arrival is Arrival.ARRIVED


@EVERY_PARTY
def test_nobody_there_is_no_word_on_an_order(partner: Partner) -> None:
    operation = sending.operation_for(partner, Event.REMITTANCE_ORDERED)
    message, key, external_id = sending.messages(partner, Event.REMITTANCE_ORDERED)(1)
    outgoing = Outgoing(external_id, key, parties.writer(partner.party, operation.name)(message))
    with closing(parties.open_client(partner.connection)) as client:
        partner.running.close()
        for verb in (parties.sender, parties.asker):
            with pytest.raises((TransientError, SetupError)):
                verb(client, operation.name)(outgoing)
