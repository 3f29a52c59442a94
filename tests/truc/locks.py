"""Who waits for whom, told by the database itself: no silence is waited for, which a slow machine has too."""

import time
from concurrent.futures import Future
from typing import Any

from sqlalchemy import text

from truc.store.opened import Transaction

WAITING_FOR_US = text(
    "SELECT count(*) FROM pg_locks"
    " WHERE locktype = 'advisory' AND NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
)


def wait_until_it_waits_for(transaction: Transaction, other: Future[Any]) -> None:
    """Return once another one waits for a lock of the transaction; fail where it ends without waiting."""
    while not transaction.sql.execute(WAITING_FOR_US).scalar():
        assert not other.done(), "it did not wait for us"
        time.sleep(0.02)
