"""Every party that gives a statement of the day: whole or not at all."""

import pytest

from tests.suites import fetching
from tests.suites.partner import Partner, with_capability
from truc import parties
from truc.errors import TransientError
from truc.manifest import Capability
from truc.messages import Statement

EVERY_PARTY = with_capability(Capability.FETCH_STATEMENT)
FEED = "statement"


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
def test_the_statement_of_a_day_tells_what_happened_that_day(partner: Partner) -> None:
    reference = fetching.plant(partner, partner.feed(FEED), 1)
    (statement,) = fetching.read(partner, partner.feed(FEED), fetching.fetched(partner, partner.feed(FEED)))
    assert isinstance(statement, Statement)
    assert statement.business_on.isoformat() == fetching.DAY
    assert [(line.our_reference, line.amount_vnd) for line in statement.lines] == [(reference, 50_000)]


@EVERY_PARTY
def test_a_statement_that_is_not_there_yet_is_asked_for_later(partner: Partner) -> None:
    with partner.client() as client, pytest.raises(TransientError) as caught:
        tuple(parties.fetcher(client, "statement")("2999-01-01"))
    assert caught.value.reason == "not_delivered_yet"
