"""A drawer whose period is over is dropped whole, unless something open needs it; names and the journal stay."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, text

from truc.errors import TransientError
from truc.exchange import bodies
from truc.operating import audit, upkeep
from truc.store import drawers
from truc.store.drawers import Drawer
from truc.store.opened import Store

OVER = Drawer(24, 260)  # September 2021, kept until September 2023
OLD_LIST = Drawer(120, 100)  # May 2008, kept until May 2018
BY = audit.Order(actor="hoa", reason="its period is over")


@pytest.fixture
def sql(empty_store: Store) -> Iterator[Any]:
    """Run a statement in a transaction of its own and return its rows."""

    def run(statement: str, **values: object) -> list[Any]:
        with empty_store.begin() as transaction:
            done = transaction.sql.execute(text(statement), values)
            return list(done) if done.returns_rows else []

    return run


@pytest.fixture
def connection(empty_store: Store) -> Iterator[Connection]:
    """A connection in no transaction."""
    with empty_store.engine.connect() as opened:
        yield opened


@pytest.fixture
def old(empty_store: Store, sql: Any) -> None:
    """Drawers of long ago, with a sent message, a booked one and their bytes in them."""
    body = (OVER.number << 40) + 1
    sql("INSERT INTO kept_bodies (id, digest, content_type, sealed) VALUES (:id, 'd', 't', 'x')", id=body)
    sql(
        "INSERT INTO outbox (drawer, id, place, party, operation, key, external_id, dossier_code, message_id, state)"
        " VALUES (:drawer, 1, 1, 'sms', 'message', 'k', 'e', 'd', :body, 'sent')",
        drawer=OLD_LIST.number,
        body=body,
    )
    sql("INSERT INTO outbox_names VALUES ('sms', 'message', 'e', 1)")
    sql(
        "INSERT INTO inbox (drawer, id, party, kind, external_id, digest, body_id, state)"
        " VALUES (:drawer, 2, 'momo', 'ipn', 'e', 'd', :body, 'booked')",
        drawer=OLD_LIST.number,
        body=body,
    )
    upkeep.make_drawers(empty_store)


def test_what_lay_astray_gets_its_drawer(empty_store: Store, old: None, sql: Any) -> None:
    rows = sql(
        "SELECT tableoid::regclass::text AS place FROM outbox UNION ALL SELECT tableoid::regclass::text FROM inbox"
    )
    assert sorted(row.place for row in rows) == [f"inbox_{OLD_LIST.name}", f"outbox_{OLD_LIST.name}"]
    assert [row.place for row in sql("SELECT tableoid::regclass::text AS place FROM kept_bodies")] == [
        f"kept_bodies_{OVER.name}"
    ]
    with empty_store.begin() as transaction:
        assert drawers.strays(transaction.sql) == []
    assert upkeep.make_drawers(empty_store) == 0


def test_a_row_of_this_month_that_lay_astray_does_not_stop_the_drawers(empty_store: Store, sql: Any) -> None:
    """As after a month in which nobody made drawers, or after the move of an old hub's rows."""
    [now] = sql("SELECT drawer_of(120, now()) AS number")
    name = drawers.drawer(now.number).name
    sql(f"DROP TABLE outbox_{name}")
    sql(
        "INSERT INTO outbox (drawer, id, place, party, operation, key, external_id, dossier_code, message_id, state)"
        " VALUES (:drawer, 1, 1, 'sms', 'message', 'k', 'e', 'd', 1, 'sent')",
        drawer=now.number,
    )
    with empty_store.begin() as transaction:
        assert drawers.strays(transaction.sql) == ["outbox_other"]
    assert upkeep.make_drawers(empty_store) == 1
    assert sql("SELECT tableoid::regclass::text AS place FROM outbox")[0].place == f"outbox_{name}"
    indexes = sql("SELECT indexname FROM pg_indexes WHERE tablename = :name", name=f"outbox_{name}")
    assert len(indexes) == 3


def test_what_is_over_is_dropped_whole_and_the_names_stay(
    empty_store: Store, old: None, sql: Any, connection: Connection
) -> None:
    before = _tables(sql)
    dropped = drawers.drop_old(connection)
    assert set(dropped) == {f"outbox_{OLD_LIST.name}", f"inbox_{OLD_LIST.name}", f"kept_bodies_{OVER.name}"}
    assert before - _tables(sql) == set(dropped)
    assert sql("SELECT external_id FROM outbox_names") == [("e",)]
    assert drawers.drop_old(connection) == []


def test_each_drop_has_its_line_in_the_audit_log(empty_store: Store, old: None, sql: Any) -> None:
    dropped = upkeep.drop_old(empty_store, BY)
    assert len(dropped) == 3
    rows = sql("SELECT actor, action, target, reason FROM audit_log ORDER BY id")
    assert [tuple(row) for row in rows] == [("hoa", "drop_drawer", name, "its period is over") for name in dropped]


