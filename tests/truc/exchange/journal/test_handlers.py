"""What handled an exchange is named by the content of its folders."""

from pathlib import Path

import pytest

from tests.truc.exchange.journal.conftest import Books
from truc import parties
from truc.exchange.journal import handlers


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder of two files."""
    folder = tmp_path / "room"
    (folder / "inner").mkdir(parents=True)
    (folder / "payment.py").write_text("one")
    (folder / "inner" / "codes.py").write_text("two")
    return folder


def test_the_content_is_what_counts(place: Path) -> None:
    first = handlers.content_digest(place)
    (place / "__pycache__").mkdir()
    (place / "__pycache__" / "payment.pyc").write_text("compiled")
    (place / ".payment.py.swp").write_text("an editor's")
    assert handlers.content_digest(place) == first
    (place / "payment.py").write_text("One")
    assert handlers.content_digest(place) != first


@pytest.mark.parametrize(("old", "new"), [("payment.py", "payments.py"), ("inner/codes.py", "codes.py")])
def test_where_a_file_lies_counts(place: Path, old: str, new: str) -> None:
    first = handlers.content_digest(place)
    (place / old).rename(place / new)
    assert handlers.content_digest(place) != first


def test_bytes_cannot_move_from_one_file_to_the_next(tmp_path: Path) -> None:
    digests = set()
    for number, (one, other) in enumerate([("ab", "c"), ("a", "bc"), ("abc", "")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "a").write_text(one)
        (folder / "b").write_text(other)
        digests.add(handlers.content_digest(folder))
    assert len(digests) == 3


@pytest.mark.parametrize("party", parties.names())
def test_every_party_has_its_folders_where_they_are_looked_for(party: str, repository: Path) -> None:
    for room in handlers.ROOMS:
        assert handlers.folder(room, party) == repository / room / party
        assert handlers.content_digest(repository / room / party) != handlers.content_digest(repository / "absent")


def test_parties_differ_and_an_unknown_one_has_nothing(tmp_path: Path) -> None:
    found = {handlers.handler(party) for party in parties.names()}
    assert len(found) == len(parties.names())
    assert handlers.handler("nobody") == handlers.content_digest(tmp_path) * 3


def test_another_content_is_another_handler(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    books.decide(1)
    books.decide(2, party="vnpost", kind="order")
    monkeypatch.setattr("truc.exchange.journal.entries.handler", lambda _party: bytes(96))
    books.decide(3)
    books.chain()
    assert books.sql("SELECT count(*) AS times FROM journal_handlers")[0].times == 3
    assert books.verify().bad == 0
