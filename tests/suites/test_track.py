"""Every party that tells where parcels are: whole or not at all, as a feed and where it is asked one by one."""

from contextlib import closing
from typing import Any

import pytest

from tests.suites import fetching
from tests.suites.partner import Partner, patience_for, with_capability
from truc import parties
from truc.connections import Connection, from_airflow_json
from truc.errors import MalformedError, RejectedError, SetupError
from truc.manifest import Capability
from truc.messages import ShipmentEvent

EVERY_PARTY = with_capability(Capability.TRACK)
FEED = "tracking"
ONE_BY_ONE = [
    one.party
    for one in parties.with_capability(Capability.TRACK)
    if any(pipeline.does == "ask_parcels" for pipeline in one.pipelines)
]
EVERY_PARTY_THAT_IS_ASKED = pytest.mark.parametrize("partner", ONE_BY_ONE, indirect=True)
ORDER = "H32.01-260304-0001"  # what fetching.plant has handed in as the first


@EVERY_PARTY
def test_it_comes_whole_and_twice_the_same(partner: Partner) -> None:
    fetching.comes_whole_and_twice_the_same(partner, partner.feed(FEED))


@EVERY_PARTY
def test_it_ends_as_a_question_whatever_goes_wrong(partner: Partner) -> None:
    fetching.ends_as_a_question_whatever_goes_wrong(partner, partner.feed(FEED))


@EVERY_PARTY
def test_garbage_is_never_taken_for_it(partner: Partner) -> None:
    fetching.is_never_taken_for_what_it_is_not(partner, partner.feed(FEED))


@EVERY_PARTY_THAT_IS_ASKED
def test_a_parcel_asked_about_is_told_whole_and_twice_the_same(partner: Partner) -> None:
    fetching.plant(partner, partner.feed(FEED), 1)
    first, again = said(partner), said(partner)
    assert first == again
    [event] = parties.reader(partner.party, kind_of(partner))(first)
    assert isinstance(event, ShipmentEvent)
    assert event.order_number == ORDER


@EVERY_PARTY_THAT_IS_ASKED
def test_a_parcel_it_does_not_have_is_refused_as_not_found(partner: Partner) -> None:
    with pytest.raises(RejectedError) as caught:
        said(partner)
    assert caught.value.reason == "not_found"


@EVERY_PARTY_THAT_IS_ASKED
def test_a_question_that_failed_is_asked_again(partner: Partner) -> None:
    """Silence is transient, garbage malformed; the next question is answered as one without a fault."""
    fetching.plant(partner, partner.feed(FEED), 1)
    whole, off = said(partner), {}
    for mode, expected in {**fetching.OVER_HTTP, "garbage": MalformedError}.items():
        partner.fault(one_by_one(partner)["operation"], mode)
        with patience_for(mode):
            if (came := end(partner)) is not expected:
                off[mode] = came
        assert partner.told("faults"), mode
        partner.forgive()
        if said(partner) != whole:
            off[f"after {mode}"] = "another"
    assert off == {}, off


@EVERY_PARTY_THAT_IS_ASKED
def test_with_one_connection_it_tells_one_way_only(partner: Partner) -> None:
    """So that no step of a parcel is told twice, in two scales."""
    fetching.plant(partner, partner.feed(FEED), 1)
    client: Any
    with partner.client() as client:
        assert client.one_by_one is False
        assert fetching.fetched(partner, partner.feed(FEED))
        with pytest.raises(SetupError) as by_feed:
            client.get_parcel(ORDER)
    with closing(parties.open_client(asked(partner))) as opened:
        client = opened
        assert client.one_by_one is True
        with pytest.raises(SetupError) as by_code:
            list(parties.fetcher(client, "tracking")(""))
    assert (by_feed.value.reason, by_code.value.reason) == ("not_in_use", "not_in_use")


def kind_of(partner: Partner) -> str:
    (kind,) = [name for one in partner.manifest.pipelines if one.does == "ask_parcels" for name in one.of]
    return kind


def one_by_one(partner: Partner) -> Any:
    """What the stand-in says of that way: the settings, and how its questions are called there."""
    return partner.told("one_by_one")


def asked(partner: Partner) -> Connection:
    """A connection that has parcels asked about one by one."""
    known = partner.running.connection
    return from_airflow_json(partner.party, known | {"extra": known["extra"] | one_by_one(partner)["settings"]})


def said(partner: Partner) -> bytes:
    """The party's word on the first parcel."""
    with closing(parties.open_client(asked(partner))) as opened:
        client: Any = opened
        word: bytes = client.get_parcel(ORDER)
        return word


def end(partner: Partner) -> object:
    try:
        return said(partner)
    except Exception as error:  # noqa: BLE001  (which one it is, is what is looked at)
        return type(error)
