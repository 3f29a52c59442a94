"""Calls that wait together are kept together, as `inbox.keep` keeps each, and none fails for another's fault."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from truc.envelope import Envelope
from truc.exchange import bodies, inbox
from truc.inbound.keeping import Batches
from truc.store.tables.exchange import INBOX, INBOX_NAMES, SET_ASIDE


def envelope(name, body=b"{}", kind="ipn"):
    return Envelope("momo", kind, name, body)


def rows(store, table, *order):
    with store.begin() as transaction:
        return transaction.sql.execute(select(table).order_by(*order)).all()


def kept(store, *envelopes):
    with store.begin() as transaction:
        return inbox.keep_many(transaction, envelopes)[0]


def test_many_are_kept_in_order_each_with_its_own_bytes(empty_store):
    names = [f"N{number}" for number in range(40)]
    found = kept(empty_store, *(envelope(name, name.encode()) for name in names))
    assert all(one.first for one in found)
    by_id = {row.id: row for row in rows(empty_store, INBOX, INBOX.c.id)}
    assert [by_id[one.inbox_id].external_id for one in found] == names
    with empty_store.begin() as transaction:
        assert [bodies.read(transaction, by_id[one.inbox_id].body_id) for one in found] == [
            name.encode() for name in names
        ]


def test_what_was_kept_before_is_seen_again_whoever_kept_it(empty_store):
    with empty_store.begin() as transaction:
        before = inbox.keep(transaction, envelope("A"))
    again, new = kept(empty_store, envelope("A"), envelope("B"))
    assert (again.inbox_id, again.first, new.first) == (before.inbox_id, False, True)
    with empty_store.begin() as transaction:
        assert inbox.keep(transaction, envelope("B")) == inbox.Kept(new.inbox_id, first=False)
    assert [row.seen for row in rows(empty_store, INBOX_NAMES, INBOX_NAMES.c.external_id)] == [2, 2]


def test_a_known_id_with_other_bytes_is_an_incident(empty_store):
    kept(empty_store, envelope("A", b"1"), envelope("B", b"1"))
    _, other = kept(empty_store, envelope("A", b"1"), envelope("B", b"2"))
    [aside] = rows(empty_store, SET_ASIDE, SET_ASIDE.c.id)
    assert (aside.reason, aside.item, aside.inbox_id) == ("same_id_other_bytes", "B", other.inbox_id)


def test_it_waits_for_whoever_keeps_the_same_name_alone(empty_store):
    """Both take the same lock: without it neither would see the other's bytes."""
    with ThreadPoolExecutor(1) as pool:
        with empty_store.begin() as transaction:
            transaction.lock("inbox", "momo", "ipn", "A")
            waits = pool.submit(kept, empty_store, envelope("A"))
            time.sleep(0.3)
            assert not waits.done()
        assert waits.result(10)[0].first


def named(work):
    return "momo", "ipn", work


def test_what_comes_while_one_batch_is_done_goes_in_the_next_and_no_name_twice_in_one():
    batches, gate = [], threading.Event()

    def do(works):
        batches.append(list(works))
        gate.wait(5)
        return [f"{work} done" for work in works]

    async def play():
        ours = Batches(do, named)
        first = asyncio.create_task(ours.done("A", within_s=5))
        await asyncio.sleep(0.1)
        others = [asyncio.create_task(ours.done(work, within_s=5)) for work in "BCBBD"]
        await asyncio.sleep(0.1)
        gate.set()
        return [await first, *[await one for one in others]]

    assert asyncio.run(play()) == ["A done", "B done", "C done", "B done", "B done", "D done"]
    assert batches == [["A"], ["B", "C", "D"], ["B"], ["B"]]


def test_one_that_fails_fails_alone():
    def do(works):
        if "bad" in works:
            raise ValueError("bad")
        return list(works)

    async def play():
        ours = Batches(do, named)
        waiting = (ours.done(work, within_s=5) for work in ("A", "bad", "B"))
        return await asyncio.gather(*waiting, return_exceptions=True)

    first, bad, last = asyncio.run(play())
    assert (first, type(bad), last) == ("A", ValueError, "B")


def test_whoever_stops_waiting_leaves_the_work_done_and_the_others_answered():
    done, gate = [], threading.Event()

    def do(works):
        gate.wait(5)
        done.extend(works)
        return list(works)

    async def play():
        ours = Batches(do, named)
        with pytest.raises(TimeoutError):
            await ours.done("A", within_s=0.05)
        gate.set()
        return await ours.done("B", within_s=5)

    assert asyncio.run(play()) == "B"
    assert done == ["A", "B"]
