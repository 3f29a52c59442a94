"""What console, report and commands read of a kept day: overview, account, flow of money, breaks, sides, ages."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any, get_args

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.truc.conftest import rows_of, spare_the_disk
from tests.truc.reconcile.runs import DAY, HOA, MINH, NEXT_DAY, broken, keep, matched, name
from truc.errors import MalformedError
from truc.reconcile import words
from truc.reconcile.reading import breaks as reading_breaks
from truc.reconcile.reading import days as reading
from truc.reconcile.reading.breaks import Aged, Wanted
from truc.reconcile.reading.days import Station, Total
from truc.reconcile.spec import BreakClass, Pass
from truc.reconcile.work import breaks as work
from truc.reconcile.work import sign_off
from truc.store.opened import Store

PAIR = {"core_rows": 1, "partner_rows": 1}


@pytest.fixture
def store(empty_store: Store) -> Store:
    """A day with every leg.

    Ours: three matched, one missing at the partner, one of another amount. The partner's: the same three, the other
    amount, one we lack, a settlement line that agrees, a batch that is short; receipts and remittance of one payment.
    """
    spare_the_disk(empty_store)
    keep(
        empty_store,
        "a",
        matches=[
            *(matched(f"P{number}") for number in (1, 2, 3)),
            matched("S", leg="settlement", rule="settlement", core_rows=0, core_money_vnd=0, core_vnd=150_000)
            | {"partner_vnd": 150_000, "partner_money_vnd": 150_000},
            matched("P1", leg="receipts"),
            matched("P1", leg="remittance"),
        ],
        breaks=[
            broken("b1"),
            broken("b2", "missing_in_core", 9, our_reference="", partner_reference="T-lạ"),
            broken("b3", "amount_differs", **PAIR, partner_vnd=49_000, partner_money_vnd=49_000, difference_vnd=1_000),
            broken("b4", "settlement_short", rule="batch", **PAIR, partner_vnd=40_000, partner_money_vnd=40_000)
            | {"difference_vnd": 10_000},
            broken("b5", "receipt_missing", leg="receipts"),
        ],
    )
    return empty_store


def read(store: Store, how: Any, *given: Any, **named: Any) -> Any:
    with store.begin() as transaction:
        return how(transaction, *given, **named)


def act(store: Store, step: Any, *given: Any, **named: Any) -> Any:
    with store.begin() as transaction:
        return step(transaction, *given, **named)


def resolve(store: Store, short: str) -> None:
    act(store, work.propose, name(short), by=HOA, proposal="write_off", reason_code="other", remark="x")
    act(store, work.approve, name(short), by=MINH)


def test_the_overview_has_a_line_for_each_party_of_the_day(store):
    keep(store, "v", party="vnpay", matches=[matched("V1", 70_000)])
    keep(store, "w", party="vnpay", business_on=NEXT_DAY)
    momo, vnpay = read(store, reading.days, business_on=DAY)
    assert (momo.party, momo.version, vnpay.party) == ("momo", 1, "vnpay")
    assert (momo.core, momo.partner, momo.matched) == (Total(6, 300_000), Total(6, 239_009), Total(3, 150_000))
    assert (momo.breaks, momo.open_breaks, momo.at_risk_vnd, momo.open_vnd) == (5, 5, 111_009, 111_009)
    assert (momo.difference_vnd, momo.carried_in, momo.carried_out) == (50_991, Total(0, 0), Total(3, 150_000))
    assert [(one.break_class, one.breaks, one.at_risk_vnd, one.difference_vnd) for one in momo.classes] == [
        ("amount_differs", 1, 1_000, 1_000),
        ("missing_at_partner", 1, 50_000, 50_000),
        ("missing_in_core", 1, 9, -9),
        ("receipt_missing", 1, 50_000, 50_000),
        ("settlement_short", 1, 10_000, 10_000),
    ]
    assert momo.signing == reading.Signing(state="open")
    assert (vnpay.breaks, vnpay.core, vnpay.classes) == (0, Total(1, 70_000), ())
    between = read(store, reading.days_between, since=DAY, until=NEXT_DAY)
    assert [(one.party, one.business_on) for one in between] == [("vnpay", NEXT_DAY), ("momo", DAY), ("vnpay", DAY)]
    assert [one.party for one in read(store, reading.days_between, since=DAY, until=DAY, party="vnpay")] == ["vnpay"]
    assert read(store, reading.newest_day) == NEXT_DAY
    assert read(store, reading.parties) == ["momo", "vnpay"]


def test_nothing_reconciled_is_nothing_to_read(empty_store):
    assert read(empty_store, reading.days, business_on=DAY) == []
    assert read(empty_store, reading.newest_day) is None
    assert read(empty_store, reading.day, "momo", DAY) is None
    assert read(empty_store, reading_breaks.ageing, today=DAY) == []


def test_the_account_of_a_day_balances_on_every_leg_and_side_as_it_is_read(store):
    resolve(store, "b1")
    seen = read(store, reading.day, "momo", DAY)
    lines = {(one.leg, one.side, one.what): Total(one.rows, one.vnd) for one in seen.totals}
    assert lines["statement", "core", "written_off"] == Total(1, 50_000)
    assert lines["statement", "core", "carried_out"] == Total(2, 100_000)
    assert lines["receipts", "core", "carried_out"] == Total(1, 50_000)
    ends = ("matched", "no_money", "written_off", "carried_out")
    for leg, side in {(one.leg, one.side) for one in seen.totals}:
        came = [lines.get((leg, side, what), Total(0, 0)) for what in ("carried_in", "new")]
        went = [lines.get((leg, side, what), Total(0, 0)) for what in ends]
        assert sum(one.rows for one in came) == sum(one.rows for one in went), (leg, side)
        assert sum(one.vnd for one in came) == sum(one.vnd for one in went), (leg, side)
    assert (seen.summary.open_breaks, seen.summary.open_vnd, seen.summary.at_risk_vnd) == (4, 61_009, 111_009)
    whats = [one.what for one in seen.totals if (one.leg, one.side) == ("statement", "core")]
    assert whats[:4] == ["new", "matched", "written_off", "carried_out"]


def test_the_money_flows_from_core_to_partner_to_bank_to_treasury(store):
    core, partner, bank, treasury = read(store, reading.day, "momo", DAY).flow
    assert core == Station(
        name="core", asked=True, total=Total(6, 300_000), agreed=Total(3, 150_000), breaks=2, at_risk_vnd=51_000
    )
    assert partner == Station(
        name="partner", asked=True, total=Total(5, 199_009), agreed=Total(3, 150_000), breaks=2, at_risk_vnd=1_009
    )
    assert bank == Station(
        name="bank", asked=True, total=Total(2, 190_000), agreed=Total(1, 150_000), breaks=1, at_risk_vnd=10_000
    )
    assert treasury == Station(
        name="treasury", asked=True, total=Total(1, 50_000), agreed=Total(1, 50_000), breaks=0, at_risk_vnd=0
    )


def test_a_station_with_nothing_to_compare_is_not_asked(empty_store):
    keep(empty_store, "a", matches=[matched("P1")])
    flow = read(empty_store, reading.day, "momo", DAY).flow
    assert [(one.name, one.asked) for one in flow] == [
        ("core", True),
        ("partner", True),
        ("bank", False),
        ("treasury", False),
    ]


def test_a_version_says_what_changed_since_the_one_before(store):
    keep(store, "b", matches=[matched("P-b1")], breaks=[broken("b2", "missing_in_core", 9), broken("b9")])
    seen = read(store, reading.day, "momo", DAY)
    assert (seen.summary.version, [one.version for one in seen.versions]) == (2, [1, 2])
    assert [one.breaks for one in seen.versions] == [5, 2]
    changes = [(one.change, one.break_id[:2], one.at_risk_vnd) for one in seen.changes]
    assert changes == [("came", "b9", 50_000), ("went", "b1", 50_000), ("went", "b3", 1_000), *GONE]
    first = read(store, reading.day, "momo", DAY, version=1)
    assert (first.summary.version, first.changes, first.summary.breaks) == (1, (), 5)
    assert read(store, reading.day, "momo", DAY, version=3) is None


GONE = [("went", "b4", 10_000), ("went", "b5", 50_000)]


def test_the_rows_of_a_run_are_read_with_where_each_break_stands(store):
    run = read(store, reading.day, "momo", DAY).summary.run_id
    with store.begin() as transaction:
        assert [one["our_reference"] for one in reading.matches(transaction, run)] == [
            "P1",
            "P2",
            "P3",
            "S",
            "P1",
            "P1",
        ]
        act_on = name("b1")
        work.assign(transaction, [act_on], to="lan", by=HOA)
        found = {one["break_id"]: one for one in reading.breaks(transaction, run)}
    assert len(found) == 5
    one = found[act_on]
    assert (one["state"], one["assignee"], one["opened_on"], one["age_days"], one["rule"]) == (
        "assigned",
        "lan",
        DAY,
        0,
        "none",
    )


def pages(store: Store, today: date = DAY, **wanted: Any) -> list[str]:
    page = read(store, reading_breaks.list_breaks, Wanted(**wanted), today=today)
    assert len(page.lines) == page.found
    assert sum(one.at_risk_vnd for one in page.lines) == page.at_risk_vnd
    return [one.break_id[:2] for one in page.lines]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["b1", "b2", "b3", "b4", "b5"]),
        ({"party": "vnpay"}, []),
        ({"break_class": "amount_differs"}, ["b3"]),
        ({"state": "resolved"}, ["b1"]),
        ({"state": "unresolved"}, ["b2", "b3", "b4", "b5"]),
        ({"state": "assigned"}, ["b2"]),
        ({"assignee": "lan"}, ["b2"]),
        ({"assignee": "-", "state": "unresolved"}, ["b3", "b4", "b5"]),
        ({"text": "t-LẠ"}, ["b2"]),
        ({"text": "P-b3"}, ["b3"]),
        ({"text": "b40000"}, ["b4"]),
        ({"text": "%"}, []),
        ({"since": NEXT_DAY}, []),
        ({"until": DAY, "since": DAY, "break_class": "missing_in_core"}, ["b2"]),
        ({"order": "at_risk", "state": "unresolved"}, ["b5", "b4", "b3", "b2"]),
        ({"order": "class"}, ["b3", "b1", "b2", "b5", "b4"]),
        ({"bucket": "0-1"}, ["b1", "b2", "b3", "b4", "b5"]),
        ({"bucket": "2-3"}, []),
    ],
)
def test_the_list_of_breaks_is_filtered_and_ordered(store, wanted, found):
    resolve(store, "b1")
    act(store, work.assign, [name("b2")], to="lan", by=HOA)
    assert pages(store, **wanted) == found


def test_the_list_is_read_page_by_page(store):
    wanted = Wanted(page_size=2)
    read_page = [
        read(store, reading_breaks.list_breaks, replace(wanted, page=number), today=DAY) for number in (1, 2, 3, 4)
    ]
    assert [[one.break_id[:2] for one in page.lines] for page in read_page] == [["b1", "b2"], ["b3", "b4"], ["b5"], []]
    assert {(page.found, page.pages, page.at_risk_vnd) for page in read_page} == {(5, 3, 111_009)}


@pytest.mark.parametrize(
    "wanted",
    [{"break_class": "x"}, {"state": "x"}, {"bucket": "x"}, {"order": "x"}, {"page": 0}, {"page_size": 501}],
)
def test_a_filter_nobody_knows_is_refused(store, wanted):
    with pytest.raises(MalformedError):
        read(store, reading_breaks.list_breaks, Wanted(**wanted), today=DAY)


AGES = [(0, "0-1"), (1, "0-1"), (2, "2-3"), (3, "2-3"), (4, "4-7"), (7, "4-7"), (8, "8-30"), (30, "8-30"), (31, ">30")]


@pytest.mark.parametrize(("days", "bucket"), AGES)
def test_a_break_ages_into_its_bucket(store, days, bucket):
    today = DAY + timedelta(days=days)
    assert pages(store, today, break_class="amount_differs", bucket=bucket) == ["b3"]
    aged = read(store, reading_breaks.ageing, today=today)
    assert {one.bucket for one in aged} == {bucket}
    assert Aged(party="momo", break_class="amount_differs", bucket=bucket, breaks=1, at_risk_vnd=1_000) in aged
    [line] = read(store, reading_breaks.list_breaks, Wanted(break_class="amount_differs"), today=today).lines
    assert line.age_days == days


def test_ageing_counts_what_is_unresolved_by_party_class_and_age(store):
    keep(store, "v", party="vnpay", breaks=[broken("c1"), broken("c2", vnd=7)], business_on=NEXT_DAY)
    resolve(store, "b1")
    today = DAY + timedelta(days=2)
    told = [
        (one.party, one.break_class, one.bucket, one.breaks, one.at_risk_vnd)
        for one in read(store, reading_breaks.ageing, today=today)
    ]
    assert told == [
        ("momo", "amount_differs", "2-3", 1, 1_000),
        ("momo", "missing_in_core", "2-3", 1, 9),
        ("momo", "receipt_missing", "2-3", 1, 50_000),
        ("momo", "settlement_short", "2-3", 1, 10_000),
        ("vnpay", "missing_at_partner", "2-3", 2, 50_007),
    ]
    assert {one.party for one in read(store, reading_breaks.ageing, today=today, party="vnpay")} == {"vnpay"}


def test_what_a_day_leaves_unresolved_is_carried_forward(store):
    act(store, work.carry_forward, [name("b2")], by=HOA, remark="chờ")
    resolve(store, "b3")
    carried = frozenset({name("b1"), name("b2"), name("b4"), name("b5")})
    left = [broken("b2", "missing_in_core", 9), broken("d1", business_on=NEXT_DAY)]
    keep(store, "n", business_on=NEXT_DAY, breaks=left, carried_in=carried)
    [of_day] = read(store, reading.days, business_on=NEXT_DAY)
    wanted = Wanted(run_id=of_day.run_id, state="unresolved")
    lines = read(store, reading_breaks.list_breaks, wanted, today=NEXT_DAY).lines
    assert [(one.break_id[:2], one.business_on, one.age_days, one.carried) for one in lines] == [
        ("b2", DAY, 1, True),
        ("d1", NEXT_DAY, 0, False),
    ]
    assert (of_day.carried_in, of_day.carried_out) == (Total(0, 0), Total(1, 50_000))
    assert pages(store, run_id=of_day.run_id) == ["b2", "d1"]
    [seen] = read(store, reading.days, business_on=DAY)
    assert seen.carried_out == Total(2, 100_000)  # what a later day matched was carried there, not written off


def test_one_break_is_read_with_its_life_and_its_runs(store):
    act(store, work.assign, [name("b1")], to="lan", by=HOA)
    act(store, work.attach, name("b1"), by=HOA, name="a.txt", body=b"12345")
    act(store, work.assign, [name("b2")], to="lan", by=HOA)
    act(store, work.propose, name("b1"), by=HOA, proposal="write_off", reason_code="other", remark="vì vậy")
    seen = read(store, reading_breaks.get_break, name("b1"), today=NEXT_DAY)
    assert (seen.line.state, seen.line.proposal, seen.proposal_text, seen.line.proposed_by) == (
        "proposed",
        "write_off",
        "vì vậy",
        "hoa",
    )
    assert (seen.first_run_on, seen.first_version, seen.last_version) == (DAY, 1, 1)
    assert [(one.actor, one.action, one.from_state, one.to_state) for one in seen.events] == [
        ("reconcile", "opened", "", "open"),
        ("hoa", "assigned", "open", "assigned"),
        ("hoa", "attached", "assigned", "assigned"),
        ("hoa", "proposed", "assigned", "proposed"),
    ]
    [file] = seen.attachments
    assert (file.number, file.name, file.bytes, file.by) == (1, "a.txt", 5, "hoa")
    assert seen.suggestions == ()
    found = read(store, reading_breaks.get_break, name("b5"), today=NEXT_DAY)
    assert found.suggestions == ("issue_receipt",)
    with pytest.raises(MalformedError) as caught:
        read(store, reading_breaks.get_break, name("no"), today=DAY)
    assert caught.value.reason == "unknown_break"


def test_the_age_of_a_resolved_break_stops_when_it_was_resolved(store):
    resolve(store, "b1")
    rows_of(store, "UPDATE break_items SET resolved_at = '2026-11-22T18:00Z' WHERE state = 'resolved'")  # the 23rd here
    seen = read(store, reading_breaks.get_break, name("b1"), today=DAY + timedelta(days=90))
    assert seen.line.age_days == 3


def test_where_the_signature_stands_is_read_with_the_day(store):
    ids = [name(f"b{number}") for number in range(1, 6)]
    act(store, work.carry_forward, ids, by=HOA, remark="chờ")
    content_hash = act(store, sign_off.prepare, "momo", DAY, by=HOA)
    [day] = read(store, reading.days, business_on=DAY)
    assert (day.signing.state, day.signing.content_hash, day.signing.stale) == ("prepared", content_hash, False)
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    sealed = {"signer": key, "report_digest": "a" * 64}
    act(store, sign_off.approve, "momo", DAY, by=MINH, content_hash=content_hash, **sealed)
    [day] = read(store, reading.days, business_on=DAY)
    assert (day.signing.state, day.signing.prepared_by, day.signing.approved_by) == ("signed", "hoa", "minh")


def test_every_code_has_its_words_in_both_languages():
    tables = (
        words.BREAK_CLASSES,
        words.STATES,
        words.REASONS,
        words.PROPOSALS,
        words.ACTIONS,
        words.RESOLUTIONS,
        words.LEGS,
        words.SIDES,
        words.STATIONS,
        words.TOTALS,
        words.RULES,
        words.SIGNING,
        words.ROLES,
        words.AGES,
    )
    assert all(vi and en and vi != en for table in tables for vi, en in table.values())
    assert set(words.BREAK_CLASSES) == set(get_args(BreakClass))
    assert set(get_args(Pass)) <= set(words.RULES)
    assert set(words.AGES) == set(reading_breaks.BUCKETS)
    assert words.said(words.STATES, "open") == "Mới"
    assert words.said(words.STATES, "open", "en") == "Open"
    assert words.said(words.STATES, "what") == "what"
    assert words.rule_said("exact_reference/split", "en") == "Our exact reference (split)"
    assert words.rule_said("brand_new", "en") == "brand_new"
