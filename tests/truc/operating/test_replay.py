"""What was stopped is replayed once, in order, and only as far as it cannot be doubled."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import requests

from truc.errors import MalformedError
from truc.exchange.journal.chain import chain
from truc.operating import audit, repeat, replay

PROGRESS = "CapNhatTienDoHoSoMC"
BY = audit.Order(actor="hoa", reason="mended")


def test_a_refused_message_goes_again_once_under_a_name(hub: Any, partner: Any, make: Any, operator: Any) -> None:
    there = partner("national_portal")
    number = _refused(hub, there, make)
    told = operator.orders("replay", number)
    assert "1 go, 0 left" in told
    assert (hub.states(), hub.aside()) == (["waiting"], [])
    row = hub.rows()[0]
    assert (row.attempts, row.asks, row.reason, row.finished_at, row.body_id) == (0, 0, None, None, None)
    hub.until_sent(there)
    assert there.times() == {"H32.01-260304-0001": 1}

    again = operator.orders("replay", number)
    assert "nothing to do" in again
    assert "was replayed before under the name" in again
    assert [row.action for row in hub.sql("SELECT action FROM audit_log")] == ["replay"]
    assert [row.resolved_how for row in hub.sql("SELECT resolved_how FROM set_aside")] == ["replayed"]


def test_what_is_refused_again_goes_again_only_under_another_name(
    hub: Any, partner: Any, make: Any, operator: Any
) -> None:
    there = partner("national_portal")
    number = _refused(hub, there, make)
    operator.orders("replay", number)
    there.control("codes", {"next": {"DongBoHoSoMC": "-1"}})
    hub.deliver(there)
    assert hub.states() == ["refused"]
    assert len(hub.aside()) == 1
    assert "nothing to do" in operator.orders("replay", number)
    assert hub.states() == ["refused"]
    assert "1 go" in operator.orders("replay", number, "--as", "second-try")
    hub.until_sent(there)


def test_a_replayed_set_goes_in_order_per_key_whatever_order_it_is_named_in(
    hub: Any, partner: Any, make: Any, operator: Any
) -> None:
    there = partner("national_portal")
    for number in (1, 2, 3):
        steps = [make["step"](number, status, hours) for hours, status in ((1, 4), (2, 5), (3, 4), (4, 9))]
        hub.publish(make["dossier"](number), *steps)
    # As after a fault of a mapping, and its replay, and another fault: all of a key are stopped.
    hub.sql("UPDATE outbox SET state = 'set_aside', reason = 'mapping_failed', finished_at = now()")
    ids = [row.id for row in hub.rows()]
    operator.orders("replay", *reversed(ids))
    hub.until_sent(there, runs=30)
    order: dict[str, list[str]] = {}
    for key, step in there.told("order", PROGRESS):
        order.setdefault(key, []).append(step.split("|")[1])
    assert order == {f"H32.01-260304-{number:04d}": ["4", "5", "4", "9"] for number in (1, 2, 3)}
    assert set(there.times(PROGRESS).values()) == {1}


def test_what_may_have_arrived_is_asked_about_first(hub: Any, partner: Any, operator: Any) -> None:
    there = partner("momo")
    hub.one_for("momo")
    there.fault("drop_after")
    there.fault("error_before", operation="query", times=30)
    for _ in range(14):
        hub.deliver(there)
        hub.soon()
    assert hub.aside() == [("P26030400000001", "outcome_unknown")]
    requests.delete(f"{there.running.control_url}/_control/faults", timeout=10).raise_for_status()
    row = hub.rows()[0]
    told = operator.orders("replay", row.id)
    assert "→ unknown" in told
    assert hub.rows()[0].body_id == row.body_id
    hub.until_sent(there, runs=40)
    assert list(there.times().values()) == [1]
    assert hub.rows()[0].attempts == 0  # it was found, not sent


def test_of_a_partner_that_cannot_be_asked_a_person_must_say_what_happened(
    hub: Any, partner: Any, make: Any, operator: Any
) -> None:
    there = partner("sms")
    hub.publish(make["notice"](1), make["notice"](2))
    there.fault("drop_after")
    hub.deliver(there)
    unknown = [row.id for row in hub.rows() if row.state == "set_aside"]
    assert len(unknown) == 1
    assert "find out, then say so" in operator.orders("replay", *unknown)
    told = operator.orders("replay", *unknown, "--happened")
    assert "→ sent" in told
    assert hub.states() == ["sent", "sent"]
    assert hub.deliver(there) == {"unreachable": 0}
    assert list(there.times().values()) == [1, 1]
    chain(hub.store)
    [entry] = hub.sql(
        "SELECT outcome, digest_out FROM journal WHERE exchange_id = :id AND outcome = 'sent'", id=unknown[0]
    )
    [body] = hub.sql(
        "SELECT digest FROM kept_bodies JOIN outbox ON body_id = kept_bodies.id WHERE outbox.id = :id", id=unknown[0]
    )
    assert entry.digest_out.hex() == body.digest
    assert [one.reason for one in hub.rows() if one.id in unknown] == ["told_happened"]


def test_what_a_person_knows_did_not_happen_is_sent_again(hub: Any, partner: Any, operator: Any) -> None:
    there = partner("sms")
    hub.one_for("sms")
    there.fault("silent_before")
    hub.deliver(there)
    [row] = hub.rows()
    assert (row.state, row.reason) == ("set_aside", "outcome_unknown")
    assert "→ waiting" in operator.orders("replay", row.id, "--not-happened")
    hub.until_sent(there)
    assert list(there.times().values()) == [1]


def test_a_refusal_did_not_happen_whatever_is_said(hub: Any, partner: Any, make: Any, operator: Any) -> None:
    number = _refused(hub, partner("national_portal"), make)
    assert "it did not happen: it is refused" in operator.orders("replay", number, "--happened")
    assert hub.states() == ["refused"]


def test_a_dry_run_tells_what_would_go_and_why_the_rest_would_not_and_changes_nothing(
    hub: Any, partner: Any, make: Any, operator: Any
) -> None:
    there = partner("national_portal")
    hub.publish(make["dossier"](9))
    hub.deliver(there)
    hub.publish(make["dossier"](1), *(make["step"](1, 4, hours) for hours in (1, 2, 3)), make["dossier"](2))
    sent, first, second, third, fourth, lost = (row.id for row in hub.rows())
    hub.sql(
        "UPDATE outbox SET state = 'set_aside', reason = 'mapping_failed' WHERE id IN (:a, :b, :c)",
        a=first,
        b=second,
        c=lost,
    )
    hub.sql("UPDATE outbox SET state = 'unknown' WHERE id = :id", id=fourth)
    hub.sql("DELETE FROM kept_bodies WHERE id = (SELECT message_id FROM outbox WHERE id = :id)", id=lost)
    before = operator.tables()
    told = operator.orders("replay", sent, second, third, fourth, lost, 999_999, "--dry-run")
    assert operator.tables() == before
    for number, why in {
        sent: "it was sent",
        second: f"stands behind exchange {first}",
        third: "it waits already",
        fourth: "it is being asked about",
        lost: "its bytes are past their period",
        999_999: "no such exchange is kept",
    }.items():
        assert f"{number:>10} left as it is: {why}" in told
    assert "nothing was changed" in told
    both = operator.orders("replay", first, second, "--dry-run")
    assert "2 go, 0 left" in both
    assert operator.tables() == before


def test_a_set_is_chosen_by_party_operation_reason_and_time(hub: Any, partner: Any, make: Any, operator: Any) -> None:
    there = partner("sms")
    hub.publish(make["notice"](1, phone="02583822222"), make["notice"](2, phone="02583822223"))
    hub.deliver(there)
    _refused(hub, partner("national_portal"), make)
    for words in (
        ["--party", "momo"],
        ["--party", "sms", "--having", "outcome_unknown"],
        ["--party", "sms", "--operation", "order"],
        ["--party", "sms", "--until", "2026-01-01"],
        ["--since", "2999-01-01T08:00"],
    ):
        assert "nothing to do" in operator.orders("replay", *words, "--dry-run"), words
    assert "3 go" in operator.orders("replay", "--since", "2026-01-01", "--dry-run")
    assert "2 go" in operator.orders("replay", "--party", "sms", "--having", "not_a_mobile_number")
    assert sorted(hub.states()) == ["refused", "waiting", "waiting"]


def test_an_order_without_a_set_a_reason_or_an_actor_is_none(hub: Any, operator: Any) -> None:
    before = operator.tables()
    assert "nothing was asked for" in operator.fails("replay")
    assert "not both" in operator.fails("replay", 1, "--party", "sms")
    assert "reason: must not be blank" in operator.types("replay", 1, "--reason", "  ").output
    assert "Missing option '--reason'" in operator.types("replay", 1).output
    assert "actor: must not be blank" in operator.types("replay", 1, "--reason", "x", "--actor", " ").output
    assert "no time" in operator.fails("replay", "--since", "yesterday")
    assert "--again goes with --as" in operator.fails("replay", 1, "--again")
    assert operator.tables() == before
    with pytest.raises(MalformedError):
        audit.order("", "why")


def test_two_operators_at_once_replay_it_once(hub: Any, partner: Any, make: Any) -> None:
    there = partner("national_portal")
    number = _refused(hub, there, make)
    together = Barrier(4)

    def run(_: int) -> int:
        together.wait()
        return len(replay.replay(hub.store, [number], BY, book=_never).steps)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(run, range(4))) == [0, 0, 0, 1]
    assert len(hub.sql("SELECT FROM audit_log")) == len(hub.sql("SELECT FROM replays")) == 1
    hub.until_sent(there)
    assert list(there.times().values()) == [1]


def test_a_replay_wakes_the_couriers_of_all_that_may_stand_behind(
    hub: Any, partner: Any, make: Any, heard: Any
) -> None:
    number = _refused(hub, partner("national_portal"), make)
    woken = heard(hub.store, lambda: replay.replay(hub.store, [number], BY, book=_never))
    assert woken == {"national_portal/dossier", "national_portal/progress"}
    hub.one_for("sms")
    hub.sql("UPDATE outbox SET state = 'set_aside', reason = 'outcome_unknown' WHERE party = 'sms'")
    [notice] = [row.id for row in hub.rows() if row.party == "sms"]
    woken = heard(hub.store, lambda: replay.replay(hub.store, [notice], BY, book=_never, verdict="happened"))
    assert woken == {"sms/message"}


def test_the_ledger_and_the_audit_log_are_only_added_to(hub: Any, partner: Any, make: Any, operator: Any) -> None:
    operator.orders("replay", _refused(hub, partner("national_portal"), make))
    for statement in ("DELETE FROM replays", "UPDATE replays SET name = 'x'", "DELETE FROM audit_log"):
        with pytest.raises(Exception, match="added to"):
            hub.sql(statement)


def test_a_partner_that_lost_its_books_gets_copies_in_order_once_under_a_name(
    hub: Any, partner: Any, make: Any, operator: Any
) -> None:
    there = partner("national_portal")
    hub.publish(make["dossier"](1), make["step"](1, 4, 1), make["step"](1, 5, 2), make["dossier"](2))
    hub.until_sent(there)
    _forget(there)
    words = ["replay", "--party", "national_portal", "--again", "--as", "portal-lost-2026-03"]
    assert "4 go, 0 left" in operator.orders(*words, "--dry-run")
    assert len(hub.rows()) == 4
    assert "4 go, 0 left" in operator.orders(*words)
    # A message that is published now stands behind the copies of what came before it.
    hub.publish(make["step"](1, 9, 3))
    copies = [row for row in hub.rows() if row.corrects]
    assert [row.external_id.rpartition("~")[2] for row in copies] == ["portal-lost-2026-03"] * 4
    originals = {row.id: row for row in hub.rows()}
    assert all(
        (row.place, row.message_id, row.body_id, row.key)
        == (
            originals[row.corrects].place,
            originals[row.corrects].message_id,
            originals[row.corrects].body_id,
            originals[row.corrects].key,
        )
        for row in copies
    )
    hub.until_sent(there, runs=30)
    steps = [step.split("|")[1] for key, step in there.told("order", PROGRESS)]
    assert steps[-3:] == ["4", "5", "9"]
    second = operator.orders(*words)  # the filter finds the last step too by now: it must not be doubled
    assert "nothing to do" in second
    assert "was used for a set without it" in second
    told = operator.orders("replay", *(row.id for row in copies), "--again", "--as", "another")
    assert told.count("is a copy itself") == 4
    assert len(hub.rows()) == 9


def test_a_key_with_an_open_message_is_not_copied(hub: Any, partner: Any, make: Any, operator: Any) -> None:
    there = partner("national_portal")
    hub.publish(make["dossier"](1), make["step"](1, 4, 1), make["dossier"](2))
    hub.until_sent(there)
    hub.publish(make["step"](1, 5, 2))
    last = hub.rows()[-1].id
    words = ["replay", "--party", "national_portal", "--again", "--as", "lost"]
    for state in ("waiting", "sending", "unknown", "refused", "set_aside"):
        hub.sql("UPDATE outbox SET state = :state WHERE id = :id", state=state, id=last)
        told = operator.orders(*words, "--dry-run")
        assert "1 go, 2 left" in told, state
        assert told.count(f"exchange {last} of its key is not done: settle it first") == 2
    assert "1 go, 2 left" in operator.orders(*words)
    assert [row.external_id for row in hub.rows() if row.corrects] == ["H32.01-260304-0002~lost"]


def test_what_went_before_a_sent_message_is_not_copied_without_it(
    hub: Any, partner: Any, make: Any, operator: Any
) -> None:
    there = partner("national_portal")
    hub.publish(make["dossier"](1), make["step"](1, 4, 1), make["step"](1, 5, 2))
    hub.until_sent(there)
    first, second, third = (row.id for row in hub.rows())
    told = operator.orders("replay", first, second, "--again", "--as", "a", "--dry-run")
    assert told.count(f"a later one was sent and is not in the set: exchange {third}") == 2
    assert "nothing to do, 2 left" in told
    assert "2 go, 0 left" in operator.orders("replay", second, third, "--again", "--as", "a", "--dry-run")
    hub.sql("DELETE FROM kept_bodies WHERE id = (SELECT body_id FROM outbox WHERE id = :id)", id=third)
    told = operator.orders("replay", first, second, third, "--again", "--as", "a")
    assert "nothing to do, 3 left" in told
    assert told.count(f"a later one was sent and does not go with it: exchange {third}") == 2
    assert len(hub.rows()) == 3


def test_copies_of_another_name_go_first(hub: Any, partner: Any, make: Any, operator: Any) -> None:
    there = partner("national_portal")
    hub.publish(make["dossier"](1), make["step"](1, 4, 1), make["step"](1, 5, 2))
    hub.until_sent(there)
    words = ["replay", "--party", "national_portal", "--again", "--as"]
    assert "3 go, 0 left" in operator.orders(*words, "one")
    told = operator.orders(*words, "two")
    assert "nothing to do, 3 left" in told
    assert told.count("of its key is not done") == 3
    hub.until_sent(there)
    assert "3 go, 0 left" in operator.orders(*words, "two")  # the copies that were sent are not in the way
    hub.until_sent(there)
    assert [step.split("|")[1] for _, step in there.told("order", PROGRESS)] == ["4", "5"] * 3


def test_a_message_that_is_sent_meanwhile_is_seen(hub: Any, partner: Any, make: Any, while_finishing: Any) -> None:
    there = partner("national_portal")
    hub.publish(make["dossier"](1))
    hub.until_sent(there)
    hub.publish(make["step"](1, 4, 1))
    first, second = hub.rows()
    plan = while_finishing(second.external_id, lambda: repeat.send_again(hub.store, [first.id], BY, name="x"))
    assert [one.why for one in plan.skips] == [f"a later one was sent and is not in the set: exchange {second.id}"]
    assert len(hub.rows()) == 2


def test_only_what_was_sent_can_be_sent_again(hub: Any, partner: Any, make: Any) -> None:
    number = _refused(hub, partner("national_portal"), make)
    plan = repeat.send_again(hub.store, [number, 77_777], BY, name="x")
    assert [one.why for one in plan.skips] == ["is refused, not sent", "no such exchange is kept"]
    assert hub.sql("SELECT FROM audit_log") == []
    with pytest.raises(MalformedError, match="as: "):
        repeat.send_again(hub.store, [number], BY, name="a b")


def _refused(hub: Any, there: Any, make: Any) -> int:
    """Have the portal refuse a dossier; return the exchange's number."""
    hub.publish(make["dossier"](1))
    there.control("codes", {"next": {"DongBoHoSoMC": "-1"}})
    hub.deliver(there)
    [row] = [row for row in hub.rows() if row.state == "refused"]
    return int(row.id)


def _forget(there: Any) -> None:
    """Have the partner lose all it knows."""
    there.go_away()
    shutil.rmtree(there.home)
    there.come_back()


def _never(*_: object) -> None:
    raise AssertionError("nothing came in")
