"""The monthly drawers that finished messages and kept bytes lie in: made ahead, dropped whole when their time is over.

A drawer's number is `months kept << 12 | months since January 2000`, so things with different periods lie in
different drawers, and each drawer knows when it may go.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, text

from truc import parties

MONTHS_AHEAD = 2


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


def month_of(day: date) -> int:
    """Return the months since January 2000."""
    return (day.year - 2000) * 12 + day.month - 1


def ensure(connection: Connection) -> int:
    """Make the drawers of this month and the next ones, for every declared period; return how many were missing."""
    manifests = parties.manifests()
    periods = [period for one in manifests for period in one.retentions]
    today = connection.execute(text("SELECT (now() AT TIME ZONE 'UTC')::date")).scalar_one()
    months = range(month_of(today), month_of(today) + MONTHS_AHEAD + 1)
    made = 0
    for kept in sorted({period.bodies_months for period in periods}):
        made += sum(_make_bodies(connection, Drawer(kept, month)) for month in months)
    for kept in sorted({period.metadata_months for period in periods}):
        made += sum(_make_lists(connection, Drawer(kept, month), ("outbox", "inbox")) for month in months)
    return made


def _make_bodies(connection: Connection, drawer: Drawer) -> int:
    name = f"kept_bodies_{drawer.name}"
    if _exists(connection, name):
        return 0
    bounds = f"FROM ({drawer.number << 40}) TO ({(drawer.number + 1) << 40})"
    connection.execute(text(f"CREATE TABLE {name} PARTITION OF kept_bodies FOR VALUES {bounds}"))
    return 1


def _make_lists(connection: Connection, drawer: Drawer, tables: Iterable[str]) -> int:
    made = 0
    for table in tables:
        name = f"{table}_{drawer.name}"
        if not _exists(connection, name):
            connection.execute(text(f"CREATE TABLE {name} PARTITION OF {table} FOR VALUES IN ({drawer.number})"))
            made += 1
    return made


def _exists(connection: Connection, name: str) -> bool:
    return connection.execute(text("SELECT to_regclass(:name)"), {"name": name}).scalar() is not None
