"""Every party that confirms remittances: its files come whole or not at all."""

from tests.suites import fetching
from tests.suites.partner import Partner, with_capability
from truc.manifest import Capability
from truc.messages import RemittanceConfirmed

EVERY_PARTY = with_capability(Capability.CONFIRM)
FEED = "confirmation"


@EVERY_PARTY
def test_it_comes_whole_and_twice_the_same(partner: Partner) -> None:
    fetching.comes_whole_and_twice_the_same(partner, partner.feed(FEED))


@EVERY_PARTY
def test_it_ends_as_a_question_whatever_goes_wrong(partner: Partner) -> None:
    fetching.ends_as_a_question_whatever_goes_wrong(partner, partner.feed(FEED))


@EVERY_PARTY
def test_garbage_is_never_taken_for_it(partner: Partner) -> None:
    fetching.is_never_taken_for_what_it_is_not(partner, partner.feed(FEED))


@EVERY_PARTY
def test_one_over_the_limit_is_not_taken(partner: Partner) -> None:
    fetching.is_refused_over_the_limit(partner, partner.feed(FEED))


@EVERY_PARTY
def test_it_names_the_order_and_what_came(partner: Partner) -> None:
    name = fetching.plant(partner, partner.feed(FEED), 1)
    (said,) = fetching.read(partner, partner.feed(FEED), fetching.fetched(partner, partner.feed(FEED)))
    assert isinstance(said, RemittanceConfirmed)
    assert (said.remittance_reference, said.amount_vnd, said.state) == (name, 50_000, "confirmed")


@EVERY_PARTY
def test_nothing_there_is_no_failure(partner: Partner) -> None:
    assert fetching.fetched(partner, partner.feed(FEED)) == ()
