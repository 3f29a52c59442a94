"""Reads the journal out of the database: one picture of one moment, streamed, whatever its size."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import TextClause, text

from truc.exchange.journal.chain import chained
from truc.exchange.journal.records import CLOSE_COLUMNS, ENTRY_COLUMNS, HANDLER_COLUMNS, Close, Entry, Handler
from truc.store.opened import Store, Transaction

ROWS_AT_ONCE = 2000

_CLOSED = text("SELECT DISTINCT channel FROM journal_closes")
_LONE_STAMPS = text(
    """
    SELECT channel, day::text FROM journal_stamps
    WHERE NOT EXISTS (SELECT FROM journal_closes AS close
                      WHERE close.channel = journal_stamps.channel AND close.day = journal_stamps.day)
    ORDER BY journal_stamps.channel, journal_stamps.day
    """
)
_ENTRIES = text(f"SELECT {ENTRY_COLUMNS} FROM journal WHERE channel = :channel ORDER BY journal.number")  # noqa: S608  (no value is written into it)
_CLOSES = text(
    f"""
    SELECT {CLOSE_COLUMNS} FROM journal_closes LEFT JOIN journal_stamps USING (channel, day)
    WHERE channel = :channel ORDER BY journal_closes.day
    """  # noqa: S608  (no value is written into it)
)
_HANDLERS = text(f"SELECT {HANDLER_COLUMNS} FROM journal_handlers ORDER BY journal_handlers.handled_by")  # noqa: S608  (no value is written into it)


@contextmanager
def picture(store: Store) -> Iterator[Transaction]:
    """Open a transaction that sees the database as it is at its first query, and changes nothing."""
    with store.begin() as transaction:
        transaction.sql.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        yield transaction


def channels(transaction: Transaction) -> list[str]:
    """Return every channel that has entries or closes, in order of name."""
    return sorted({*chained(transaction), *transaction.sql.execute(_CLOSED).scalars()})


def handlers(transaction: Transaction) -> Iterator[Handler]:
    """Yield every handler, in order of name."""
    return (Handler(*row) for row in transaction.sql.execute(_HANDLERS))


def closes(transaction: Transaction, channel: str) -> Iterator[Close]:
    """Yield the closes of a channel, in order of day."""
    return (Close(*row) for row in stream(transaction, _CLOSES, channel=channel))


def entries(transaction: Transaction, channel: str) -> Iterator[Entry]:
    """Yield the entries of a channel, in order of number."""
    return (Entry._make(row) for row in stream(transaction, _ENTRIES, channel=channel))


def lone_stamps(transaction: Transaction) -> list[tuple[str, str]]:
    """Return channel and day of every time-stamp whose close is gone."""
    return [(row.channel, row.day) for row in transaction.sql.execute(_LONE_STAMPS)]


def stream(transaction: Transaction, query: TextClause, **values: object) -> Iterator[Any]:
    """Yield the rows of a query through a cursor of the database: a few thousand are in memory at once."""
    with transaction.sql.execute(query, values, execution_options={"yield_per": ROWS_AT_ONCE}) as found:
        yield from found
