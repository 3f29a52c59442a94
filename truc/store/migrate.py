"""Brings the core stores to the newest form."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from truc.settings import sqlalchemy_url
from truc.store import drawers

# Any number that is always the same: two starts at once migrate one after the other.
LOCK = 7_402_611_201


def upgrade(url: str) -> None:
    """Migrate the database behind a `postgresql://` URL to the newest form; a no-op when it is there."""
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
            connection.commit()
            command.upgrade(config(connection), "head")
            drawers.ensure(connection)
            connection.commit()
    finally:
        engine.dispose()


def config(connection: object) -> Config:
    """Return Alembic's configuration over an open connection."""
    found = Config()
    found.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    found.attributes["connection"] = connection
    return found
