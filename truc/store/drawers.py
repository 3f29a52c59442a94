"""The monthly drawers that finished messages and kept bytes lie in: made ahead, dropped whole when their time is over.

A drawer's number is `months kept << 12 | months since January 2000`, so things with different periods lie in
different drawers, and each drawer knows when it may go.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

import psycopg.errors
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from truc import parties
from truc.errors import TransientError

MONTHS_AHEAD = 2
LISTS = ("outbox", "inbox")
BODIES = "kept_bodies"
# Who drops a drawer waits so long for those that read its table, and holds up the others no longer than that.
PATIENCE = "5s"

MONTH_MAX = (1 << 12) - 1
_NUMBER = {"outbox": "drawer", "inbox": "drawer", BODIES: "id >> 40"}
_DRAWERS = text(
    """
    SELECT one.relname AS name, pg_get_expr(one.relpartbound, one.oid) AS bounds
    FROM pg_inherits JOIN pg_class AS one ON one.oid = inhrelid
    WHERE inhparent = CAST(:parent AS regclass) ORDER BY one.relname
    """
)
# Looked up for every question of an operator: one round trip, and no word but the numbers.
_NUMBERS = """
    SELECT substring(pg_get_expr(one.relpartbound, one.oid) FROM '\\((\\d+)\\)')::integer AS number
    FROM pg_inherits JOIN pg_class AS one ON one.oid = inhrelid
    WHERE inhparent = '{parent}'::regclass AND one.relname NOT IN ('{parent}_open', '{parent}_other')
    UNION SELECT drawer FROM {parent}_other
"""
# What still needs bytes: a message that is not done, and one of which a person must decide about an item.
# A refused call can be made by anybody, and a second set of bytes for one name is kept to be looked at: neither is read
# again, so neither keeps a whole month from going.
_OPEN_ITEMS = """
    SELECT inbox_id FROM set_aside
    WHERE state = 'open' AND inbox_id IS NOT NULL AND kind NOT LIKE '%\\_refused' AND reason <> 'same_id_other_bytes'
"""
_NEEDS_BYTES = f"""
    SELECT id, 'outgoing message' AS what FROM outbox
    WHERE drawer = 0 AND (message_id >= :low AND message_id < :high OR body_id >= :low AND body_id < :high)
    UNION ALL
    SELECT id, 'incoming message' FROM inbox WHERE drawer = 0 AND body_id >= :low AND body_id < :high
    UNION ALL
    SELECT id, 'incoming message with an open item' FROM inbox
    WHERE drawer = ANY(CAST(:inboxes AS integer[])) AND body_id >= :low AND body_id < :high
        AND id IN ({_OPEN_ITEMS})
