"""The migrations lead where the tables say, both ways, as often as one likes."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import psycopg
import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from truc.domain import status
from truc.settings import Settings
from truc.store.migrate import config, upgrade
from truc.store.tables import METADATA

FIRST = import_module("truc.store.migrations.versions.0001_the_core_stores")


@pytest.fixture
def bare(server: Settings) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    name = f"bare_{secrets.token_hex(6)}"
    with psycopg.connect(_plain(server.embedded_url("postgres", "postgres")), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]  # the name is ours, made above
        yield server.embedded_url("postgres", name)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]  # ours, made above


@pytest.fixture
def engine(bare: str) -> Iterator[Engine]:
    opened = create_engine(bare)
    yield opened
    opened.dispose()


def test_a_second_upgrade_changes_nothing(bare: str, engine: Engine) -> None:
    upgrade(bare)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO swapped_days VALUES ('2026-02-14', true)"))
    first = _picture(engine)

    upgrade(bare)

    assert _picture(engine) == first
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM swapped_days")).scalar_one() == 1


def test_two_starts_at_once_both_end_migrated(bare: str, engine: Engine) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, [bare] * 4))

    with engine.begin() as connection:
        parents = connection.execute(
            text("SELECT tablename FROM pg_tables JOIN pg_class ON oid = tablename::regclass"
                 " WHERE schemaname = 'public' AND NOT relispartition")
        )
        assert {row.tablename for row in parents} == set(METADATA.tables) | {"alembic_version"}


def test_the_migrations_make_exactly_the_tables(bare: str, engine: Engine) -> None:
    upgrade(bare)
    with engine.connect() as connection:
        command.check(config(connection))


def test_a_table_that_no_migration_makes_is_noticed(bare: str, engine: Engine) -> None:
    upgrade(bare)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE outbox DROP COLUMN asks"))
    with engine.connect() as connection, pytest.raises(CommandError, match="asks"):
        command.check(config(connection))


def test_down_to_nothing_and_up_again_is_the_same_store(bare: str, engine: Engine) -> None:
    upgrade(bare)
    first = _picture(engine)

    with engine.begin() as connection:
        command.downgrade(config(connection), "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    with engine.begin() as connection:
        left = connection.execute(text("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")).all()
        assert left == []

    upgrade(bare)
    assert _picture(engine) == first


def test_the_migration_holds_the_national_statuses_and_moves() -> None:
    assert {one.value: one.vietnamese for one in status.Status} == FIRST.STATUSES
    pairs = {(before, after) for before, afters in FIRST.MOVES.items() for after in afters}
    assert pairs == status.TRANSITIONS


def test_the_database_holds_those_moves(bare: str, engine: Engine) -> None:
    upgrade(bare)
    with engine.begin() as connection:
        rows = connection.execute(text("SELECT from_status, to_status FROM dossier_moves")).all()
    assert {(row[0], row[1]) for row in rows} == status.TRANSITIONS


def test_a_status_of_nobody_is_refused_by_the_database(bare: str, engine: Engine) -> None:
    upgrade(bare)
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text("INSERT INTO dossier_moves VALUES (9, 11)"))


def _picture(engine: Engine) -> list[tuple[object, ...]]:
    """Every column, constraint, index and trigger of the schema."""
    query = """
        SELECT 'column', table_name, column_name, data_type, is_nullable, column_default
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT 'index', tablename, indexname, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), '', ''
        FROM pg_trigger WHERE NOT tgisinternal
        ORDER BY 1, 2, 3, 4
    """
    with engine.begin() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def _plain(url: str) -> str:
    return url.replace("+psycopg", "")
