"""Every message has its effect at the partner once, whatever the line does."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc import parties
from truc.envelope import Receipt
from truc.exchange import attempts, claims, courier, outcomes
from truc.exchange.hands import ThreadHands
from truc.exchange.outcomes import Outcome
from truc.manifest import Limits

LEASE = timedelta(seconds=60)
ASKED = ["national_portal", "momo", "vnpost"]
LOST_AFTER = ["silent_after", "drop_after", "error_after", "garbage", "truncated"]


@pytest.mark.parametrize("party", [*ASKED, "sms"])
def test_a_message_is_sent_once_with_its_receipt_kept(hub: Any, partner: Any, party: str) -> None:
    there = partner(party)
    hub.one_for(party)
    assert hub.deliver(there) == {"sent": 1, "unreachable": 0}
    assert hub.deliver(there) == {"unreachable": 0}
    row = hub.rows()[0]
    assert (row.state, row.attempts, row.asks, row.leased_by, row.reason) == ("sent", 1, 0, None, None)
    assert None not in (row.body_id, row.receipt_id, row.sending_at, row.finished_at)
    assert list(there.times().values()) == [1]


@pytest.mark.parametrize("party", ASKED)
@pytest.mark.parametrize("mode", LOST_AFTER)
def test_an_answer_lost_after_the_effect_is_asked_about_and_nothing_happens_twice(
    hub: Any, partner: Any, party: str, mode: str
) -> None:
    there = partner(party)
    hub.one_for(party)
    there.fault(mode)
    done = hub.deliver(there)
    assert (done["unknown"], done["asked_arrived"], done.get("sent", 0)) == (1, 1, 0)
    assert hub.states() == ["sent"]
    assert hub.rows()[0].attempts == 1
    assert list(there.times().values()) == [1]


@pytest.mark.parametrize("party", ASKED)
@pytest.mark.parametrize("mode", ["silent_before", "refuse", "error_before"])
def test_silence_before_the_effect_is_asked_about_and_then_sent_once_more(
    hub: Any, partner: Any, party: str, mode: str
) -> None:
    there = partner(party)
    hub.one_for(party)
    there.fault(mode)
    done = hub.deliver(there)
    assert (done["unknown"], done["asked_absent"], done["sent"]) == (1, 1, 1)
    row = hub.rows()[0]
    assert (row.state, row.attempts) == ("sent", 2)
    assert list(there.times().values()) == [1]


def test_a_resend_has_the_very_bytes_of_the_first_try(hub: Any, partner: Any) -> None:
    there = partner("vnpost")
    hub.one_for("vnpost")
    there.fault("silent_before")
    hub.deliver(there)
    assert len(hub.sql("SELECT FROM kept_bodies WHERE content_type = 'application/octet-stream'")) == 1


@pytest.mark.parametrize("mode", [*LOST_AFTER, "silent_before", "error_before"])
def test_a_partner_that_cannot_be_asked_leaves_it_to_a_person_and_nothing_is_sent_again(
    hub: Any, partner: Any, make: Any, mode: str
) -> None:
    there = partner("sms")
    hub.publish(make["notice"](1), make["notice"](2))
    there.fault(mode)
    for _ in range(3):
        hub.deliver(there)
    assert sorted(hub.states()) == ["sent", "set_aside"]
    assert [reason for _, reason in hub.aside()] == ["outcome_unknown"]
    assert [row.attempts for row in hub.rows()] == [1, 1]
    happened = 1 if mode in ("silent_before", "error_before") else 2
    assert list(there.times().values()) == [1] * happened


def test_while_a_partner_is_away_its_messages_wait_and_then_all_go_in_order(hub: Any, partner: Any, make: Any) -> None:
    there = partner("national_portal")
    for number in range(1, 16):
        steps = [make["step"](number, status, hours) for hours, status in ((1, 4), (2, 5), (3, 4), (4, 9))]
        hub.publish(make["dossier"](number), *steps)
    there.go_away()

    away = hub.deliver(there)
    assert away["unreachable"] == 1
    assert set(hub.states()) == {"waiting"}
    assert sum(row.attempts for row in hub.rows()) < 30  # it gave up early: most were not tried at all

    there.come_back()
    hub.until_sent(there)
    assert set(there.times().values()) == set(there.times("CapNhatTienDoHoSoMC").values()) == {1}
    order: dict[str, list[str]] = {}
    for key, step in there.told("order", "CapNhatTienDoHoSoMC"):
        order.setdefault(key, []).append(step.split("|")[1])
    assert order == {f"H32.01-260304-{number:04d}": ["4", "5", "4", "9"] for number in range(1, 16)}


def test_an_outage_in_the_middle_loses_and_doubles_nothing(hub: Any, partner: Any, make: Any) -> None:
    there = partner("national_portal")
    hub.publish(*(make["dossier"](number) for number in range(1, 41)))
    for mode in ("drop_after", "error_after", "refuse", "error_before", "unavailable"):
        there.fault(mode, times=4)
    there.fault("refuse", operation="TraCuuHoSo", times=5)
    hub.until_sent(there)
    assert list(there.times().values()) == [1] * 40


def test_asked_to_wait_the_hub_waits_that_long(hub: Any, partner: Any) -> None:
    there = partner("vnpost")
    hub.one_for("vnpost")
    there.fault("unavailable", wait_s=60)
    assert hub.deliver(there)["waiting"] == 1
    row = hub.rows()[0]
    wait_s = hub.sql("SELECT extract(epoch FROM not_before - now()) AS s FROM outbox")[0].s
    assert (row.state, row.reason) == ("waiting", "asked_to_wait")
    assert 50 < wait_s <= 60
    assert hub.deliver(there) == {"unreachable": 0}


def test_a_refused_message_holds_its_key_and_no_other(hub: Any, partner: Any, make: Any) -> None:
    there = partner("national_portal")
    hub.publish(make["dossier"](1), make["dossier"](2))
    hub.deliver(there)
    hub.publish(make["step"](1, 4, 1), make["step"](1, 5, 2), make["step"](2, 4, 1), make["step"](2, 5, 2))
    # The portal no longer knows the first dossier, so its steps are refused.
    hub.sql("UPDATE outbox SET not_before = now() + interval '1 hour' WHERE key LIKE '%0002' AND state = 'waiting'")
    there.control("codes", {"next": {"CapNhatTienDoHoSoMC": "-1"}})
    assert hub.deliver(there)["refused"] == 1
    hub.sql("UPDATE outbox SET not_before = now()")
    assert hub.deliver(there)["sent"] == 2

    states = {row.external_id: row.state for row in hub.rows() if row.operation == "progress"}
    assert states == {
        "H32.01-260304-0001/1": "refused",
        "H32.01-260304-0001/2": "waiting",
        "H32.01-260304-0002/1": "sent",
        "H32.01-260304-0002/2": "sent",
    }
    assert [item for item, _ in hub.aside()] == ["H32.01-260304-0001/1"]
    assert {key for key, _ in there.told("order", "CapNhatTienDoHoSoMC")} == {"H32.01-260304-0002"}


def test_a_message_that_cannot_be_written_is_set_aside_and_the_others_go(hub: Any, partner: Any, make: Any) -> None:
    there = partner("sms")
    hub.publish(make["notice"](1, phone="02583822222"), make["notice"](2))
    done = hub.deliver(there)
    assert (done["set_aside"], done["sent"]) == (1, 1)
    assert hub.aside() == [("H32.01-260304-0001/ready", "not_a_mobile_number")]
    assert [row.attempts for row in hub.rows()] == [0, 1]


def test_two_couriers_at_once_send_nothing_twice(hub: Any, partner: Any, make: Any) -> None:
    there = partner("sms")
    hub.publish(*(make["notice"](number) for number in range(1, 61)))
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: hub.deliver(there), range(3)))
    assert sum(one.get("sent", 0) for one in done) == 60
    assert list(there.times().values()) == [1] * 60


COURIER = """
import json, sys
from truc import steps
from truc.connections import Connection
from truc.store.opened import open_store
from truc.trust.sealing import Sealer
told = json.load(sys.stdin)
sealer = Sealer(seal_key=bytes(32), index_key=bytes(range(32)))
store = open_store(told["url"], sealer)
print(steps.deliver(store, Connection("national_portal", told["fields"]), ("dossier", "progress")))
"""


def test_a_courier_killed_in_the_middle_leaves_nothing_lost_and_nothing_doubled(
    hub: Any, partner: Any, make: Any, repository: Path, tmp_path: Path
) -> None:
    there = partner("national_portal")
    hub.publish(*(make["dossier"](number) for number in range(1, 31)))
    # Two have their effect and get no answer while the courier lives.
    there.fault("silent_after", times=2, wait_s=30)
    script, told = tmp_path / "courier.py", tmp_path / "told.json"
    script.write_text(COURIER, encoding="utf-8")
    url = hub.store.engine.url.render_as_string(hide_password=False)
    told.write_text(json.dumps({"url": url, "fields": dict(there.connection.fields)}), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    with told.open() as stdin:
        child = subprocess.Popen([sys.executable, str(script)], stdin=stdin, env=environment)
    until = time.monotonic() + 60
    while len(there.times()) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait(10)

    in_flight = [row.id for row in hub.rows() if row.state == "sending"]
    assert len(in_flight) >= 2
    assert hub.deliver(there) == {"unreachable": 0}  # its place at the partner is kept for it, for a while
    hub.soon()
    hub.deliver(there)
    assert [row.id for row in hub.rows() if row.state == "sending"] == in_flight  # still leased: hands off

    hub.leases_end()
    hub.until_sent(there)
    assert list(there.times().values()) == [1] * 30
    assert max(row.attempts for row in hub.rows()) <= 2


def test_a_worker_that_lost_its_lease_has_no_more_say(hub: Any, partner: Any) -> None:
    partner("vnpost")
    hub.one_for("vnpost")
    with hub.store.begin() as transaction:
        [slow] = _claim(transaction, "slow")
    hub.leases_end()
    with hub.store.begin() as transaction:
        [quick] = _claim(transaction, "quick")
    assert (slow.state, quick.state) == ("waiting", "sending")
    late = [
        Outcome(one=slow, became="waiting", name="asked_absent", reached=True),
        Outcome(one=slow, became="unknown", name="unknown", reached=False),
        outcomes.stopped(slow, "set_aside", "outcome_unknown", ""),
        attempts.untouched(slow),
    ]
    # What the slow one makes of it must neither take it from the quick one …
    with hub.store.begin() as transaction:
        outcomes.settle(transaction, late)
    [row] = hub.rows()
    assert (row.state, row.leased_by, row.asks) == ("sending", "quick", 0)
    # … nor bring it back to life.
    with hub.store.begin() as transaction:
        outcomes.settle(transaction, [Outcome(one=quick, became="sent", name="sent", reached=True)])
        outcomes.settle(transaction, late)
    assert hub.states() == ["sent"]
    assert hub.aside() == []
    assert hub.tallies() == {("vnpost", "order", "sent"): 1}
    assert hub.journal() == [(quick.external_id, "sent")]


class LateHands(ThreadHands):
    """Hands that come to their work only after most of its lease is over, by the courier's own clock."""

    def __init__(self, count: int) -> None:
        super().__init__(count, name="late")
        self.late_s = 0.0

    def give(self, work: Any) -> None:
        """Let the time pass before the call."""
        self.late_s += courier.IN_HAND_S + 1
        super().give(work)

    def now_s(self) -> float:
        """Return the clock, moved on."""
        return super().now_s() + self.late_s


