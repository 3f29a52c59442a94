"""Transactions: whole or not at all, over kept connections that may have been cut meanwhile."""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

COUNT = text("SELECT count(*) FROM maintenance")
ADD = text("INSERT INTO maintenance (party, from_at, reason) VALUES ('x', now(), 'why')")


def test_a_transaction_happens_wholly_or_not_at_all(empty_store):
    def half(transaction):
        transaction.sql.execute(ADD)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        empty_store.run(half)
    with empty_store.begin() as transaction:
        assert transaction.sql.execute(COUNT).scalar_one() == 0
        transaction.sql.execute(ADD)
        assert _seen_elsewhere(empty_store) == 0
    assert _seen_elsewhere(empty_store) == 1


def test_cut_connections_do_not_cost_the_next_transaction(empty_store):
    kept = [empty_store.begin() for _ in range(3)]
    for one in kept:
        one.__enter__().sql.execute(COUNT)
    for one in kept:
        one.__exit__(None, None, None)
    assert _cut(empty_store) == 3
    for _ in range(3):
        with empty_store.begin() as transaction:
            transaction.sql.execute(ADD)
    assert _seen_elsewhere(empty_store) == 3


def test_a_connection_closed_on_our_side_is_replaced_too(empty_store):
    with empty_store.begin() as transaction:
        driver = transaction.sql.connection.driver_connection
    driver.close()
    with empty_store.begin() as transaction:
        transaction.sql.execute(ADD)
    assert _seen_elsewhere(empty_store) == 1


def test_a_connection_cut_within_a_transaction_is_an_error(empty_store):
    def cut(transaction):
        transaction.sql.execute(ADD)
        _cut(empty_store)
        transaction.sql.execute(ADD)

    with pytest.raises(OperationalError):
        empty_store.run(cut)
    assert _seen_elsewhere(empty_store) == 0


def test_a_database_that_is_away_is_an_error_and_no_endless_question(empty_store):
    with empty_store.begin() as transaction:
        transaction.sql.execute(COUNT)
    name = empty_store.engine.url.database
    _admin(empty_store, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    try:
        _cut(empty_store)
        with pytest.raises(OperationalError), empty_store.begin():
            pass
    finally:
        _admin(empty_store, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def _seen_elsewhere(store):
    with psycopg.connect(store.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)) as other:
        return other.execute(str(COUNT)).fetchone()[0]


def _cut(store):
    """End every connection of the store's pool and return how many there were."""
    cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
    return _admin(store, cut, store.engine.url.database)[0][0]


def _admin(store, command, *values):
    url = store.engine.url.set(drivername="postgresql", database="postgres")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        done = connection.execute(command, values)
        return list(done) if done.description else []
