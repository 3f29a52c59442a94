"""Hears of committed work: listens to PostgreSQL's notifications and tells which queues have something new.

`truc.exchange.outbox` notifies in the transaction that publishes. A notification is a hint and no record: it is lost
when nobody listens, and it says nothing of messages whose time comes later (a back-off, a breaker that opens again, an
end of maintenance). For both there is the periodic sweep: the schedule that each pipeline declares.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

import psycopg
from psycopg.sql import SQL, Identifier

from truc.errors import TrucError
from truc.exchange.outbox import WOKEN

log = logging.getLogger(__name__)

# What is committed together should wake once; and a courier that was just woken drains what follows anyway.
COLLECT_S, REST_S = 0.3, 2.0
RECONNECT_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(slots=True)
class Bell:
    """Names that rang, until they are due. Every `now_s` is of the same monotonic clock, in seconds."""

    due_s: dict[str, float] = field(default_factory=dict)
    told_s: dict[str, float] = field(default_factory=dict)

    def ring(self, names: Iterable[str], now_s: float) -> None:
        """Note the names. One is due COLLECT_S after it first rang, but no sooner than REST_S after the last time."""
        for name in names:
            rested_s = self.told_s.get(name, float("-inf")) + REST_S
            self.due_s.setdefault(name, max(now_s + COLLECT_S, rested_s))

    def next_in_s(self, now_s: float) -> float | None:
        """Return in how many seconds the next name is due; None when none rang."""
        return max(0.0, min(self.due_s.values()) - now_s) if self.due_s else None

    def take(self, now_s: float) -> frozenset[str]:
        """Return the names that are due now, and forget them."""
        due = frozenset(name for name, at_s in self.due_s.items() if at_s <= now_s)
        for name in due:
            del self.due_s[name]
            self.told_s[name] = now_s
        return due


async def woken(address: Callable[[], str], queues: frozenset[str]) -> AsyncIterator[frozenset[str]]:
    """Yield, for ever, which of `queues` (each `party/operation`) have new work.

    Holds one idle connection. `address` gives the libpq URL and is asked anew for each connection, as a restart may
    move the port. All queues are told once after each connect: what was published before was not heard. Nothing is
    raised: without a database, or with wrong settings, this tries again and the sweep does the work.
    """
    bell, failures = Bell(), 0
    while True:
        try:
            async with await _listening(address()) as connection:
                failures = 0
                bell.ring(queues, _now_s())
                async for due in _heard(connection, bell, queues):
                    yield due
        except (psycopg.Error, OSError, TrucError) as error:
            wait_s = RECONNECT_S[min(failures, len(RECONNECT_S) - 1)]
            failures += 1
            # Not the error's text: that of a malformed address repeats it, password included.
            log.warning("not listening to %s (%s): again in %.1f s", WOKEN, type(error).__name__, wait_s)
            await asyncio.sleep(wait_s)


async def _listening(address: str) -> "psycopg.AsyncConnection[tuple[object, ...]]":
    """The keepalives notice an idle connection that a firewall dropped: after two minutes, not never."""
    connection = await psycopg.AsyncConnection.connect(
        address,
        autocommit=True,
        connect_timeout=10,
        application_name="truc waking",
        keepalives=1,
        keepalives_idle=60,
        keepalives_interval=15,
        keepalives_count=4,
    )
    try:
        await connection.execute(SQL("LISTEN {}").format(Identifier(WOKEN)))
    except BaseException:
        await connection.close()
        raise
    log.info("listening to %s", WOKEN)
    return connection


async def _heard(
    connection: "psycopg.AsyncConnection[tuple[object, ...]]", bell: Bell, queues: frozenset[str]
) -> AsyncIterator[frozenset[str]]:
    warned = False
    while True:
        async for notice in connection.notifies(timeout=bell.next_in_s(_now_s()), stop_after=1):
            if notice.payload in queues:
                bell.ring((notice.payload,), _now_s())
            elif not warned:  # once a connection: whoever sends one may send thousands
                warned = True
                log.warning("a notification of %s names no queue with a pipeline", WOKEN)
        if due := bell.take(_now_s()):
            yield due


def _now_s() -> float:
    return asyncio.get_running_loop().time()
