"""Who listens hears of committed work soon and once, and goes on listening whatever becomes of the database."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc import secrets_file, settings, waking
from truc.errors import SetupError
from truc.exchange import outbox
from truc.ground import postgres
from truc.manifest import Event
from truc.messages import NoticeDue
from truc.settings import Settings
from truc.store.opened import Store
from truc.waking import COLLECT_S, REST_S, Bell

QUEUES = frozenset({"sms/message", "vnpost/order"})
LATEST_S = COLLECT_S + REST_S + 5  # far more than it takes, on a machine that is busy


# The bell


def test_what_rings_together_is_told_once_after_a_moment() -> None:
    bell = Bell()
    bell.ring(["sms/message"], 10.0)
    bell.ring(["sms/message", "vnpost/order"], 10.1)
    assert bell.next_in_s(10.1) == pytest.approx(COLLECT_S - 0.1)
    assert bell.take(10.0 + COLLECT_S) == {"sms/message"}
    assert bell.take(10.1 + COLLECT_S) == {"vnpost/order"}
    assert (bell.take(99.0), bell.next_in_s(99.0)) == (frozenset(), None)


def test_a_name_that_was_just_told_waits_and_another_does_not() -> None:
    bell = Bell()
    bell.ring(["sms/message"], 0.0)
    assert bell.take(COLLECT_S) == {"sms/message"}
    bell.ring(["sms/message", "vnpost/order"], 0.5)
    assert bell.take(0.5 + COLLECT_S) == {"vnpost/order"}
    assert bell.take(COLLECT_S + REST_S) == {"sms/message"}


@given(st.lists(st.tuples(st.sampled_from(sorted(QUEUES)), st.floats(0, 3)), max_size=60))
def test_every_ring_is_told_of_in_time_and_no_name_twice_within_its_rest(rings: list[tuple[str, float]]) -> None:
    bell, now_s, told = Bell(), 0.0, []
    rung: list[tuple[str, float]] = []
    for name, pause_s in rings:
        now_s = _told_until(bell, now_s, now_s + pause_s, told)
        bell.ring([name], now_s)
        rung.append((name, now_s))
    _told_until(bell, now_s, now_s + 100, told)
    for name, at_s in rung:
        assert any(one == name and at_s <= told_s <= at_s + COLLECT_S + REST_S + 0.001 for one, told_s in told)
    for name in QUEUES:
        times = [told_s for one, told_s in told if one == name]
        assert all(later - earlier > REST_S - 0.001 for earlier, later in pairwise(times))


def _told_until(bell: Bell, now_s: float, until_s: float, told: list[tuple[str, float]]) -> float:
    while (wait_s := bell.next_in_s(now_s)) is not None and now_s + wait_s <= until_s:
        now_s += wait_s + 1e-6  # a clock never wakes early
        told += [(name, now_s) for name in bell.take(now_s)]
    return max(now_s, until_s)


# On a real database


def test_all_queues_are_told_at_first_then_the_one_that_a_commit_left_work_in(empty_store: Store) -> None:
    async def heard() -> None:
        async with aclosing(waking.woken(lambda: _url(empty_store), QUEUES)) as woken:
            assert await _next(woken) == QUEUES
            with empty_store.begin() as transaction:
                _publish(transaction, 1)
                waits = asyncio.ensure_future(anext(woken))
                done, _ = await asyncio.wait([waits], timeout=COLLECT_S + REST_S + 0.5)
                assert done == set(), "not before the commit"
            assert await asyncio.wait_for(waits, LATEST_S) == {"sms/message"}

    asyncio.run(heard())


def test_a_rolled_back_change_wakes_nobody(empty_store: Store) -> None:
    async def heard() -> None:
        async with aclosing(waking.woken(lambda: _url(empty_store), QUEUES)) as woken:
            await _next(woken)
            with suppress(InterruptedError), empty_store.begin() as transaction:
                _publish(transaction, 1)
                raise InterruptedError
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(woken), COLLECT_S + REST_S + 0.5)

    asyncio.run(heard())


def test_a_thousand_notifications_tell_a_few_times(empty_store: Store) -> None:
    async def heard() -> tuple[int, float]:
        async with aclosing(waking.woken(lambda: _url(empty_store), QUEUES)) as woken:
            await _next(woken)
            begun = time.monotonic()
            await asyncio.to_thread(_notify, empty_store, *["sms/message"] * 1000)
            burst_s, told = time.monotonic() - begun, 0
            try:
                while True:
                    assert await asyncio.wait_for(anext(woken), COLLECT_S + REST_S + 0.5) == {"sms/message"}
                    told += 1
            except TimeoutError:
                return told, burst_s

    told, burst_s = asyncio.run(heard())
    assert 1 <= told <= 2 + burst_s / REST_S


def test_what_names_no_queue_is_left_out_and_told_to_the_log_once(
    empty_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    strange = ["", "sms", "sms/message ", "sms/parcel", "{}", "\N{PILE OF POO}" * 900]

    async def heard() -> None:
        async with aclosing(waking.woken(lambda: _url(empty_store), QUEUES)) as woken:
            await _next(woken)
            _notify(empty_store, *strange, "vnpost/order")
            assert await _next(woken) == {"vnpost/order"}

    with caplog.at_level(logging.WARNING, logger=waking.__name__):
        asyncio.run(heard())
    assert [record.getMessage() for record in caplog.records] == [
        "a notification of truc_outbox names no queue with a pipeline"
    ]


def test_a_connection_that_was_cut_is_made_anew_and_all_queues_are_told(
    empty_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waking, "RECONNECT_S", (0.05,))

    async def heard() -> None:
        async with aclosing(waking.woken(lambda: _url(empty_store), QUEUES)) as woken:
            await _next(woken)
            [first] = _listeners(empty_store)
            _sql(empty_store, "SELECT pg_terminate_backend(%s)", first)
            assert await _next(woken) == QUEUES
            [second] = _listeners(empty_store)
            assert second != first
            _notify(empty_store, "vnpost/order")
            assert await _next(woken) == {"vnpost/order"}

    asyncio.run(heard())


def test_one_who_stops_listening_leaves_no_connection(empty_store: Store) -> None:
    async def heard() -> None:
        async with aclosing(waking.woken(lambda: _url(empty_store), QUEUES)) as woken:
            await _next(woken)
            assert len(_listeners(empty_store)) == 1

    async def cancelled() -> None:
        async def forever() -> None:
            async for _ in waking.woken(lambda: _url(empty_store), QUEUES):
                pass

        listening = asyncio.create_task(forever())
        while not _listeners(empty_store):
            await asyncio.sleep(0.05)
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening

    for one in (heard, cancelled):
        asyncio.run(one())
        _until(lambda: _listeners(empty_store) == [])


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Settings]:
    """A server that the test may stop."""
    here = settings.load(tmp_path, {})
    secrets_file.ensure(here.secrets)
    postgres.start(here)
    try:
        yield here
    finally:
        postgres.stop(here)
        postgres.remove(here)


def test_a_database_that_restarts_is_found_again(own_server: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waking, "RECONNECT_S", (0.1, 0.2))

    async def heard() -> None:
        async with aclosing(waking.woken(lambda: _superuser(own_server), QUEUES)) as woken:
            assert await _next(woken) == QUEUES
            waits = asyncio.ensure_future(anext(woken))
            await asyncio.to_thread(postgres.stop, own_server)
            done, _ = await asyncio.wait([waits], timeout=1)
            assert done == set(), "nothing is told, and nothing raised, while the database is away"
            await asyncio.to_thread(postgres.start, own_server)
            assert await asyncio.wait_for(waits, 30) == QUEUES

    asyncio.run(heard())


def test_settings_that_are_wrong_for_a_while_are_read_again_and_never_written_to_the_log(
    empty_store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(waking, "RECONNECT_S", (0.05,))
    answers: list[Any] = [
        SetupError("no postgres_truc: run `truc setup` first", reason="secret_missing"),
        "postgresql://truc:hunter2@[127.0.0.1/truc",
        _url(empty_store, password="hunter2"),
        "postgresql://truc:hunter2@127.0.0.1:1/truc",  # nobody there
        _url(empty_store),
    ]

    def address() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    async def heard() -> None:
        async with aclosing(waking.woken(address, QUEUES)) as woken:
            assert await asyncio.wait_for(anext(woken), 30) == QUEUES

    with caplog.at_level(logging.DEBUG):
        asyncio.run(heard())
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [one.partition(")")[0] for one in told] == [
        f"not listening to truc_outbox ({name}"
        for name in ("SetupError", "ProgrammingError", "OperationalError", "OperationalError")
    ]
    assert "hunter2" not in caplog.text


async def _next(woken: AsyncIterator[frozenset[str]]) -> frozenset[str]:
    return await asyncio.wait_for(anext(woken), LATEST_S)


def _publish(transaction: Any, number: int) -> None:
    message = NoticeDue(
        notice_id=f"n{number}", dossier_code="H32.01-261120-0001", notice="ready", phone="0905123456", text="Ho so"
    )
    outbox.publish(transaction, Event.NOTICE_DUE, message, key=f"n{number}", external_id=f"n{number}")


def _notify(store: Store, *payloads: str) -> None:
    with psycopg.connect(_url(store), autocommit=True) as connection:
        for payload in payloads:
            connection.execute("SELECT pg_notify('truc_outbox', %s)", (payload,))


def _listeners(store: Store) -> list[int]:
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'truc waking' AND datname = current_database()"
    return [pid for (pid,) in _sql(store, query)]


def _sql(store: Store, query: Any, *values: object) -> list[Any]:
    with psycopg.connect(_url(store), autocommit=True) as connection:
        return connection.execute(query, values).fetchall()


def _url(store: Store, **changes: Any) -> str:
    return store.engine.url.set(**changes).render_as_string(hide_password=False).replace("+psycopg", "")


def _superuser(here: Settings) -> str:
    return here.embedded_url("postgres", "postgres").replace("+psycopg", "")


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)
