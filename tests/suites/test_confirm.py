"""Every party that confirms remittances: its files come whole or not at all."""

import pytest

from tests.suites import fetching
from tests.suites.partner import Partner, with_capability
from truc import parties
from truc.errors import MalformedError
from truc.manifest import Capability, Feed
from truc.messages import RemittanceConfirmed

EVERY_PARTY = with_capability(Capability.CONFIRM)


def feed_of(partner: Partner) -> Feed:
    """The one feed by which the party does it."""
    (found,) = [one for one in partner.manifest.feeds if one.name == "confirmation"]
    return found


@EVERY_PARTY
def test_it_comes_whole_and_twice_the_same(partner: Partner) -> None:
    fetching.comes_whole_and_twice_the_same(partner, feed_of(partner))


@EVERY_PARTY
def test_it_ends_as_a_question_whatever_goes_wrong(partner: Partner) -> None:
    fetching.ends_as_a_question_whatever_goes_wrong(partner, feed_of(partner))


@EVERY_PARTY
def test_one_over_the_limit_is_not_taken(partner: Partner) -> None:
    fetching.is_refused_over_the_limit(partner, feed_of(partner))


@EVERY_PARTY
def test_garbage_is_kept_as_it_came_and_read_as_nothing(partner: Partner) -> None:
    fetching.plant(partner, feed_of(partner), 1)
    partner.fault("read" if partner.manifest.transport == "sftp" else "confirmation", "garbage")
    (page,) = fetching.fetched(partner, feed_of(partner))
    with pytest.raises(MalformedError):
        list(parties.reader(partner.party, "confirmation")(page.envelope.body))


@EVERY_PARTY
def test_it_names_the_order_and_what_came(partner: Partner) -> None:
    name = fetching.plant(partner, feed_of(partner), 1)
    (said,) = fetching.read(partner, feed_of(partner), fetching.fetched(partner, feed_of(partner)))
    assert isinstance(said, RemittanceConfirmed)
    assert (said.remittance_reference, said.amount_vnd, said.state) == (name, 50_000, "confirmed")


@EVERY_PARTY
def test_nothing_there_is_no_failure(partner: Partner) -> None:
    assert fetching.fetched(partner, feed_of(partner)) == ()
