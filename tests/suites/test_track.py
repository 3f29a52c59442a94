"""Every party that tells where parcels are: whole or not at all."""

from tests.suites import fetching
from tests.suites.partner import Partner, with_capability
from truc.manifest import Capability, Feed

EVERY_PARTY = with_capability(Capability.TRACK)


def feed_of(partner: Partner) -> Feed:
    """The one feed by which the party does it."""
    (found,) = [one for one in partner.manifest.feeds if one.name == "tracking"]
    return found


@EVERY_PARTY
def test_it_comes_whole_and_twice_the_same(partner: Partner) -> None:
    fetching.comes_whole_and_twice_the_same(partner, feed_of(partner))


@EVERY_PARTY
def test_it_ends_as_a_question_whatever_goes_wrong(partner: Partner) -> None:
    fetching.ends_as_a_question_whatever_goes_wrong(partner, feed_of(partner))


@EVERY_PARTY
def test_garbage_is_never_taken_for_it(partner: Partner) -> None:
    fetching.is_never_taken_for_what_it_is_not(partner, feed_of(partner))
