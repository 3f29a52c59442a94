"""A run that waits for its signature: what it asks, and that only what the console vouched for signs a day."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.truc.conftest import spare_the_disk
from tests.truc.reconcile.runs import DAY, HOA, LAN, MINH, NEXT_DAY, broken, keep, matched, name
from truc import secrets_file, settings, signing
from truc.errors import MalformedError
from truc.reconcile.reading import days as reading
from truc.reconcile.words import BREAK_CLASSES
from truc.reconcile.work import breaks as work
from truc.reconcile.work import sign_off, vouchers
from truc.reconcile.work.vouchers import Approval
from truc.settings import Settings
from truc.store.opened import Store

FOUND = {
    "party": "momo",
    "business_on": DAY.isoformat(),
    "version": 2,
    "matched": 1,
    "breaks": {"missing_at_partner": 1},
    "difference_vnd": 50_000,
}


@pytest.fixture
def here(tmp_path: Any) -> Settings:
    """An installation with its secrets."""
    found = settings.load(root=tmp_path)
    secrets_file.ensure(found.secrets)
    return found


@pytest.fixture
def store(empty_store: Store) -> Store:
    """A prepared day of one match and one break that was carried forward."""
    spare_the_disk(empty_store)
    keep(empty_store, "a", matches=[matched("P1")], breaks=[broken("b1")])
    act(empty_store, work.carry_forward, [name("b1")], by=HOA, remark="chờ ngày sau")
    return empty_store


def act(store: Store, step: Callable[..., Any], *given: Any, **named: Any) -> Any:
    with store.begin() as transaction:
        return step(transaction, *given, **named)


def answered(here: Settings, content_hash: str, **changes: Any) -> dict[str, Any]:
    """The answer of a run as the console gives it."""
    approval = replace(Approval(party="momo", business_on=DAY, content_hash=content_hash, by=MINH), **changes)
    key = secrets_file.read_key(here.secrets, signing.CONSOLE_KEY)
    voucher = vouchers.write(key, approval, now=datetime.now(UTC))
    return {"chosen_options": [signing.SIGNED], "params_input": {signing.VOUCHER: voucher}}


def refused(store: Store, here: Settings, answer: dict[str, Any]) -> str:
    with pytest.raises(MalformedError) as caught:
        signing.sign_day(store, here, FOUND, answer)
    assert act(store, reading.signing, "momo", DAY).state != "signed"
    return caught.value.reason


def test_it_asks_about_the_day_with_its_figures():
    asked = signing.question(FOUND)
    assert asked["subject"] == "Ký duyệt đối soát momo 2026-11-20"
    assert "50.000 ₫" in asked["body"]
    assert f"- {BREAK_CLASSES['missing_at_partner'].vi}: 1" in asked["body"]


def test_what_the_console_vouched_for_signs_the_day_once(store: Store, here: Settings):
    answer = answered(here, act(store, sign_off.prepare, "momo", DAY, by=HOA))
    assert signing.sign_day(store, here, FOUND, answer) == "signed"
    found = act(store, reading.signing, "momo", DAY)
    assert (found.state, found.approved_by) == ("signed", MINH.name)
    assert found.report_digest  # of the minutes that go with it
    assert signing.sign_day(store, here, FOUND, answer) == "signed"  # a try again of the same task


def test_a_day_that_is_given_back_stays_unsigned(store: Store, here: Settings):
    act(store, sign_off.prepare, "momo", DAY, by=HOA)
    answer = {"chosen_options": [signing.RETURNED], "params_input": {}}
    assert signing.sign_day(store, here, FOUND, answer) == "returned"
    assert act(store, reading.signing, "momo", DAY).state == "prepared"


@pytest.mark.parametrize("fields", [{}, {signing.VOUCHER: ""}, {signing.VOUCHER: "x y"}])
def test_an_answer_given_past_the_console_signs_nothing(store: Store, here: Settings, fields: dict[str, str]):
    act(store, sign_off.prepare, "momo", DAY, by=HOA)
    answer = {"chosen_options": [signing.SIGNED], "params_input": fields}
    assert refused(store, here, answer) == "not_by_console"


def test_who_prepared_and_who_may_not_sign_and_another_day_and_another_hash_are_refused(store: Store, here: Settings):
    content_hash = act(store, sign_off.prepare, "momo", DAY, by=HOA)
    both = replace(MINH, name=HOA.name)
    assert refused(store, here, answered(here, content_hash, by=both)) == "same_person"
    assert refused(store, here, answered(here, content_hash, by=LAN)) == "role_missing"
    assert refused(store, here, answered(here, content_hash, business_on=NEXT_DAY)) == "another_day"
    assert refused(store, here, answered(here, content_hash, party="vnpay")) == "another_day"
    assert refused(store, here, answered(here, "0" * 64)) == "hash_differs"


def test_a_voucher_is_good_for_minutes(store: Store, here: Settings):
    content_hash = act(store, sign_off.prepare, "momo", DAY, by=HOA)
    approval = Approval(party="momo", business_on=DAY, content_hash=content_hash, by=MINH)
    key = secrets_file.read_key(here.secrets, signing.CONSOLE_KEY)
    old = vouchers.write(key, approval, now=datetime.now(UTC) - timedelta(hours=1))
    answer = {"chosen_options": [signing.SIGNED], "params_input": {signing.VOUCHER: old}}
    assert refused(store, here, answer) == "voucher_expired"
