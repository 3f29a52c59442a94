"""A statement is booked once; a restated one is the next version and the old one stays."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest

from truc.envelope import Envelope
from truc.errors import MalformedError
from truc.exchange import inbox
from truc.messages import Statement, StatementLine
from truc.store import statements
from truc.store.opened import Store

DAY = date(2026, 3, 4)


def test_the_same_file_again_is_refused_as_delivered_twice(empty_store: Store) -> None:
    _deliver(empty_store, "a.txt", b"first")
    with pytest.raises(MalformedError, match="2026-03-04") as caught:
        _deliver(empty_store, "a-again.txt", b"first")
    assert caught.value.reason == "delivered_twice"
    assert _versions(empty_store) == [(1, 1, 50_000)]


def test_a_restated_file_is_version_two_and_the_first_stays(empty_store: Store) -> None:
    _deliver(empty_store, "a.txt", b"first")
    _deliver(empty_store, "a.txt", b"restated", amounts=(50_000, 70_000))
    assert _versions(empty_store) == [(1, 1, 50_000), (2, 2, 120_000)]


def test_the_first_file_after_a_restated_one_is_still_delivered_twice(empty_store: Store) -> None:
    _deliver(empty_store, "a.txt", b"first")
    _deliver(empty_store, "a.txt", b"restated", amounts=(1,))
    with pytest.raises(MalformedError) as caught:
        _deliver(empty_store, "b.txt", b"first")
    assert caught.value.reason == "delivered_twice"


def test_an_empty_day_is_a_statement_too(empty_store: Store) -> None:
    _deliver(empty_store, "a.txt", b"nothing today", amounts=())
    assert _versions(empty_store) == [(1, 0, 0)]


def test_other_days_and_parties_have_versions_of_their_own(empty_store: Store) -> None:
    _deliver(empty_store, "a.txt", b"first")
    _deliver(empty_store, "a.txt", b"first", party="vietinbank")
    _deliver(empty_store, "b.txt", b"first", day=date(2026, 3, 5))
    assert _versions(empty_store) == [(1, 1, 50_000)] * 3


def test_many_files_of_one_day_at_once_get_dense_versions(empty_store: Store) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: _deliver(empty_store, f"{number}", b"%d" % number), range(6)))
    assert [version for version, _, _ in _versions(empty_store)] == [1, 2, 3, 4, 5, 6]


def _deliver(
    store: Store,
    name: str,
    body: bytes,
    *,
    party: str = "momo",
    day: date = DAY,
    amounts: tuple[int, ...] = (50_000,),
) -> int:
    lines = tuple(
        StatementLine(
            line_no=number,
            our_reference=f"P{number}",
            partner_reference=f"T{number}",
            amount_vnd=amount,
            occurred_at=datetime(2026, 3, 4, 2, tzinfo=UTC),
        )
        for number, amount in enumerate(amounts, start=1)
    )
    said = Statement(business_on=day, lines=lines, count_declared=len(lines), amount_declared_vnd=sum(amounts))
    envelope = Envelope(party, "statement", name, body)
    with store.begin() as transaction:
        kept = inbox.keep(transaction, envelope)
        return statements.keep(transaction, party, said, inbox_id=kept.inbox_id, digest=envelope.digest)


def _versions(store: Store) -> list[tuple[int, int, int]]:
    with store.begin() as transaction:
        rows = transaction.sql.exec_driver_sql("SELECT version, count, amount_vnd FROM statements ORDER BY id").all()
        lines = transaction.sql.exec_driver_sql("SELECT count(*) FROM statement_lines").scalar_one()
    assert lines == sum(row.count for row in rows)
    return [tuple(row) for row in rows]
