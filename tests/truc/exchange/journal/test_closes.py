"""A business day is closed once, tiles the chain with its neighbours, and is signed."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.truc.exchange.journal.conftest import DAY, Books
from truc.errors import TransientError
from truc.exchange.journal import closes

NEXT = DAY + timedelta(days=1)


def test_a_close_counts_and_sums_what_was_decided_that_day(books: Books) -> None:
    books.decide(1, 2)
    books.decide(3, amount_vnd=None)
    books.next_day()
    books.decide(4)

    assert books.close() == 1
    assert books.closed() == [(DAY, 1, 3, 3, 3_000)]
    assert books.verify().bad == 0


def test_a_second_close_of_a_day_changes_nothing(books: Books) -> None:
    books.decide(1)
    books.next_day()
    assert [books.close(), books.close()] == [1, 0]
    assert len(books.closed()) == 1


def test_a_day_is_over_by_the_clock_of_the_database(books: Books) -> None:
    books.decide(1)
    books.at(DAY, 23)
    with pytest.raises(TransientError, match="2026-03-04 is not over"):
        books.close()
    books.at(NEXT, 0)
    assert books.close() == 1


def test_the_day_ends_at_midnight_in_vietnam(books: Books) -> None:
    books.at(DAY, 23)
    books.decide(1)
    books.at(NEXT, 0)
    books.decide(2)
    books.close()
    assert books.closed() == [(DAY, 1, 1, 1, 1_000)]
    assert closes.last_day(books.store) == DAY


def test_a_channel_without_entries_gets_no_close(books: Books) -> None:
    books.decide(1)
    books.next_day()
    books.decide(2, party="vnpost", kind="order")
    assert books.close() == 1
    assert books.closed("vnpost/order/out") == []


def test_what_is_chained_late_falls_into_the_next_close(books: Books) -> None:
    books.decide(1)
    books.at(DAY, 23)
    with books.store.begin() as late:
        # A courier that decided before midnight and commits long after.
        late.sql.exec_driver_sql(
            "INSERT INTO journal_pending (exchange_id, at, amount_vnd, channel, key, external_id, outcome, handler)"
            " SELECT 2, now(), 50, channel, '', 'P2', 'sent', handler FROM journal_pending LIMIT 1"
        )
        books.next_day()
        books.close()
    books.decide(3)
    books.chain()
    books.next_day()
    assert books.close(NEXT) == 1

    assert books.closed() == [(DAY, 1, 1, 1, 1_000), (NEXT, 2, 3, 2, 3_050)]
    assert books.verify().bad == 0


def test_a_close_stops_before_the_first_entry_of_the_next_day(books: Books) -> None:
    books.decide(1)
    books.chain()
    books.next_day()
    books.decide(2)
    books.chain()
    books.at(DAY)
    books.decide(3)
    books.at(NEXT)
    books.close()
    books.at(NEXT + timedelta(days=1))
    books.close(NEXT)
    assert books.closed() == [(DAY, 1, 1, 1, 1_000), (NEXT, 2, 3, 2, 5_000)]
    assert books.verify().bad == 0


def test_a_missed_day_is_closed_with_the_next(books: Books) -> None:
    books.decide(1)
    books.next_day()
    books.decide(2)
    books.next_day()
    assert [books.close(NEXT), books.close(DAY)] == [1, 0]
    assert books.closed() == [(NEXT, 1, 2, 2, 3_000)]
    assert books.verify().bad == 0


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["decide", "chain", "close", "close_yesterday", "next_day", "back"]), st.integers(1, 4)
        ),
        max_size=14,
    )
)
def test_closes_tile_the_chain_whatever_comes_in_which_order(books: Books, steps: list[tuple[str, int]]) -> None:
    for step, times in steps:
        _take(books, step, times)
    latest = _latest(books)
    books.at(latest + timedelta(days=2))
    books.close(latest + timedelta(days=1))

    covered = [number for _, first, last, *_ in books.closed() for number in range(first, last + 1)]
    assert covered == books.numbers()
    report = books.verify()
    assert (report.bad, report.first) == (0, None)


def _take(books: Books, step: str, times: int) -> None:
    match step:
        case "decide":
            books.decide(*range(1, times + 1))
        case "chain":
            books.chain(most=times)
        case "close":
            books.close(closes.last_day(books.store))
        case "close_yesterday":
            books.close(closes.last_day(books.store) - timedelta(days=1))
        case "next_day":
            books.next_day()
        case "back":  # as for a decision whose transaction began long ago
            books.sql("UPDATE clock.hand SET at = at - interval '12 hours'")


def _latest(books: Books) -> date:
    """The newest day that anything in the books bears."""
    days = books.sql("SELECT day FROM journal_closes UNION SELECT at::date FROM journal UNION SELECT now()::date")
    return max(row.day for row in days)
