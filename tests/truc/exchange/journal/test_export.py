"""An export is whole, verifies anywhere, and tells on whoever changes a line of it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.truc.exchange.journal.conftest import DAY, Books
from truc.errors import MalformedError
from truc.exchange.journal import export
from truc.exchange.journal.signatures import key_id
from truc.exchange.journal.verify import verify_export


@pytest.fixture
def lines(books: Books, tmp_path: Path) -> list[str]:
    """The lines of an export: head, 2 handlers, momo's close and 3 entries, the post's 2 entries, end."""
    for number in (1, 2):
        books.send(number)
    books.chain()
    books.next_day()
    books.close(DAY)
    books.decide(3)
    books.decide(4, 5, party="vnpost", kind="order")
    books.chain()
    assert books.exported(tmp_path / "export.jsonl").bad == 0
    return (tmp_path / "export.jsonl").read_text(encoding="utf-8").splitlines()


def test_an_export_holds_everything_and_no_secret(books: Books, lines: list[str]) -> None:
    kinds = [next(iter(json.loads(line))) for line in lines]
    momo, post = ["close", "entry", "entry", "entry"], ["entry", "entry"]
    assert kinds == ["truc_journal", "handler", "handler", *momo, *post, "end"]
    assert json.loads(lines[0])["public_key"] == books.key.public_key().public_bytes_raw().hex()
    assert books.key.private_bytes_raw().hex() not in "".join(lines)


def test_an_export_is_never_written_over(books: Books, tmp_path: Path, lines: list[str]) -> None:
    with pytest.raises(FileExistsError):
        books.exported(tmp_path / "export.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["export.jsonl"]
    assert len(lines) == 10


def test_an_empty_journal_can_be_exported(books: Books, tmp_path: Path) -> None:
    report = books.exported(tmp_path / "export.jsonl")
    assert (report.bad, report.looked_at["entries"]) == (0, 0)


def _tampered(books: Books, folder: Path, lines: list[str]) -> str:
    path = folder / "tampered.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = verify_export(path, public_key=books.key.public_key())
    assert report.bad > 0
    return str(report.first)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (1, "names handler"),
        (2, "names handler"),
        (3, "states other counts"),
        (4, "momo/payment/out number 1: is missing"),
        (5, "momo/payment/out number 2: is missing"),
        (6, "states other counts"),
        (8, "states other counts"),
        (9, "stops before its end"),
    ],
)
def test_a_line_taken_out_is_found(books: Books, tmp_path: Path, lines: list[str], line: int, wrong: str) -> None:
    assert wrong in _tampered(books, tmp_path, lines[:line] + lines[line + 1 :])


@pytest.mark.parametrize("line", range(3, 8))
def test_two_lines_swapped_are_found(books: Books, tmp_path: Path, lines: list[str], line: int) -> None:
    lines[line], lines[line + 1] = lines[line + 1], lines[line]
    assert _tampered(books, tmp_path, lines)


@pytest.mark.parametrize("line", range(1, 9))
def test_one_changed_character_is_found(books: Books, tmp_path: Path, lines: list[str], line: int) -> None:
    text = lines[line]
    for place in (len(text) // 4, len(text) // 2, len(text) - 6):
        lines[line] = text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :]
        assert _tampered(books, tmp_path, lines)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no json",
        "[]",
        "{}",
        '{"entry":[]}',
        '{"entry":"momo"}',
        '{"what":1}',
        '{"truc_journal":1}',
        '{"entry":["momo/payment/out",true,"",1,"","","",null,null,null,"","",""]}',
        '{"entry":["momo/payment/out","1","",1,"","","",null,null,null,"","",""]}',
        '{"handler":["zz","","",""]}',
        '{"close":["momo/payment/out","today",1,1,1,1,"","","","",null]}',
        '{"close":["momo/payment/out","2026-03-04",1,1,1,1,"","","","zz",null]}',
        '{"close":["momo/payment/out","2026-03-04",1,1,1,1,"","","","","stamp"]}',
    ],
)
def test_a_line_that_is_no_record_ends_the_check_with_its_number(
    books: Books, tmp_path: Path, lines: list[str], line: str
) -> None:
    assert "line 5 is no" in _tampered(books, tmp_path, [*lines[:4], line, *lines[4:]])


@pytest.mark.parametrize("head", ['{"truc_journal":2}', '{"handler":1}', "{}"])
def test_an_export_begins_with_its_form(books: Books, tmp_path: Path, lines: list[str], head: str) -> None:
    assert "line 1 is no" in _tampered(books, tmp_path, [head, *lines[1:]])


def test_what_comes_after_the_end_is_found(books: Books, tmp_path: Path, lines: list[str]) -> None:
    assert "line 11 comes after the end" in _tampered(books, tmp_path, [*lines, lines[-2]])


def test_a_channel_stands_in_one_place(books: Books, tmp_path: Path, lines: list[str]) -> None:
    counts = json.loads(lines[-1])["end"]
    end = json.dumps({"end": {**counts, "entries": counts["entries"] + 1}})
    assert "stands in two places" in _tampered(books, tmp_path, [*lines[:-1], lines[4], end])


def test_the_stated_key_is_believed_by_its_fingerprint_only(books: Books, tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "export.jsonl"
    fingerprint = key_id(books.key.public_key())
    key = export.public_key(path, fingerprint=fingerprint.upper())
    assert verify_export(path, public_key=key).bad == 0
    with pytest.raises(MalformedError, match="another fingerprint"):
        export.public_key(path, fingerprint=key_id(Ed25519PrivateKey.generate().public_key()))
    path.write_text("\n".join(['{"truc_journal":1,"public_key":"no"}', *lines[1:]]))
    with pytest.raises(MalformedError, match="64 hexadecimal"):
        export.public_key(path, fingerprint=fingerprint)


def test_an_export_shows_one_moment(books: Books, tmp_path: Path) -> None:
    books.decide(1)
    books.at(DAY + timedelta(days=1))
    assert books.exported(tmp_path / "export.jsonl").looked_at["entries"] == 0
    books.chain()
    assert books.exported(tmp_path / "second.jsonl").looked_at["entries"] == 1
