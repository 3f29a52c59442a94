"""Every party that carries parcels does it once, and cancels once, whatever goes wrong on the way."""

import pytest

from tests.suites import sending
from tests.suites.partner import Partner, with_capability
from tests.truc.conftest import Hub
from truc import parties
from truc.manifest import Capability, Event

EVERY_PARTY = with_capability(Capability.SHIP)
CANCELLING = [
    one.party
    for one in parties.with_capability(Capability.SHIP)
    if any(operation.event is Event.POSTAL_CANCELLED for operation in one.operations)
]
EVERY_PARTY_THAT_CANCELS = pytest.mark.parametrize("partner", CANCELLING, indirect=True)


@EVERY_PARTY
def test_it_goes_through_once(partner: Partner, hub: Hub) -> None:
    sending.goes_through_once(partner, hub, Event.POSTAL_REQUESTED)


@EVERY_PARTY
def test_it_happens_once_whatever_goes_wrong(partner: Partner, hub: Hub) -> None:
    sending.happens_once_whatever_goes_wrong(partner, hub, Event.POSTAL_REQUESTED)


@EVERY_PARTY
def test_each_code_does_what_the_table_says(partner: Partner) -> None:
    sending.does_on_each_code_what_its_table_says(partner, Event.POSTAL_REQUESTED)


@EVERY_PARTY
def test_no_unknown_code_is_taken_for_success(partner: Partner) -> None:
    sending.takes_no_unknown_code_for_success(partner, Event.POSTAL_REQUESTED)


@EVERY_PARTY_THAT_CANCELS
def test_a_cancel_goes_through_once(partner: Partner, hub: Hub) -> None:
    sending.goes_through_once(partner, hub, Event.POSTAL_CANCELLED)


@EVERY_PARTY_THAT_CANCELS
def test_a_cancel_happens_once_whatever_goes_wrong(partner: Partner, hub: Hub) -> None:
    sending.happens_once_whatever_goes_wrong(partner, hub, Event.POSTAL_CANCELLED)
