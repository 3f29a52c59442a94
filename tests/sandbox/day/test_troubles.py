"""A trouble counts as met only with what the hub itself wrote down about it."""

import pytest

from sandbox.day import morning, statements, wallets
from sandbox.day.channels import CHANNELS
from sandbox.day.stage import Stage
from sandbox.day.summary import verdict
from truc.envelope import Envelope
from truc.exchange import inbox, set_aside


def _aside(stage: Stage, party: str, external_id: str, item: str, reason: str) -> None:
    with stage.store.begin() as transaction:
        kept = inbox.keep(transaction, Envelope(party, "thing", external_id, item.encode()))
        set_aside.note_incoming(
            transaction, party=party, kind="thing", inbox_id=kept.inbox_id, item=item, reason=reason, text="wrong"
        )


def _bad_items(stage: Stage, *reasons: str) -> None:
    for number, reason in enumerate(reasons, start=1):
        _aside(stage, "national_portal", f"page {number}", f"G22.99-{stage.plan.name}-00001-X{number}", reason)


def test_bad_items_of_the_portal_are_met_when_each_was_set_aside_for_its_reason(stage):
    _bad_items(stage, *morning.BAD_ITEMS)
    morning.note_bad_items(stage)
    assert verdict(stage.expectations) == "ok"
    assert stage.journal.troubles == {"bad_portal_items": morning.BAD_ITEMS}


@pytest.mark.parametrize("reasons", [(), ("malformed_date", "unknown_status"), ("unknown_status",) * 3])
def test_bad_items_that_were_not_set_aside_are_not_met(stage, reasons):
    _bad_items(stage, *reasons)
    morning.note_bad_items(stage)
    assert verdict(stage.expectations) != "ok"
    assert stage.journal.troubles == {}


def test_bad_items_of_another_day_are_no_evidence(stage):
    for number, reason in enumerate(morning.BAD_ITEMS, start=1):
        _aside(stage, "national_portal", f"page {number}", f"G22.99-261119-1-60-00001-X{number}", reason)
    morning.note_bad_items(stage)
    assert stage.journal.troubles == {}


def test_a_wrong_total_is_met_when_the_days_file_was_set_aside_for_it(stage):
    _aside(stage, "vietinbank", "VTB_20261120.txt", "VTB_20261120.txt", "control_total_differs")
    statements.note_wrong_total(stage)
    assert stage.journal.troubles == {"wrong_control_total": 1}


@pytest.mark.parametrize(
    ("name", "reason"), [("VTB_20261120.txt", "truncated"), ("VTB_20261119.txt", "control_total_differs")]
)
def test_another_reason_or_another_days_file_is_no_wrong_total(stage, name, reason):
    _aside(stage, "vietinbank", name, name, reason)
    statements.note_wrong_total(stage)
    assert stage.journal.troubles == {}


@pytest.mark.parametrize(("part", "seen"), [("lost", 0), ("twice", 2)])
def test_a_callback_is_lost_or_doubled_when_the_partner_misbehaved_and_the_gateway_saw_it_so(stage, part, seen):
    [momo] = [one for one in CHANNELS if one.party == "momo"]
    wallets.note_callback(stage, momo, part, misbehaved=0, seen=seen)
    wallets.note_callback(stage, momo, part, misbehaved=1, seen=1)
    assert stage.journal.troubles == {}
    wallets.note_callback(stage, momo, part, misbehaved=1, seen=seen)
    assert stage.journal.troubles == {f"momo_callback_{part}": {"misbehaved": 1, "seen": seen}}