def test_the_month_that_is_kept_to_its_end_stays(sql: Any, empty_store: Store) -> None:
    [now] = sql("SELECT (now() AT TIME ZONE 'UTC')::date AS day")
    today = drawers.month_of(now.day)
    with empty_store.begin() as transaction:
        last, over = Drawer(24, today - 24), Drawer(24, today - 25)
        assert drawers.make_missing(transaction.sql, drawers.BODIES, [last, over]) == 2
        assert [one.drawer for one in drawers.old(transaction.sql)] == [over]


@pytest.mark.parametrize("column", ["message_id", "body_id"])
def test_bytes_that_an_open_message_needs_stay_and_it_is_told_which(
    empty_store: Store, old: None, sql: Any, connection: Connection, column: str
) -> None:
    bodies_of = {"message_id": 0, "body_id": 0, column: (OVER.number << 40) + 1}
    sql(
        "INSERT INTO outbox (id, place, party, operation, key, external_id, dossier_code, message_id, body_id, state)"
        " SELECT 70 + one, 70 + one, 'sms', 'message', 'k', 'f' || one, 'd', :message_id, :body_id, 'set_aside'"
        " FROM generate_series(1, 3) AS one",
        **bodies_of,
    )
    dropped = drawers.drop_old(connection)
    assert f"kept_bodies_{OVER.name}" not in dropped
    with connection.begin():
        [left] = drawers.old(connection)
    assert (left.table, left.needed_by) == (f"kept_bodies_{OVER.name}", "outgoing message 71 and 2 more")
    sql("DELETE FROM outbox WHERE drawer = 0")
    assert drawers.drop_old(connection) == [f"kept_bodies_{OVER.name}"]


def test_bytes_and_row_that_an_open_item_needs_stay(old: None, sql: Any, connection: Connection) -> None:
    sql("INSERT INTO set_aside (party, kind, inbox_id, item, reason, text) VALUES ('momo', 'ipn', 2, 'i', 'r', 't')")
    assert drawers.drop_old(connection) == [f"outbox_{OLD_LIST.name}"]
    with connection.begin():
        assert {one.needed_by for one in drawers.old(connection)} == {"incoming message with an open item 2"}
    sql("UPDATE set_aside SET state = 'resolved'")
    assert len(drawers.drop_old(connection)) == 2


@pytest.mark.parametrize(("kind", "reason"), [("ipn_refused", "bad_signature"), ("ipn", "same_id_other_bytes")])
def test_what_any_stranger_can_leave_behind_keeps_no_drawer(
    old: None, sql: Any, connection: Connection, kind: str, reason: str
) -> None:
    sql(
        "INSERT INTO set_aside (party, kind, inbox_id, item, reason, text)"
        " VALUES ('momo', :kind, 2, 'i', :reason, 't')",
        kind=kind,
        reason=reason,
    )
    dropped = [f"inbox_{OLD_LIST.name}", f"kept_bodies_{OVER.name}", f"outbox_{OLD_LIST.name}"]
    assert sorted(drawers.drop_old(connection)) == dropped


def test_bytes_of_a_message_that_was_not_booked_yet_stay(old: None, sql: Any, connection: Connection) -> None:
    sql(
        "INSERT INTO inbox (id, party, kind, external_id, digest, body_id) VALUES (3, 'momo', 'ipn', 'f', 'd', :body)",
        body=(OVER.number << 40) + 1,
    )
    assert f"kept_bodies_{OVER.name}" not in drawers.drop_old(connection)


def test_a_table_in_use_is_not_waited_for_for_ever(
    empty_store: Store, old: None, connection: Connection, monkeypatch: Any
) -> None:
    monkeypatch.setattr(drawers, "PATIENCE", "200ms")
    with empty_store.begin() as reader:
        reader.sql.execute(text("SELECT FROM outbox LIMIT 1"))
        with pytest.raises(TransientError, match="outbox is busy"):
            drawers.drop_old(connection)
    assert len(drawers.drop_old(connection)) == 3


def test_what_comes_to_need_a_drawer_before_it_is_locked_keeps_it(
    empty_store: Store, old: None, sql: Any, connection: Connection, monkeypatch: Any
) -> None:
    looked = drawers.old

    def late(given: Connection) -> list[drawers.Old]:
        found = looked(given)
        sql("INSERT INTO set_aside (party, kind, inbox_id, item, reason, text) VALUES ('m', 'i', 2, 'i', 'r', 't')")
        return found

    monkeypatch.setattr(drawers, "old", late)
    assert drawers.drop_old(connection) == [f"outbox_{OLD_LIST.name}"]


def test_dropped_bytes_are_told_as_such(empty_store: Store, old: None, connection: Connection) -> None:
    drawers.drop_old(connection)
    with empty_store.begin() as transaction:
        assert bodies.read_many(transaction, [(OVER.number << 40) + 1]) == {}


def test_numbers_are_those_of_the_drawers_the_newest_first(empty_store: Store, old: None) -> None:
    with empty_store.begin() as transaction:
        numbers = drawers.numbers(transaction.sql, "outbox")
    assert numbers[-1] == OLD_LIST.number
    assert 0 not in numbers
    months = [drawers.drawer(number).month for number in numbers]
    assert months == sorted(months, reverse=True)


def _tables(sql: Any) -> set[str]:
    return {row.relname for row in sql("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")}
