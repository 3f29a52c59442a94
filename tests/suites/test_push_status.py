"""Every party that hears of progress does it once, whatever goes wrong on the way."""

from tests.suites import sending
from tests.suites.partner import Partner, with_capability
from tests.truc.conftest import Hub
from truc.manifest import Capability, Event

EVERY_PARTY = with_capability(Capability.PUSH_STATUS)


@EVERY_PARTY
def test_it_goes_through_once(partner: Partner, hub: Hub) -> None:
    sending.goes_through_once(partner, hub, Event.STATUS_CHANGED)


@EVERY_PARTY
def test_it_happens_once_whatever_goes_wrong(partner: Partner, hub: Hub) -> None:
    sending.happens_once_whatever_goes_wrong(partner, hub, Event.STATUS_CHANGED)


@EVERY_PARTY
def test_each_code_does_what_the_table_says(partner: Partner) -> None:
    sending.does_on_each_code_what_its_table_says(partner, Event.STATUS_CHANGED)


@EVERY_PARTY
def test_no_unknown_code_is_taken_for_success(partner: Partner) -> None:
    sending.takes_no_unknown_code_for_success(partner, Event.STATUS_CHANGED)
