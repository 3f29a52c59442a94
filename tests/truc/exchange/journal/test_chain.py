"""Numbers are dense and hashes chain, whoever notes, chains, fails or dies meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise

import pytest
from sqlalchemy.exc import DBAPIError

from tests.truc.exchange.journal.conftest import Books, decision
from truc.exchange.journal import chain as chaining
from truc.exchange.journal.entries import note
from truc.exchange.journal.records import ORIGIN


def test_what_was_noted_becomes_numbered_entries(books: Books) -> None:
    books.decide(7, 8, outcome="refused", key="đơn")
    books.decide(9, party="vnpost", kind="order")

    assert books.chain() == 3
    assert books.chain() == 0
    assert books.numbers() == [1, 2]
    assert books.numbers("vnpost/order/out") == [1]
    assert books.sql("SELECT count(*) AS left FROM journal_pending")[0].left == 0
    report = books.verify()
    assert (report.bad, report.looked_at["entries"], report.looked_at["channels"]) == (0, 3, 2)


def test_an_entry_holds_what_was_decided_and_when_by_the_clock_of_the_database(books: Books) -> None:
    one = decision(7, key="H32.01-260304-0001", digest_in="ab" * 32)
    with books.store.begin() as transaction:
        note(transaction, [one])
    books.next_day()
    books.chain()

    (row,) = books.sql("SELECT *, at AT TIME ZONE 'UTC' AS utc FROM journal")
    assert (row.exchange_id, row.channel, row.key, row.external_id, row.outcome, row.amount_vnd) == (
        *(7, "momo/payment/out", one.key, one.external_id, "sent", 7_000),
    )
    assert (bytes(row.digest_out).hex(), bytes(row.digest_in).hex()) == (one.digest_out, one.digest_in)
    assert row.utc.isoformat() == "2026-03-04T02:00:00"
    assert bytes(row.previous).hex() == ORIGIN


def test_a_decision_that_is_rolled_back_leaves_nothing(books: Books) -> None:
    with suppress(InterruptedError), books.store.begin() as transaction:
        note(transaction, [decision(1)])
        raise InterruptedError
    books.decide(2)
    books.chain()
    assert [row.exchange_id for row in books.sql("SELECT exchange_id FROM journal")] == [2]
    assert books.verify().bad == 0


def test_no_decision_is_no_statement(books: Books) -> None:
    with books.store.begin() as transaction:
        note(transaction, [])
    assert books.chain() == 0


@pytest.mark.parametrize("most", [1, 3, 10, 100])
def test_a_transaction_takes_a_bounded_number(books: Books, most: int) -> None:
    books.decide(*range(1, 11))
    assert books.chain(most=most) == 10
    assert books.numbers() == list(range(1, 11))
    rows = books.sql("SELECT previous, hash FROM journal ORDER BY number")
    assert [bytes(row.previous) for row in rows[1:]] == [bytes(row.hash) for row in rows[:-1]]


def test_a_channel_that_somebody_chains_is_left_to_them(books: Books) -> None:
    books.decide(1)
    books.decide(2, party="vnpost", kind="order")
    with books.store.begin() as other:
        chaining.lock(other, "momo/payment/out")
        assert books.chain() == 1
        assert books.numbers() == []
    assert books.chain() == 1


def test_noting_does_not_wait_for_the_chain(books: Books) -> None:
    books.decide(1)
    with books.store.begin() as other:
        chaining.lock(other, "momo/payment/out")
        chaining.append(other, "momo/payment/out", most=10)
        books.sql(f"ALTER DATABASE {books.store.engine.url.database} SET lock_timeout = '2s'")
        books.decide(2)
    books.chain()
    assert books.numbers() == [1, 2]


def test_many_at_once_stay_dense(books: Books) -> None:
    done = threading.Event()

    def notes(worker: int) -> None:
        for step in range(40):
            books.decide(*(worker * 1000 + step * 5 + one for one in range(5)))

    def chains() -> int:
        count = 0
        while not done.is_set():
            count += books.chain(most=7)
        return count

    with ThreadPoolExecutor(7) as pool:
        chainers = [pool.submit(chains) for _ in range(3)]
        for one in [pool.submit(notes, worker) for worker in range(1, 5)]:
            one.result()
        done.set()
        taken = sum(one.result() for one in chainers)
    taken += books.chain()

    assert taken == 800
    assert books.numbers() == list(range(1, 801))
    assert len({row.exchange_id for row in books.sql("SELECT exchange_id FROM journal")}) == 800
    assert books.verify().bad == 0


def test_a_chainer_that_dies_leaves_the_channel_as_it_was(books: Books) -> None:
    books.decide(1, 2)
    with suppress(InterruptedError), books.store.begin() as transaction:
        chaining.lock(transaction, "momo/payment/out")
        assert chaining.append(transaction, "momo/payment/out", most=1) == 1
        raise InterruptedError
    assert books.numbers() == []
    assert books.chain() == 2
    assert books.verify().bad == 0


@pytest.mark.parametrize("table", ["journal", "journal_handlers", "journal_closes", "journal_stamps", "journal_starts"])
def test_what_is_written_is_only_ever_added_to(books: Books, table: str) -> None:
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):  # noqa: S608  (ours, above)
        with pytest.raises(DBAPIError, match="only ever added to"):
            books.sql(statement)


def test_channels_are_found_one_by_one(books: Books) -> None:
    kinds = [f"kind_{number:02}" for number in range(12)]
    for kind in kinds:
        books.decide(1, 2, 3, kind=kind)
    with books.store.begin() as transaction:
        found = chaining.waiting(transaction)
    assert found == [f"momo/{kind}/out" for kind in kinds]
    assert all(before < after for before, after in pairwise(found))
