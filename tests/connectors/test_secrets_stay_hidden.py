"""No client, account or token of any party shows a secret setting: printed, in a failure, or in a log at any level."""

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.suites import payments, sending
from tests.suites.partner import Partner
from truc import parties
from truc.connections import Connection, from_airflow_json
from truc.envelope import Order, Outgoing
from truc.errors import TrucError
from truc.manifest import Capability, Event

PARTIES = [manifest.party for manifest in parties.manifests()]
# How a partner may fail in the middle of our words or its own.
MODES = ("refuse", "unavailable", "error_before", "garbage", "truncated", "drop_after", "error_after")
OURS = ("connectors.", "truc.")


def opened(party: str, home: Path) -> Iterator[tuple[Any, Connection]]:
    running = import_module(f"sandbox.{party}.server").start(0, home, "http://127.0.0.1:1")
    try:
        connection = from_airflow_json(party, running.connection)
        with closing(parties.open_client(connection)) as client:
            yield client, connection
    finally:
        running.close()


def held_by(thing: object) -> list[object]:
    """What an object of ours holds: the fields of a dataclass, the attributes of another."""
    if is_dataclass(thing):
        return [getattr(thing, one.name) for one in fields(thing)]
    return list(vars(thing).values()) if hasattr(thing, "__dict__") else []


def printed(thing: object) -> Iterator[str]:
    """The print of an object and of all it holds. A bare text has no print of its own to hide behind."""
    yield repr(thing)
    if type(thing).__module__.startswith(OURS) or type(thing).__module__ == __name__:
        for one in held_by(thing):
            if not isinstance(one, str | bytes):
                yield from printed(one)


def shown(thing: object, secrets: set[str]) -> list[str]:
    return [text for text in printed(thing) if any(secret in text for secret in secrets)]


def secret_values(party: str, connection: Connection) -> set[str]:
    names = {one.name for one in parties.manifest(party).settings if one.secret} | {"password"}
    return {value for name in names if (value := connection.optional(name))}


@pytest.mark.parametrize("party", PARTIES)
def test_nothing_a_client_holds_shows_a_secret_when_printed(party: str, tmp_path: Path) -> None:
    for client, connection in opened(party, tmp_path):
        secrets = secret_values(party, connection)
        assert secrets
        assert shown(client, secrets) == []
        assert not any(secret in repr(connection) for secret in secrets)


@pytest.mark.parametrize(
    ("party", "word_of"),
    [("national_portal", lambda client: client._session.word()), ("vnpost", lambda client: client.token.value())],
)
def test_a_session_or_token_in_use_is_not_shown_either(party: str, word_of: Any, tmp_path: Path) -> None:
    for client, _ in opened(party, tmp_path):
        word = word_of(client)
        assert word
        assert shown(client, {word}) == []


def hidden_texts(thing: object) -> Iterator[str]:
    """The texts that our objects hide when they are printed, such as what was made of a password."""
    if not type(thing).__module__.startswith(OURS):
        return
    hidden = [one.name for one in fields(thing) if not one.repr] if is_dataclass(thing) else []
    yield from (value for name in hidden if isinstance(value := getattr(thing, name), str) and value)
    for one in held_by(thing):
        yield from hidden_texts(one)


def verbs(partner: Partner) -> Iterator[tuple[str, Callable[[Any], object]]]:
    """Every verb of the party's client as (name, call on a client), each with what it is called with in earnest."""
    for one in partner.manifest.operations:
        message, key, external_id = sending.messages(partner, one.event)(1)
        outgoing = Outgoing(external_id, key, parties.writer(partner.party, one.name)(message))
        for verb in (f"send_{one.name}", f"ask_{one.name}"):
            yield verb, lambda client, verb=verb, outgoing=outgoing: getattr(client, verb)(outgoing)  # type: ignore[misc]  # as in tests/suites/fetching.py
    for feed in partner.manifest.feeds:
        since = "2026-03-04" if feed.by_day else ""
        name = f"fetch_{feed.name}"
        yield name, lambda client, name=name, since=since: list(getattr(client, name)(since))  # type: ignore[misc]  # as in tests/suites/fetching.py
    if Capability.SAY_PAYMENT in partner.manifest.capabilities:
        order: Order = payments.order_of(sending.messages(partner, Event.PAYMENT_REQUESTED)(2)[0], "token")
        yield "get_payment", lambda client: client.get_payment(order)
    yield "probe", lambda client: client.probe()


def failures(connection: Connection, calls: list[tuple[str, Callable[[Any], object]]]) -> Iterator[str]:
    """Make every call on a client of its own and yield the whole text of each failure: its chain, and what it holds."""
    for verb, call in calls:
        try:
            with closing(parties.open_client(connection)) as client:
                if hasattr(client, verb):
                    call(client)
        except TrucError as error:
            link: BaseException | None = error
            yield "".join(traceback.format_exception(error))
            while link is not None:
                yield f"{link!r} {vars(link)}"
                link = link.__cause__ or link.__context__


@pytest.mark.parametrize("party", PARTIES)
def test_no_failure_and_no_log_of_a_client_shows_a_secret(
    party: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    running = import_module(f"sandbox.{party}.server").start(0, tmp_path, "http://127.0.0.1:1")
    partner = Partner(parties.manifest(party), running)
    connection = partner.connection
    with closing(parties.open_client(connection)) as client:
        known = secret_values(party, connection)
        secrets = known | set(hidden_texts(client))
    texts = []
    try:
        calls = list(verbs(partner))
        texts += failures(connection, calls)  # what it does not have, or refuses in its own words
        for mode in MODES:
            partner.control("faults", {"operation": "*", "mode": mode, "times": 1000, "wait_s": 0.0})
            texts += failures(connection, calls)
            partner.forgive()
        others = {name: f"not {value}" for name, value in connection.fields.items() if value in known}
        spoilt = Connection(party, {**connection.fields, **others})
        secrets |= set(others.values())
        texts += failures(spoilt, calls)
    finally:
        running.close()
    texts += failures(connection, calls)  # nobody is there any more
    assert texts
    said = [*texts, *(f"{one.getMessage()} {one.args} {one.exc_text}" for one in caplog.records), *capfd.readouterr()]
    assert [text for text in said if any(secret in text for secret in secrets)] == []


def test_a_failure_or_a_log_that_shows_a_secret_is_seen(caplog: pytest.LogCaptureFixture) -> None:
    class Leaky:
        def probe(self) -> str:
            logging.getLogger("anything").debug("login with %s", "made-up")
            raise TrucError("no luck") from ValueError("made-up")

        def close(self) -> None:
            pass

    caplog.set_level(logging.DEBUG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parties, "open_client", lambda _connection: Leaky())
        told = list(failures(Connection("momo", {}), [("probe", lambda client: client.probe())]))
    assert len([text for text in told if "made-up" in text]) >= 2
    assert [one for one in caplog.records if "made-up" in one.getMessage()]


@dataclass
class Careless:
    account: dict[str, str]


@dataclass
class Holder:
    inside: Careless

    def __repr__(self) -> str:
        return "Holder()"


def test_the_rule_fires_on_a_client_that_shows_its_account() -> None:
    assert shown(Careless({"Password": "made-up"}), {"made-up"})
    assert shown(Holder(Careless({"Password": "made-up"})), {"made-up"})
    assert not shown(Holder(Careless({})), {"made-up"})
