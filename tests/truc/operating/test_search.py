"""Everything an operator looks for is found, by an index, and what it shows holds no personal data."""

from typing import Any

import pytest

from truc.exchange.journal.chain import chain
from truc.operating import search
from truc.operating.search import Wanted

SECRETS = ("Phạm Thị Hòa", "056111222333", "0905111222", "7 Lê Lợi")


@pytest.fixture
def day(hub: Any, partner: Any, make: Any) -> Any:
    """A hub after some work: sent, refused, set aside and waiting messages, and one that came in."""
    portal, sms = partner("national_portal"), partner("sms")
    hub.publish(make["dossier"](1), make["notice"](1), make["notice"](2, phone="02583822222"))
    hub.deliver(portal)
    hub.deliver(sms)
    hub.publish(make["step"](1, 4, 1), make["step"](1, 5, 2), make["dossier"](2))
    portal.control("codes", {"next": {"CapNhatTienDoHoSoMC": "-1"}})
    hub.sql("UPDATE outbox SET not_before = now() + interval '1 hour' WHERE external_id <> 'H32.01-260304-0001/1'")
    hub.deliver(portal)
    chain(hub.store)
    return hub


def test_the_list_counts_what_is_open_and_what_was_done(day: Any, operator: Any) -> None:
    shown = {tuple(line.split()) for line in operator.types("list").output.splitlines()}
    assert shown == {
        ("out", "national_portal", "dossier", "sent", "1"),
        ("out", "national_portal", "dossier", "waiting", "1"),
        ("out", "national_portal", "progress", "refused", "1"),
        ("out", "national_portal", "progress", "waiting", "1"),
        ("out", "sms", "message", "sent", "1"),
        ("out", "sms", "message", "set_aside", "1"),
    }


def test_an_empty_hub_says_so(operator: Any) -> None:
    for words, told in (
        (["list"], "no message yet"),
        (["set-aside"], "nothing is set aside"),
        (["audit"], "nothing was done yet"),
        (["maintenance", "list"], "no window"),
        (["search", "--dossier", "H32.01-260304-0001"], "nothing found"),
        (["retention", "--dry-run"], "no drawer is over"),
    ):
        assert told in operator.types(*words).output


def test_messages_are_found_by_what_is_known_of_them(day: Any, operator: Any) -> None:
    for words, names in {
        ("--dossier", "H32.01-260304-0001"): {
            "H32.01-260304-0001",
            "H32.01-260304-0001/1",
            "H32.01-260304-0001/2",
            "H32.01-260304-0001/ready",
        },
        ("--external-id", "H32.01-260304-0002"): {"H32.01-260304-0002"},
        ("--party", "sms"): {"H32.01-260304-0001/ready", "H32.01-260304-0002/ready"},
        ("--party", "sms", "--state", "sent"): {"H32.01-260304-0001/ready"},
        ("--operation", "progress"): {"H32.01-260304-0001/1", "H32.01-260304-0001/2"},
        ("--reason", "not_a_mobile_number"): {"H32.01-260304-0002/ready"},
        ("--state", "refused"): {"H32.01-260304-0001/1"},
        ("--state", "kept"): set(),
        ("--party", "sms", "--since", "2999-01-01"): set(),
        ("--party", "sms", "--until", "2000-01-01"): set(),
    }.items():
        done = operator.types("search", *words)
        assert done.exit_code == 0, done.output
        found = {line.split(":")[-2].split()[-1] for line in done.output.splitlines() if ": " in line}
        assert found == names, words
    assert len(operator.types("search", "--party", "sms", "--limit", 1).stdout.splitlines()) == 1
    assert "say one thing" in operator.types("search").output
    assert "say one thing" in operator.types("search", "--dossier", "x", "--party", "sms").output


def test_everything_about_a_message_is_shown_but_what_it_says(day: Any, operator: Any) -> None:
    refused = _number(day, "H32.01-260304-0001/1")
    waiting = _number(day, "H32.01-260304-0001/2")
    sent = _number(day, "H32.01-260304-0001")
    shown = operator.types("show", refused).output
    for word in (
        "refused",
        "attempts           1",
        "message",
        "body",
        "journal",
        "number 1",
        f"holds              {waiting}",
    ):
        assert word in shown, word
    assert f"held by            {refused}" in operator.types("show", waiting).output
    told = operator.types("show", sent).output
    [kept] = day.sql(
        "SELECT digest FROM kept_bodies JOIN outbox ON body_id = kept_bodies.id WHERE outbox.id = :id", id=sent
    )
    assert told.count(kept.digest) == 2  # among the bytes, and in the journal
    for secret in SECRETS:
        assert secret not in shown + told
    assert operator.types("show", 424242).output == "Error: no exchange 424242 is kept\n"


def test_who_looks_at_the_bytes_is_written_down(day: Any, operator: Any) -> None:
    sent = _number(day, "H32.01-260304-0001")
    before = operator.tables()
    refused = operator.types("show", sent, "--body", "--actor", "hoa")
    assert "reason: must not be blank" in refused.output
    assert "Phạm Thị Hòa" not in refused.output
    assert operator.tables() == before
    shown = operator.types("show", sent, "--body", "--actor", "hoa", "--reason", "the citizen asks").output
    assert shown.count("Phạm Thị Hòa") == 2  # our message, and the bytes as sent
    [deed] = day.sql("SELECT * FROM audit_log")
    assert (deed.actor, deed.action, deed.target, deed.reason) == (
        "hoa",
        "show_body",
        f"exchange {sent}",
        "the citizen asks",
    )
    assert "hoa: show_body" in operator.types("audit", "--since", "2020-01-01").output
    assert "nothing was done" in operator.types("audit", "--since", "2999-01-01").output


def test_what_is_set_aside_is_listed_by_party_reason_and_kind(day: Any, operator: Any) -> None:
    for words, count in (
        ([], 2),
        (["--party", "sms"], 1),
        (["--reason", "not_a_mobile_number"], 1),
        (["--kind", "progress"], 1),
        (["--party", "sms", "--kind", "progress"], 0),
        (["--limit", 1], 1),
    ):
        lines = [one for one in operator.types("set-aside", *words).output.splitlines() if "exchange" in one]
        assert len(lines) == count, words


def test_the_lines_tell_breaker_couriers_and_what_waits(day: Any, operator: Any, partner: Any) -> None:
    there = partner("momo")
    day.one_for("momo")
    there.go_away()
    for _ in range(8):
        day.soon()
        day.deliver(there)
    lines = {line.split()[0]: line for line in operator.types("lines").output.splitlines()}
    assert "open" in lines["momo"]
    assert "tries again" in lines["momo"]
    assert "waiting       1, oldest" in lines["momo"]
    assert "waiting       2" in lines["national_portal"]
    assert "closed" in lines["vietinbank"]


def test_a_name_that_was_dropped_with_its_drawer_is_found_no_more_and_raises_nothing(day: Any) -> None:
    sent = _number(day, "H32.01-260304-0001")
    day.sql("DELETE FROM outbox WHERE id = :id", id=sent)
    with day.store.begin() as transaction:
        assert search.by_external_id(transaction, "H32.01-260304-0001") == []
        assert search.matching(transaction, Wanted(party="national_portal", state="sent")) == []


def _number(hub: Any, external_id: str) -> int:
    return int(hub.sql("SELECT id FROM outbox WHERE external_id = :name", name=external_id)[0].id)
