"""Every planted damage is found and named; an intact journal is not accused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.truc.exchange.journal.conftest import DAY, Books
from truc.exchange.journal import rows
from truc.exchange.journal.checks import Trust, check_channel
from truc.exchange.journal.records import ORIGIN, Close, Entry, hash_of
from truc.exchange.journal.report import Report
from truc.exchange.journal.signatures import key_id

KEY = Ed25519PrivateKey.generate()
HANDLER = "ab" * 32
NEXT = DAY + timedelta(days=1)
CHANNEL = "momo/payment/out"


@pytest.fixture
def two_days(books: Books) -> Books:
    """Three sent payments on each of two days, closed; and two in a day that is open."""
    for day in (DAY, NEXT, NEXT + timedelta(days=1)):
        books.at(day)
        first = 10 * (day - DAY).days + 1
        for number in range(first, first + (3 if day <= NEXT else 2)):
            books.send(number)
    books.chain()
    books.close(DAY)
    books.close(NEXT)
    return books


def test_an_intact_journal_is_not_accused(two_days: Books, tmp_path: Path) -> None:
    report = two_days.verify()
    assert (report.bad, report.first) == (0, None)
    counts = {"entries": 8, "channels": 1, "handlers": 1, "closes": 2, "finished exchanges": 8, "kept bodies": 16}
    assert {name: report.looked_at[name] for name in counts} == counts

    offline = two_days.exported(tmp_path / "export.jsonl")
    assert (offline.bad, offline.first) == (0, None)
    assert {name: offline.looked_at[name] for name in ("entries", "closes")} == {"entries": 8, "closes": 2}


FIELDS = {
    "exchange_id": "exchange_id + 100",
    "at": "at + interval '1 microsecond'",
    "amount_vnd": "amount_vnd + 1",
    "key": "key || 'x'",
    "external_id": "external_id || ' '",
    "outcome": "'refused'",
    "digest_out": "set_byte(digest_out, 31, get_byte(digest_out, 31) # 1)",
    "digest_in": "NULL",
    "handled_by": "set_byte(handled_by, 0, get_byte(handled_by, 0) # 1)",
    "previous": "set_byte(previous, 5, get_byte(previous, 5) # 128)",
    "hash": "set_byte(hash, 0, get_byte(hash, 0) # 1)",
}


@pytest.mark.parametrize("number", [4, 8])
@pytest.mark.parametrize("column", FIELDS)
def test_one_changed_field_is_found(two_days: Books, tmp_path: Path, column: str, number: int) -> None:
    change = f"UPDATE journal SET {column} = {FIELDS[column]} WHERE number = :number"  # noqa: S608  (ours, above)
    two_days.damage("journal", change, number=number)
    _assert_found(two_days, tmp_path, number, "altered")


@pytest.mark.parametrize("number", [1, 3, 7])
def test_a_removed_row_is_found(two_days: Books, tmp_path: Path, number: int) -> None:
    two_days.damage("journal", "DELETE FROM journal WHERE number = :number", number=number)
    _assert_found(two_days, tmp_path, number, "missing")


def test_a_chain_cut_behind_a_close_is_found(two_days: Books, tmp_path: Path) -> None:
    two_days.damage("journal", "DELETE FROM journal WHERE number > 4")
    _assert_found(two_days, tmp_path, 6, "close of 2026-03-05 ends with number 6, which is missing")


def test_a_whole_channel_taken_away_is_found(two_days: Books, tmp_path: Path) -> None:
    two_days.damage("journal", "DELETE FROM journal")
    _assert_found(two_days, tmp_path, 3, "missing")


def test_the_newest_entry_taken_away_is_found_by_its_exchange(two_days: Books) -> None:
    two_days.damage("journal", "DELETE FROM journal WHERE number = 8")
    report = two_days.verify()
    assert (report.bad, str(report.first)) == (1, f"{CHANNEL}: exchange 22 is sent, and no entry says so")


@pytest.mark.parametrize(("one", "other"), [(1, 2), (2, 5), (7, 8)])
def test_two_swapped_rows_are_found(two_days: Books, tmp_path: Path, one: int, other: int) -> None:
    swap = (
        "UPDATE journal SET number = CASE number WHEN {0} THEN -{1} WHEN {1} THEN -{0} END WHERE number IN ({0}, {1})"
    )
    two_days.damage("journal", swap.format(one, other))
    two_days.damage("journal", "UPDATE journal SET number = -number WHERE number < 0")
    _assert_found(two_days, tmp_path, one, "altered")


def test_an_entry_replaced_with_its_hash_is_found(two_days: Books, tmp_path: Path) -> None:
    two_days.damage("journal", "UPDATE journal SET amount_vnd = 5 WHERE number = 8")
    entry = _entry(two_days, 8)
    two_days.damage("journal", "UPDATE journal SET hash = decode(:hash, 'hex') WHERE number = 8", hash=hash_of(entry))
    # The last one of an open day can be written anew by who owns the database: what it says, the close proves later.
    assert two_days.verify().bad == 0
    two_days.damage("journal", "UPDATE journal SET amount_vnd = 5 WHERE number = 7")
    entry = _entry(two_days, 7)
    two_days.damage("journal", "UPDATE journal SET hash = decode(:hash, 'hex') WHERE number = 7", hash=hash_of(entry))
    _assert_found(two_days, tmp_path, 8, "does not follow")


@pytest.mark.parametrize("column", ["mapping_digest", "schema_digest", "connector_digest", "handled_by"])
def test_an_altered_handler_is_found(two_days: Books, tmp_path: Path, column: str) -> None:
    change = f"{column} = set_byte({column}, 3, get_byte({column}, 3) # 1)"
    two_days.damage("journal_handlers", f"UPDATE journal_handlers SET {change}")  # noqa: S608  (ours, above)
    for report in (two_days.verify(), two_days.exported(tmp_path / "export.jsonl")):
        assert "do not give its name" in str(report.first)
        assert report.bad == 1 + 8


def test_a_handler_taken_away_is_found(two_days: Books, tmp_path: Path) -> None:
    two_days.damage("journal_handlers", "DELETE FROM journal_handlers")
    _assert_found(two_days, tmp_path, 1, "missing or altered")


CLOSES = {
    "first": ("first = first + 1", "signature does not fit"),
    "last": ("last = last - 1", "signature does not fit"),
    "count": ("count = count + 1", "signature does not fit"),
    "sum_vnd": ("sum_vnd = sum_vnd - 1000", "signature does not fit"),
    "root": ("root = set_byte(root, 0, get_byte(root, 0) # 1)", "signature does not fit"),
    "previous": ("previous = root", "signature does not fit"),
    "signature": ("signature = set_byte(signature, 9, get_byte(signature, 9) # 1)", "signature does not fit"),
    "key_id": ("key_id = root", "signed with another key"),
    "day": ("day = day - 30", "signature does not fit"),
    "channel": ("channel = 'momo/query/out'", "signature does not fit"),
}


@pytest.mark.parametrize("column", CLOSES)
def test_an_altered_close_is_found(two_days: Books, tmp_path: Path, column: str) -> None:
    change, wrong = CLOSES[column]
    statement = f"UPDATE journal_closes SET {change} WHERE day = '2026-03-05'"  # noqa: S608  (ours, above)
    two_days.damage("journal_closes", statement)
    for report in (two_days.verify(), two_days.exported(tmp_path / "export.jsonl")):
        assert report.first is not None
        assert wrong in report.first.wrong
        assert "close of 2026-0" in report.first.wrong


def test_a_close_taken_away_is_found(two_days: Books, tmp_path: Path) -> None:
    two_days.damage("journal_closes", "DELETE FROM journal_closes WHERE day = '2026-03-04'")
    _assert_found(two_days, tmp_path, 6, "does not follow the close before it")


def test_closes_of_another_key_are_not_believed(two_days: Books, tmp_path: Path) -> None:
    other = KEY.public_key()
    reports = two_days.verify(public_key=other), two_days.exported(tmp_path / "export.jsonl", public_key=other)
    for report in reports:
        assert report.bad == 2
        assert "another key" in str(report.first)


def test_pending_receipts_are_as_good_as_entries(books: Books) -> None:
    books.send(1)
    report = books.verify()
    assert (report.bad, report.looked_at["pending receipts"], report.looked_at["finished exchanges"]) == (0, 1, 1)


def _assert_found(books: Books, folder: Path, number: int, wrong: str) -> None:
    """Online and offline name the same first record."""
    online, offline = books.verify(), books.exported(folder / "export.jsonl")
    for report in (online, offline):
        assert report.bad > 0
        assert report.first is not None
        assert (report.first.channel, report.first.number) == (CHANNEL, number)
        assert wrong in report.first.wrong
    assert online.first == offline.first


def _entry(books: Books, number: int) -> Entry:
    with rows.picture(books.store) as transaction:
        return {one.number: one for one in rows.entries(transaction, CHANNEL)}[number]


# What follows needs no database: chains as they come, and any one damage.


def _chain(amounts: list[int | None]) -> list[Entry]:
    made: list[Entry] = []
    for number, amount in enumerate(amounts, start=1):
        previous = made[-1].hash if made else ORIGIN
        at = f"2026-03-04T02:{number:02}:00.000000Z"
        draft = Entry(
            CHANNEL, number, at, 100 + number, "", f"P{number}", "sent", None, None, amount, HANDLER, previous, ""
        )
        made.append(draft._replace(hash=hash_of(draft)))
    return made


def _close(entries: list[Entry], before: Close | None = None) -> Close:
    draft = Close(
        channel=CHANNEL,
        day=(DAY if before is None else NEXT).isoformat(),
        first=entries[0].number,
        last=entries[-1].number,
        count=len(entries),
        sum_vnd=sum(one.amount_vnd or 0 for one in entries),
        root=entries[-1].hash,
        previous=before.hash if before else ORIGIN,
        key_id=key_id(KEY.public_key()),
        signature="",
        stamp=None,
    )
    return _signed(draft)


def _signed(close: Close) -> Close:
    return replace(close, signature=KEY.sign(close.signed).hex())


def _checked(closes: list[Close], entries: list[Entry]) -> Report:
    report = Report()
    check_channel(CHANNEL, [*closes, *entries], frozenset({HANDLER}), Trust(KEY.public_key()), report)
    return report


amounts = st.lists(st.one_of(st.none(), st.integers(0, 10**12)), min_size=3, max_size=30)


@given(amounts=amounts, data=st.data())
def test_any_chain_with_its_closes_is_good(amounts: list[int | None], data: st.DataObject) -> None:
    entries = _chain(amounts)
    cut = data.draw(st.integers(1, len(entries) - 1))
    first = _close(entries[:cut])
    assert _checked([first, _close(entries[cut:], first)], entries).bad == 0
    assert _checked([first], entries).bad == 0
    assert _checked([], entries).bad == 0


@given(amounts=amounts, data=st.data())
def test_any_one_damage_is_found_at_its_place(amounts: list[int | None], data: st.DataObject) -> None:
    entries = _chain(amounts)
    place = data.draw(st.integers(0, len(entries) - 2))
    damaged, number = data.draw(st.sampled_from(DAMAGES))(list(entries), place)
    report = _checked([], damaged)
    assert report.bad > 0
    assert report.first is not None
    assert report.first.number == number


def _drop(entries: list[Entry], place: int) -> tuple[list[Entry], int]:
    return entries[:place] + entries[place + 1 :], place + 1


def _double(entries: list[Entry], place: int) -> tuple[list[Entry], int]:
    return entries[: place + 1] + entries[place:], place + 1


def _swap(entries: list[Entry], place: int) -> tuple[list[Entry], int]:
    entries[place], entries[place + 1] = entries[place + 1], entries[place]
    return entries, place + 1


def _rewrite(entries: list[Entry], place: int) -> tuple[list[Entry], int]:
    changed = entries[place]._replace(external_id="another")
    entries[place] = changed._replace(hash=hash_of(changed))
    return entries, place + 2


def _change(entries: list[Entry], place: int) -> tuple[list[Entry], int]:
    entries[place] = entries[place]._replace(amount_vnd=(entries[place].amount_vnd or 0) + 1)
    return entries, place + 1


DAMAGES: list[Callable[[list[Entry], int], tuple[list[Entry], int]]] = [_drop, _double, _swap, _rewrite, _change]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"first": 2}, "gap or an overlap"),
        ({"last": 2}, "states count 3; the entries give 2"),
        ({"last": 9}, "ends with number 9, which is missing"),
        ({"count": 2}, "states count 2; the entries give 3"),
        ({"sum_vnd": 7}, "states sum_vnd 7; the entries give 6"),
        ({"root": ORIGIN}, "states root"),
        ({"previous": HANDLER}, "does not follow the close before it"),
        ({"day": "2026-03-03"}, "which was decided after the day"),
    ],
)
def test_a_false_close_is_found_though_the_hub_signed_it(changes: dict[str, object], wrong: str) -> None:
    entries = _chain([1, 2, 3])
    report = _checked([_signed(replace(_close(entries), **changes))], entries)
    assert wrong in str(report.first)


def test_closes_must_follow_each_other_in_time() -> None:
    entries = _chain([1, 2, 3])
    first = _close(entries[:1])
    second = _signed(replace(_close(entries[1:], first), day=first.day))
    assert "comes after the close of" in str(_checked([first, second], entries).first)
