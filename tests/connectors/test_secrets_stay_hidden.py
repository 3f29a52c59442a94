"""No client, account or token of any party shows a secret setting when it is printed."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from truc import parties
from truc.connections import Connection, from_airflow_json

PARTIES = [manifest.party for manifest in parties.manifests()]
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
