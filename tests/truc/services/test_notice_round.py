"""A notice that was refused goes the next way, once each; one that may have arrived never goes a second."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from truc import steps
from truc.envelope import Outgoing, Receipt
from truc.errors import OutcomeUnknownError, RejectedError, TransientError
from truc.exchange import courier
from truc.operating import audit, replay
from truc.services import notice_round, notices
from truc.services.notices import Notice

EVERY = ("zalo", "sms", "email")
BY = audit.Order(actor="hoa", reason="found out")


@dataclass
class Town:
    """Citizens who hear: a client of every channel that does as it is told, and counts what arrived."""

    office: Any
    arrived: Counter[tuple[str, str]] = field(default_factory=Counter)
    answers: Callable[[str, str], str] = lambda _party, _event: "taken"

    def give(self, code: str, event: str) -> str:
        with self.office.store.begin() as transaction:
            return notices.give(transaction, Notice(event_key=event, kinds=("ready",), dossier_code=code, facts={}))

    def deliver(self, party: str) -> None:
        with closing(_Client(self, party)) as client:
            courier.deliver(self.office.store, client, party, ("message",), on_receipt=lambda *_: None)

    def follow(self) -> Counter[str]:
        return notice_round.follow(self.office.store)

    def rows(self) -> list[Any]:
        return list(self.office.sql("SELECT * FROM outbox WHERE operation = 'message' ORDER BY id"))

    def stands(self, event: str) -> tuple[str, str, list[str], str]:
        [row] = self.office.sql("SELECT * FROM notices WHERE event_key = :event", event=event)
        return row.state, row.channel, row.tried, row.reason

    def soon(self) -> None:
        self.office.sql("UPDATE outbox SET not_before = now() WHERE drawer = 0 AND state IN ('waiting', 'unknown')")
        self.office.sql("UPDATE lines SET breaker = 'closed', failures = 0, ramp = NULL")


@dataclass
class _Client:
    town: Town
    party: str

    def send_message(self, outgoing: Outgoing) -> Receipt:
        answer = self.town.answers(self.party, outgoing.external_id)
        if answer in ("taken", "taken_unheard"):
            self.town.arrived[outgoing.external_id, self.party] += 1
        match answer:
            case "refused":
                raise RejectedError("no such number", code="-118")
            case "later":
                raise TransientError("busy", reason="partner_failure")
            case "unheard" | "taken_unheard":
                raise OutcomeUnknownError("no answer", reason="no_answer")
        return Receipt(external_id="", body=b"ok")

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def town(office: Any, channels: Any, limits: Any) -> Town:
    channels(*EVERY)
    limits(attempts_max=2)
    return Town(office)


def test_what_arrived_is_over(town: Town) -> None:
    code = town.office.receive(wants_sms=True)
    assert town.follow() == {}
    town.deliver("zalo")
    assert town.follow() == {"sent": 1}
    assert town.stands(f"{code}/1") == ("sent", "zalo", ["zalo"], "")
    assert town.follow() == {}


def test_a_refused_notice_goes_each_other_way_once_and_then_ends(town: Town) -> None:
    town.answers = lambda _party, _event: "refused"
    code = town.office.receive(wants_sms=True)
    for party, became in (("zalo", "given"), ("sms", "given"), ("email", "undelivered")):
        town.deliver(party)
        assert town.follow() == {became: 1}
    assert town.stands(f"{code}/1") == ("undelivered", "email", ["zalo", "sms", "email"], "rejected")
    assert town.follow() == {}
    assert [(row.party, row.state, row.reason) for row in town.rows()] == [
        ("zalo", "superseded", "other_way"),
        ("sms", "superseded", "other_way"),
        ("email", "refused", "rejected"),
    ]
    open_items = town.office.sql("SELECT party FROM set_aside WHERE state = 'open'")
    assert [row.party for row in open_items] == ["email"], "what went another way needs nobody's decision"


def test_the_message_of_the_next_way_holds_that_ways_address(town: Town) -> None:
    town.answers = lambda party, _event: "refused" if party != "email" else "taken"
    code = town.office.receive(wants_sms=True)
    for party in EVERY:
        town.deliver(party)
        town.follow()
    assert town.stands(f"{code}/1")[0] == "sent"
    assert town.arrived == {(f"{code}/1", "email"): 1}


def test_a_way_without_an_address_is_left_out(town: Town) -> None:
    town.answers = lambda _party, _event: "refused"
    silent = town.office.intake().applicant.model_copy(update={"email": ""})
    code = town.office.receive(wants_sms=True, applicant=silent)
    for party in ("zalo", "sms"):
        town.deliver(party)
        town.follow()
    assert town.stands(f"{code}/1")[:3] == ("undelivered", "sms", ["zalo", "sms"])


def test_what_cannot_be_written_for_a_channel_goes_the_next_way(town: Town) -> None:
    landline = town.office.intake().applicant.model_copy(update={"phone": "02583822222"})
    code = town.office.receive(wants_sms=True, applicant=landline)
    for party in EVERY:
        town.deliver(party)
        town.follow()
    assert town.stands(f"{code}/1")[:2] == ("sent", "email")
    assert town.arrived == {(f"{code}/1", "email"): 1}


def test_a_channel_that_gave_up_its_tries_was_not_reached_and_the_next_one_is_tried(town: Town) -> None:
    town.answers = lambda party, _event: "later" if party == "zalo" else "taken"
    code = town.office.receive(wants_sms=True)
    for _ in range(3):
        town.soon()
        town.deliver("zalo")
    assert town.rows()[0].state == "set_aside"
    assert town.follow() == {"given": 1}
    assert town.stands(f"{code}/1")[1] == "sms"


@pytest.mark.parametrize("answer", ["unheard", "taken_unheard"])
def test_what_may_have_arrived_never_goes_another_way(town: Town, answer: str) -> None:
    town.answers = lambda party, _event: answer if party == "zalo" else "taken"
    code = town.office.receive(wants_sms=True)
    for _ in range(4):
        town.soon()
        town.deliver("zalo")
        town.follow()
    [row] = town.rows()
    assert (row.state, row.reason) == ("set_aside", "outcome_unknown")
    assert town.follow() == {"in_doubt": 1}
    assert town.stands(f"{code}/1")[:2] == ("given", "zalo")
    happened = answer == "taken_unheard"
    verdict = "happened" if happened else "not_happened"
    replay.replay(town.office.store, [row.id], BY, book=_never, verdict=verdict)  # type: ignore[arg-type]  # a word of two
    town.answers = lambda _party, _event: "taken"
    town.deliver("zalo")
    assert town.follow() == {"sent": 1}
    assert town.arrived == {(f"{code}/1", "zalo"): 1}


def test_what_a_person_gave_up_is_undelivered(town: Town) -> None:
    town.answers = lambda _party, _event: "unheard"
    code = town.office.receive(wants_sms=True)
    for _ in range(4):
        town.soon()
        town.deliver("zalo")
    from truc.operating import correct

    with town.office.store.begin() as transaction:
        correct.drop(transaction, town.rows()[0].id, BY)
    assert town.follow() == {"undelivered": 1}
    assert town.stands(f"{code}/1")[3] == "dropped"


def test_what_somebody_sends_once_more_is_left_to_its_channel(town: Town) -> None:
    town.answers = lambda _party, _event: "refused"
    town.office.receive(wants_sms=True)
    town.deliver("zalo")
    replay.replay(town.office.store, [town.rows()[0].id], BY, book=_never)
    assert town.follow() == {}
    assert [row.party for row in town.rows()] == ["zalo"]


def test_a_message_that_went_another_way_can_not_be_replayed(town: Town) -> None:
    town.answers = lambda _party, _event: "refused"
    town.office.receive(wants_sms=True)
    town.deliver("zalo")
    town.follow()
    plan = replay.replay(town.office.store, [town.rows()[0].id], BY, book=_never)
    assert (plan.steps, len(plan.skips)) == ((), 1)


def test_many_rounds_at_once_give_each_notice_one_next_way(town: Town, monkeypatch: Any) -> None:
    monkeypatch.setattr(notice_round, "AT_ONCE", 4)  # several pages each
    town.answers = lambda _party, _event: "refused"
    code, together = town.office.receive(wants_sms=True), Barrier(4)
    for number in range(12):
        town.give(code, f"e{number:02d}")
    town.deliver("zalo")

    def at_once(_: int) -> Counter[str]:
        together.wait()
        return town.follow()

    with ThreadPoolExecutor(4) as pool:
        total = sum(pool.map(at_once, range(4)), Counter[str]()) + town.follow()
    assert total == {"given": 13}
    assert Counter((row.party, row.state) for row in town.rows()) == {
        ("zalo", "superseded"): 13,
        ("sms", "waiting"): 13,
    }


def test_many_rounds_at_once_give_what_waited_once(town: Town, channels: Any) -> None:
    channels()
    code, together = town.office.receive(wants_sms=True), Barrier(4)
    for number in range(40):
        town.give(code, f"e{number:02d}")
    channels("email")

    def at_once(_: int) -> Counter[str]:
        together.wait()
        return town.follow()

    with ThreadPoolExecutor(4) as pool:
        total = sum(pool.map(at_once, range(4)), Counter[str]())
    assert total == {"given": 41}, "none was brought on by two rounds"
    tried = town.office.sql("SELECT tried FROM notices")
    assert [row.tried for row in tried] == [["email"]] * 41


def test_what_waits_for_a_channel_goes_when_there_is_one(town: Town, channels: Any) -> None:
    channels()
    code = town.office.receive(wants_sms=True)
    assert town.follow() == {"waiting": 1}
    channels("email")
    assert steps.follow_notices(town.office.store) == {"given": 1}
    assert town.stands(f"{code}/1")[:2] == ("given", "email")


def test_what_waits_for_a_channel_for_a_day_is_told_as_undelivered(town: Town, channels: Any) -> None:
    channels()
    code = town.office.receive(wants_sms=True)
    town.office.sql("UPDATE notices SET happened_at = now() - interval '25 hours'")
    assert town.follow() == {"undelivered": 1}
    assert town.stands(f"{code}/1") == ("undelivered", "", [], "no_channel")


ANSWERS = ("taken", "taken", "refused", "refused", "later", "unheard", "taken_unheard")
ACTS = st.lists(
    st.sampled_from(["event", "again", "zalo", "sms", "email", "round", "rounds", "truth", "once_more", "soon"]),
    min_size=6,
    max_size=30,
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts=ACTS, seed=st.integers(0, 10**6))
def test_whatever_happens_in_whatever_order_an_event_is_one_message(town: Town, acts: list[str], seed: int) -> None:
    chance = random.Random(seed)
    town.answers = lambda _party, _event: chance.choice(ANSWERS)
    code = town.office.receive(wants_sms=True)
    events = [f"{code}/1"]
    for act in [*acts, "soon", *EVERY, "round"]:
        _act(town, code, events, act, chance)
        _holds(town, events)


def _act(town: Town, code: str, events: list[str], act: str, chance: random.Random) -> None:
    match act:
        case "event":
            events.append(f"{code}/e{len(events)}")
            town.give(code, events[-1])
        case "again":
            assert town.give(code, chance.choice(events)) == "known"
        case "round":
            town.follow()
        case "rounds":
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda _: town.follow(), range(2)))
        case "truth" | "once_more":
            _decide(town, act, chance)
        case "soon":
            town.soon()
        case party:
            town.deliver(party)


def _decide(town: Town, act: str, chance: random.Random) -> None:
    """A person says what they found out of a message in doubt, or sends a refused one again."""
    stopped = [row for row in town.rows() if row.state in ("refused", "set_aside")]
    for row in stopped:
        doubt = row.reason == "outcome_unknown"
        if doubt == (act == "truth"):
            there = bool(town.arrived[row.external_id, row.party])
            verdict = ("happened" if there else "not_happened") if doubt else ""
            name = f"try-{chance.random()}"
            replay.replay(town.office.store, [row.id], BY, book=_never, name=name, verdict=verdict)  # type: ignore[arg-type]  # a word of two


def _holds(town: Town, events: list[str]) -> None:
    arrived: Counter[str] = Counter()
    for (event, _), times in town.arrived.items():
        arrived[event] += times
    assert all(times <= 1 for times in arrived.values()), arrived
    alive = Counter(row.external_id for row in town.rows() if row.state != "superseded")
    assert all(alive[event] <= 1 for event in events), alive
    booked = {row.event_key for row in town.office.sql("SELECT event_key FROM notices")}
    assert set(events) <= booked


def _never(*_: Any) -> None:
    raise AssertionError("nothing came in")