def test_a_worker_that_may_lose_its_lease_neither_sends_nor_asks(hub: Any, partner: Any) -> None:
    there = partner("vnpost")
    hub.one_for("vnpost")
    before = hub.rows()[0]
    # It looks again and again and never comes in time: the tenth look ends the run.
    looks, turn = iter(range(10)), courier.line.turn

    def ten_turns(*arguments: Any, **names: Any) -> Any:
        return turn(*arguments, **names) if next(looks, None) is not None else courier.Turn(0, "enough")

    with pytest.MonkeyPatch.context() as patched, closing(parties.open_client(there.connection)) as client:
        patched.setattr(courier.line, "turn", ten_turns)
        done = courier.deliver(hub.store, client, "vnpost", ("order",), on_receipt=_nothing, hands=LateHands)
    assert (dict(done.counts), done.why) == ({}, "enough")
    [row] = hub.rows()
    assert (row.state, row.attempts, row.leased_by, row.not_before) == ("waiting", 0, None, before.not_before)
    assert there.times() == {}
    hub.until_sent(there)
    assert list(there.times().values()) == [1]


def test_what_arrives_late_is_not_sent_a_second_time(hub: Any, partner: Any, limits: Any) -> None:
    limits(settle_s=2.5, timeout_s=0.4)
    there = partner("vnpost")
    hub.one_for("vnpost")
    there.fault("late_after", wait_s=1.2)  # silence, asked about at once, and the order booked only then
    hub.deliver(there)
    row = hub.rows()[0]
    assert (row.state, row.attempts) == ("sent", 1)
    assert list(there.times().values()) == [1]


