"""`truc journal …` says what it did and ends with 1 when a record is bad."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.truc.exchange.journal.conftest import Books
from tests.truc.trust.authority import Authority
from truc import secrets_file
from truc.exchange.journal.signatures import hub_key, key_id
from truc.operating import journal as commands
from truc.settings import Settings
from truc.store.opened import Store


@pytest.fixture
def hub(books: Books, server: Settings, monkeypatch: pytest.MonkeyPatch) -> Books:
    """The books as the hub of this machine has them: its settings lead to them, and its key signs."""

    @contextmanager
    def store() -> Iterator[Store]:
        yield books.store

    monkeypatch.setattr(commands, "hub_store", store)
    monkeypatch.setattr(commands.settings, "load", lambda: server)
    books.key = hub_key(server.secrets)
    books.send(1)
    books.next_day()
    return books


def _run(*words: str) -> Result:
    return CliRunner().invoke(commands.journal, words, catch_exceptions=False)


def test_a_day_is_closed_verified_and_exported(hub: Books, server: Settings, tmp_path: Path) -> None:
    assert _run("close").output == "2026-03-04: 1 channels closed\n"
    assert _run("close", "--day", "2026-03-04").output == "2026-03-04: 0 channels closed\n"
    verified = _run("verify")
    assert (verified.exit_code, verified.output.splitlines()[-1]) == (0, "nothing bad")
    assert "         1 closes" in verified.output

    path = str(tmp_path / "export.jsonl")
    fingerprint = key_id(hub.key.public_key())
    assert fingerprint in _run("export", path).output
    assert "never written over" in _run("export", path).output
    key = hub.key.public_key().public_bytes_raw().hex()
    for words in ([], ["--fingerprint", fingerprint], ["--public-key", key]):
        assert _run("verify", "--offline", path, *words).exit_code == 0
    assert _run("verify", "--offline", path, "--public-key", key_id(hub.key.public_key())).exit_code == 1


def test_the_first_bad_record_is_named_and_the_end_is_1(hub: Books, tmp_path: Path) -> None:
    hub.chain()
    hub.damage("journal", "UPDATE journal SET outcome = 'refused'")
    path = str(tmp_path / "export.jsonl")
    _run("export", path)
    altered = "the first: momo/payment/out number 1: is altered"
    for words in ([], ["--offline", path]):
        found = _run("verify", *words)
        assert found.exit_code == 1
        assert altered in found.output


def test_closes_are_stamped_where_an_authority_is_configured(
    hub: Books, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUC_TSA_URL", authority.url)
    assert "--tsa-ca-file" in _run("close").output
    monkeypatch.setenv("TRUC_TSA_CA_FILE", str(authority.root))
    assert _run("close").exit_code == 0
    assert "         1 time-stamps\n" in _run("verify").output
    assert hub.verify().looked_at["time-stamps without roots to check them"] == 1


def test_the_public_key_can_be_shown_and_the_private_one_not(hub: Books) -> None:
    shown = _run("key").output
    assert hub.key.public_key().public_bytes_raw().hex() in shown
    assert key_id(hub.key.public_key()) in shown
    assert hub.key.private_bytes_raw().hex() not in shown


def test_the_key_is_made_with_the_other_secrets(tmp_path: Path) -> None:
    secrets_file.ensure(tmp_path)
    first = hub_key(tmp_path).private_bytes_raw()
    secrets_file.ensure(tmp_path)
    assert hub_key(tmp_path).private_bytes_raw() == first


def test_a_fingerprint_goes_with_an_export(hub: Books) -> None:
    assert _run("verify", "--fingerprint", "ab").exit_code == 2
