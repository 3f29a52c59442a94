"""The table of channels agrees with what the parties declare and what their stand-ins can do; parts are dealt whole."""

import importlib.util
from pathlib import Path

import pytest

import sandbox
from sandbox.day.channels import BANK, CHANNELS
from sandbox.day.money import dealt
from truc import parties
from truc.errors import SetupError
from truc.manifest import Capability
from truc.services.ask_schedule import can_be_asked

PARTIES = [one.party for one in CHANNELS]


@pytest.mark.parametrize("channel", CHANNELS, ids=PARTIES)
def test_a_channel_is_a_party_that_takes_payments_and_has_the_dags_and_calls_of_its_row(channel):
    manifest = parties.manifest(channel.party)
    pipelines = {one.dag_id: one.does for one in manifest.pipelines}
    assert Capability.TAKE_PAYMENTS in manifest.capabilities
    assert pipelines[channel.delivers] == "deliver"
    assert pipelines.get(channel.asks) == ("ask_payments" if can_be_asked(channel.party) else None)
    assert all(importlib.util.find_spec(f"mappings.{channel.party}.{kind}") for kind in channel.tells)
    assert (Path(sandbox.__path__[0]) / channel.party / "server.py").exists()


@pytest.mark.parametrize("channel", CHANNELS, ids=PARTIES)
def test_who_refuses_has_a_code_to_refuse_with_and_a_lost_callback_has_somebody_to_ask(channel):
    assert ("refuse" in channel.parts) == (channel.refused is not None)
    assert "lost" not in channel.parts or can_be_asked(channel.party)
    # An order that lapses without a call is heard of by asking only; one that does not would never have an end.
    assert channel.lapsed is None or can_be_asked(channel.party)
    assert channel.lapsed is not None or not (channel.unheard or "forget" in channel.parts)


def test_a_day_pays_through_five_channels_and_the_bank():
    assert len(set(PARTIES)) == 5
    assert BANK not in PARTIES
    assert 0.1 <= 1 - sum(one.share for one in CHANNELS) < 1  # what is left is the bank's


@pytest.mark.parametrize("channel", CHANNELS, ids=PARTIES)
def test_every_order_is_dealt_once_and_every_part_is_played(channel):
    able = [f"P{number}" for number in range(channel.fewest + 90)]
    parts = dealt(channel, able)
    assert sorted(one for references in parts.values() for one in references) == sorted(able)
    assert set(parts) == {*channel.parts, "pay"}
    assert all(parts.values())
    assert all(len(parts[part]) == 1 for part in ("lost", "twice") if part in parts)


def test_orders_that_did_not_reach_the_partner_are_said_so():
    momo = CHANNELS[0]
    with pytest.raises(SetupError, match="payments_momo"):
        dealt(momo, ["P1"] * len(momo.parts))