def test_an_outcome_is_written_even_when_the_next_message_cannot_be_prepared(
    hub: Any, partner: Any, make: Any, limits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits(concurrency=1)
    there = partner("sms")
    hub.publish(make["notice"](1), make["notice"](2))
    write, calls = claims._written, iter([True, False])

    def breaks(*arguments: Any) -> Any:
        if not next(calls):
            raise MemoryError
        return write(*arguments)

    monkeypatch.setattr(claims, "_written", breaks)
    with pytest.raises(MemoryError):
        hub.deliver(there)
    assert [row.state for row in hub.rows()] == ["sent", "waiting"]
    assert list(there.times().values()) == [1]


def test_what_is_in_the_hands_is_written_down_when_the_next_messages_cannot_be_prepared(
    hub: Any, partner: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = partner("sms")
    hub.publish(*(make["notice"](number) for number in range(1, 9)))
    attempt, first, claimed_again = attempts.attempt, iter([True]), Event()
    write, calls = claims._written, iter([True, False])

    def comes_late(*arguments: Any) -> Outcome:
        """The first answer is still on its way when the next ones are claimed."""
        outcome = attempt(*arguments)
        if next(first, False):
            assert claimed_again.wait(60), "no other was claimed while it was on its way"
        return outcome

    def breaks(*arguments: Any) -> Any:
        if not next(calls):
            claimed_again.set()
            raise MemoryError
        return write(*arguments)

    monkeypatch.setattr(attempts, "attempt", comes_late)
    monkeypatch.setattr(claims, "_written", breaks)
    with pytest.raises(MemoryError):
        hub.deliver(there)
    # Nothing is left in the air: this partner cannot be asked, so each of those would cost a person's time.
    assert sorted(hub.states()) == ["sent"] * 4 + ["waiting"] * 4
    assert list(there.times().values()) == [1] * 4
    assert hub.sql("SELECT FROM couriers") == []


def test_one_outcome_that_cannot_be_written_stops_no_other_and_ends_the_run(hub: Any, partner: Any, make: Any) -> None:
    there = partner("vnpost")
    hub.publish(*(make["parcel"](number) for number in range(1, 9)))
    bad = make["parcel"](3)[2]

    def on_receipt(_transaction: Any, one: Any, _receipt: Receipt) -> None:
        if one.external_id == bad:
            raise ZeroDivisionError

    with closing(parties.open_client(there.connection)) as client, pytest.raises(ZeroDivisionError):
        courier.deliver(hub.store, client, "vnpost", ("order",), on_receipt=on_receipt)
    assert {row.external_id: row.state for row in hub.rows() if row.state != "sent"} == {bad: "sending"}
    assert hub.tallies() == {("vnpost", "order", "sent"): 7}
    assert hub.sql("SELECT FROM couriers") == []
    hub.leases_end()  # it is asked about like everything found so
    hub.until_sent(there)
    assert list(there.times().values()) == [1] * 8


def test_a_question_somebody_else_took_over_meanwhile_is_left_to_them(
    hub: Any, partner: Any, make: Any, limits: Any
) -> None:
    limits(concurrency=1, timeout_s=5.0)
    there = partner("momo")
    hub.publish(make["payment"](1), make["payment"](2))
    with hub.store.begin() as transaction:
        claims.claim(transaction, "momo", ("payment",), worker="gone", most=2, lease=LEASE)
    hub.leases_end()
    there_is, held = [row.external_id for row in hub.rows()]
    there.fault("silent_before", operation="query", wait_s=2)
    there.fault("unavailable", operation="query", times=9, wait_s=600)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(hub.deliver, there)
        while not there.told("faults"):  # until the first is being asked about; its worker holds the second as well
            time.sleep(0.05)
        taken = "UPDATE outbox SET leased_by = 'another', leased_until = now() + interval '1 hour'"
        hub.sql(f"{taken} WHERE external_id = :held", held=held)
        before = hub.rows()[1]
        running.result()
    first, second = hub.rows()
    assert (first.external_id, first.state, first.asks, first.leased_by) == (there_is, "unknown", 1, None)
    assert second == before
    assert there.times() == {}


def test_the_pay_address_in_an_answer_is_booked(office: Any, partner: Any) -> None:
    there = partner("momo")
    reference = office.order_payment()
    _deliver_momo(office, there)
    url = office.sql("SELECT pay_url FROM payments WHERE our_reference = :reference", reference=reference)[0].pay_url
    assert url.startswith("https://momo.sandbox.invalid/")


def test_a_pay_address_lost_with_its_answer_is_left_to_a_person(office: Any, partner: Any) -> None:
    there = partner("momo")
    reference = office.order_payment()
    there.fault("drop_after")
    _deliver_momo(office, there)
    rows = office.sql("SELECT item, reason FROM set_aside")
    assert [tuple(row) for row in rows] == [(reference, "pay_url_not_given")]
    assert there.times() == {reference: 1}


@given(
    tries=st.integers(1, 60),
    backoff_s=st.floats(0.1, 60),
    backoff_max_s=st.floats(60, 3600),
)
def test_the_wait_doubles_within_its_bounds(tries: int, backoff_s: float, backoff_max_s: float) -> None:
    limits = Limits(backoff_s=backoff_s, backoff_max_s=backoff_max_s)
    ceiling = min(backoff_max_s, backoff_s * 2 ** (tries - 1))
    wait_s = attempts._backoff(limits, tries).total_seconds()
    assert ceiling / 2 - 0.001 <= wait_s <= ceiling + 0.001


def test_waits_are_not_all_the_same() -> None:
    assert len({attempts._backoff(Limits(), 5) for _ in range(20)}) > 10


def _deliver_momo(office: Any, there: Any) -> None:
    from truc import steps

    steps.deliver(office.store, there.connection, ("payment",))


def _claim(transaction: Any, worker: str) -> list[Any]:
    claimed, problems = claims.claim(transaction, "vnpost", ("order",), worker=worker, most=5, lease=LEASE)
    assert problems == []
    return claimed


def _nothing(*_: Any) -> None:
    """Book no receipt."""