"""  # noqa: S608  (no value is written into it)
# A finished outgoing message is needed by nobody; its bytes may be, by one that repeats it.
_NEEDS = {
    "inbox": f"""
        SELECT id, 'incoming message with an open item' AS what FROM inbox
        WHERE drawer = :number AND id IN ({_OPEN_ITEMS})
    """,  # noqa: S608  (no value is written into it)
    BODIES: _NEEDS_BYTES,
}


@dataclass(frozen=True, slots=True, order=True)
class Drawer:
    """One month of things that are kept for `months_kept` months."""

    months_kept: int
    month: int  # since January 2000

    @property
    def number(self) -> int:
        """As `drawer_of` in the database counts it."""
        return self.months_kept << 12 | self.month

    @property
    def name(self) -> str:
        """How its tables end: 24m_2026_11."""
        return f"{self.months_kept}m_{2000 + self.month // 12}_{self.month % 12 + 1:02d}"

    def is_over(self, month: int) -> bool:
        """Tell whether its period is over in this month."""
        return self.month + self.months_kept < month


@dataclass(frozen=True, slots=True)
class Old:
    """A drawer of one table whose period is over. `needed_by` says what keeps it from being dropped, "" for nothing."""

    parent: str
    drawer: Drawer
    needed_by: str

    @property
    def table(self) -> str:
        """The name of its table."""
        return f"{self.parent}_{self.drawer.name}"


def month_of(day: date) -> int:
    """Return the months since January 2000."""
    return (day.year - 2000) * 12 + day.month - 1


def drawer(number: int) -> Drawer:
    """Return the drawer of this number."""
    return Drawer(number >> 12, number & MONTH_MAX)


def ensure(connection: Connection) -> int:
    """Make the drawers of this month and the next ones, for every declared period; return how many were missing.

    What was written while its drawer was missing lies in the table's default partition: it gets its drawer now.
    """
    periods = [period for one in parties.manifests() for period in one.retentions]
    today = _this_month(connection)
    months = range(today, today + MONTHS_AHEAD + 1)
    bodies = {Drawer(one.bodies_months, month) for one in periods for month in months}
    lists = {Drawer(one.metadata_months, month) for one in periods for month in months}
    made = make_missing(connection, BODIES, bodies | _astray(connection, BODIES))
    return made + sum(make_missing(connection, table, lists | _astray(connection, table)) for table in LISTS)


def numbers(connection: Connection, parent: str) -> list[int]:
    """Return the number of every drawer of `outbox` or `inbox` that holds finished messages, the newest month first."""
    found = connection.execute(text(_NUMBERS.format(parent=parent))).scalars()
    return sorted(found, key=lambda number: -drawer(number).month)


def old(connection: Connection) -> list[Old]:
    """Return every drawer whose period is over, with what still needs it."""
    today = _this_month(connection)
    return [
        Old(parent, one, _needed_by(connection, parent, one))
        for parent in (*LISTS, BODIES)
        for name, one in _existing(connection, parent)
        if name == f"{parent}_{one.name}" and one.is_over(today)
    ]


def strays(connection: Connection) -> list[str]:
    """Return the default partitions that hold rows: their drawer was missing, and `ensure` makes it."""
    return [f"{parent}_other" for parent in (*LISTS, BODIES) if _holds_rows(connection, f"{parent}_other")]


def drop_old(connection: Connection, *, note: Callable[[str], None] | None = None) -> list[str]:
    """Drop every drawer whose period is over and that nothing needs, each in a transaction of its own; return names.

    `connection` is in no transaction; `note` is called within each, with the name. Names, set-aside items and the
    journal stay. Raise TransientError when the tables are too busy: what was dropped is dropped, the rest goes at the
    next try.
    """
    with connection.begin():
        found = old(connection)
    return [one.table for one in found if not one.needed_by and _drop(connection, one, note)]


def _drop(connection: Connection, one: Old, note: Callable[[str], None] | None) -> bool:
    """Drop it, unless somebody came to need it since it was looked at."""
    try:
        with connection.begin():
            connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
            # Before the last look: who needs it has said so by now, or waits here and finds the bytes gone.
            connection.execute(text(f"LOCK TABLE ONLY {one.parent} IN ACCESS EXCLUSIVE MODE"))
            if _needed_by(connection, one.parent, one.drawer):
                return False
            connection.execute(text(f"DROP TABLE {one.table}"))
            if note is not None:
                note(one.table)
    except OperationalError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            busy = f"{one.parent} is busy: {one.table} is dropped at the next try"
            raise TransientError(busy, reason="table_busy") from error
        raise
    return True


def _needed_by(connection: Connection, parent: str, one: Drawer) -> str:
    if parent not in _NEEDS:
        return ""
    values: dict[str, object] = {"number": one.number}
    if parent == BODIES:
        inboxes = numbers(connection, "inbox")
        values = {"low": one.number << 40, "high": (one.number + 1) << 40, "inboxes": inboxes}
    first = f"SELECT id, what, count(*) OVER () AS times FROM ({_NEEDS[parent]}) AS needing ORDER BY id LIMIT 1"  # noqa: S608  (ours, no value of anybody's)
    found = connection.execute(text(first), values).one_or_none()
    if found is None:
        return ""
    more = f" and {found.times - 1} more" if found.times > 1 else ""
    return f"{found.what} {found.id}{more}"


def _this_month(connection: Connection) -> int:
    return month_of(connection.execute(text("SELECT (now() AT TIME ZONE 'UTC')::date")).scalar_one())


def _existing(connection: Connection, parent: str) -> list[tuple[str, Drawer]]:
    """Return name and drawer of every partition but the default one."""
    rows = connection.execute(_DRAWERS, {"parent": parent}).all()
    return [(row.name, _drawer_of(row.bounds)) for row in rows if row.bounds != "DEFAULT"]


def _drawer_of(bounds: str) -> Drawer:
    """Read it from how PostgreSQL tells bounds: FOR VALUES IN (98636), FOR VALUES FROM ('1084…') TO ('1085…')."""
    first = bounds.partition("(")[2].partition(")")[0].strip("'")
    return drawer(int(first) >> 40 if "FROM" in bounds else int(first))


def _astray(connection: Connection, parent: str) -> set[Drawer]:
    if not _holds_rows(connection, f"{parent}_other"):
        return set()
    rows = connection.execute(text(f"SELECT DISTINCT {_NUMBER[parent]} AS number FROM {parent}_other"))  # noqa: S608  (ours, no value of anybody's)
    return {drawer(row.number) for row in rows if row.number > MONTH_MAX}


def _holds_rows(connection: Connection, table: str) -> bool:
    return bool(connection.execute(text(f"SELECT EXISTS (SELECT FROM {table})")).scalar_one())  # noqa: S608  (ours, no value of anybody's)


def make_missing(connection: Connection, parent: str, wanted: Iterable[Drawer]) -> int:
    """Make those of the drawers that a table does not have, and return how many that were."""
    there = {one for _, one in _existing(connection, parent)}
    missing = sorted(set(wanted) - there)
    for one in missing:
        _make(connection, parent, one)
    return len(missing)


def _make(connection: Connection, parent: str, one: Drawer) -> None:
    """Make the drawer, move into it what lies astray, and attach it."""
    name, number = f"{parent}_{one.name}", _NUMBER[parent]
    connection.execute(text(f"CREATE TABLE {name} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"))
    moved = f"""
        WITH moved AS (DELETE FROM {parent}_other WHERE {number} = {one.number} RETURNING *)
        INSERT INTO {name} SELECT * FROM moved
    """  # noqa: S608  (names and numbers are ours)
    connection.execute(text(moved))
    low, high = one.number << 40, (one.number + 1) << 40
    bounds = f"FROM ({low}) TO ({high})" if parent == BODIES else f"IN ({one.number})"
    connection.execute(text(f"ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES {bounds}"))
