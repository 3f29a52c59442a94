"""Every party that gives us dossiers citizens submitted: whole or not at all."""

from tests.suites import fetching
from tests.suites.partner import Partner, with_capability
from truc.manifest import Capability

EVERY_PARTY = with_capability(Capability.GIVE_DOSSIERS)
FEED = "online_dossiers"


@EVERY_PARTY
def test_it_comes_whole_and_twice_the_same(partner: Partner) -> None:
    fetching.comes_whole_and_twice_the_same(partner, partner.feed(FEED))


@EVERY_PARTY
def test_it_ends_as_a_question_whatever_goes_wrong(partner: Partner) -> None:
    fetching.ends_as_a_question_whatever_goes_wrong(partner, partner.feed(FEED))


@EVERY_PARTY
def test_garbage_is_never_taken_for_it(partner: Partner) -> None:
    fetching.is_never_taken_for_what_it_is_not(partner, partner.feed(FEED))
