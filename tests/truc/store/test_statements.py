"""A statement is booked once; a restated one is the next version and the old one stays."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from truc.envelope import Envelope
from truc.errors import MalformedError
from truc.exchange import inbox
from truc.messages import Statement, StatementLine
from truc.store import statements
from truc.store.opened import Store
from truc.store.statements import Change, Stood

DAY = date(2026, 3, 4)
AT = datetime(2026, 3, 4, 2, tzinfo=UTC)
numbers = count(1)
STOOD = Stood(amount_vnd=50_000, fee_vnd=0, state="paid", occurred_at=AT, settled_on=None)


def test_the_same_file_again_is_refused_as_delivered_twice(empty_store: Store) -> None:
    _deliver(empty_store, "a.txt", b"first")
    with pytest.raises(MalformedError, match="2026-03-04") as caught:
        _deliver(empty_store, "a-again.txt", b"first")
    assert caught.value.reason == "delivered_twice"
    assert _versions(empty_store) == [(1, 1, 50_000)]


def test_a_restated_file_is_version_two_and_the_first_stays(empty_store: Store) -> None:
    _deliver(empty_store, "a.txt", b"first")
    _deliver(empty_store, "a.txt", b"restated", amounts=(50_000, 70_000))
    assert _versions(empty_store) == [(1, 1, 50_000), (2, 2, 120_000)]


def test_the_first_file_after_a_restated_one_is_still_delivered_twice(empty_store: Store) -> None:
    _deliver(empty_store, "a.txt", b"first")
    _deliver(empty_store, "a.txt", b"restated", amounts=(1,))
    with pytest.raises(MalformedError) as caught:
        _deliver(empty_store, "b.txt", b"first")
    assert caught.value.reason == "delivered_twice"


def test_an_empty_day_is_a_statement_too(empty_store: Store) -> None:
    _deliver(empty_store, "a.txt", b"nothing today", amounts=())
    assert _versions(empty_store) == [(1, 0, 0)]


def test_other_days_and_parties_have_versions_of_their_own(empty_store: Store) -> None:
    _deliver(empty_store, "a.txt", b"first")
    _deliver(empty_store, "a.txt", b"first", party="vietinbank")
    _deliver(empty_store, "b.txt", b"first", day=date(2026, 3, 5))
    assert _versions(empty_store) == [(1, 1, 50_000)] * 3


def test_many_files_of_one_day_at_once_get_dense_versions(empty_store: Store) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: _deliver(empty_store, f"{number}", b"%d" % number), range(6)))
    assert [version for version, _, _ in _versions(empty_store)] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"count_declared": 2}, "control_count_differs"),
        ({"amount_declared_vnd": 50_001}, "control_total_differs"),
        ({"opening_vnd": 1, "moved_vnd": 50_000, "closing_vnd": 50_000}, "balance_differs"),
    ],
)
def test_a_mapping_that_did_not_look_books_no_half_file(
    empty_store: Store, change: dict[str, int], reason: str
) -> None:
    with pytest.raises(MalformedError) as caught:
        _deliver(empty_store, "a.txt", b"half", declared=change)
    assert caught.value.reason == reason
    assert _versions(empty_store) == []


def test_what_the_file_declares_is_kept(empty_store: Store) -> None:
    said = {"opening_vnd": -5, "moved_vnd": 50_000, "closing_vnd": 49_995, "sequence_first": 7, "sequence_last": 8}
    _deliver(empty_store, "a.txt", b"first", declared={**said, "end_marked": True})
    _deliver(empty_store, "b.txt", b"second", declared={"count_declared": None, "amount_declared_vnd": None})
    with empty_store.begin() as transaction:
        newest = statements.newest(transaction, "momo", DAY)
        [numbered] = statements.numbered(transaction, "momo", years=(2026,))
        assert statements.numbered(transaction, "momo", years=(2025,)) == []
        assert statements.numbered(transaction, "vietinbank", years=(2026,)) == []
    assert {name: numbered._mapping[name] for name in said} == said
    assert (numbered.count_declared, numbered.amount_declared_vnd, numbered.end_marked) == (1, 50_000, True)
    assert newest is not None
    assert (newest.version, newest.count_declared, newest.closing_vnd, newest.end_marked) == (2, None, None, False)


def test_the_files_of_a_day_are_known_by_the_day_they_were_asked_for(empty_store: Store) -> None:
    with empty_store.begin() as transaction:
        for inbox_id, day in ((3, DAY), (2, DAY), (3, DAY), (4, DAY + timedelta(days=1))):
            statements.asked_for(transaction, "momo", day, inbox_id)
        assert statements.files_of(transaction, "momo", DAY) == [2, 3]
        assert statements.files_of(transaction, "vietinbank", DAY) == []


def test_what_a_restated_file_changes_is_told_line_by_line(empty_store: Store) -> None:
    _deliver(empty_store, "a.txt", b"1", lines=[line("P1"), line("P2"), line("P3"), line("P4", kind="refund")])
    _deliver(
        empty_store,
        "a.txt",
        b"2",
        lines=[line("P4", kind="payment"), line("P3", state="failed"), line("P1"), line("P2", amount_vnd=70_000)],
    )
    assert changes(empty_store, 2) == [
        Change(
            our_reference="P2",
            partner_reference="T",
            kind="payment",
            before=STOOD,
            after=replace(STOOD, amount_vnd=70_000),
        ),
        Change(
            our_reference="P3",
            partner_reference="T",
            kind="payment",
            before=STOOD,
            after=replace(STOOD, state="failed"),
        ),
        Change(our_reference="P4", partner_reference="T", kind="payment", before=None, after=STOOD),
        Change(our_reference="P4", partner_reference="T", kind="refund", before=STOOD, after=None),
    ]
    assert [one.what for one in changes(empty_store, 2)] == ["changed", "changed", "added", "removed"]
    assert [(one.before_vnd, one.after_vnd) for one in changes(empty_store, 2)] == [
        (50_000, 70_000),
        (50_000, 50_000),
        (0, 50_000),
        (50_000, 0),
    ]


def test_the_first_version_changes_nothing_and_an_unknown_one_is_named(empty_store: Store) -> None:
    _deliver(empty_store, "a.txt", b"1")
    _deliver(empty_store, "a.txt", b"same lines, other bytes")
    assert (changes(empty_store, 1), changes(empty_store, 2)) == ([], [])
    with pytest.raises(MalformedError) as caught:
        changes(empty_store, 3)
    assert caught.value.reason == "unknown_version"


def test_of_lines_with_the_same_references_equal_amounts_are_held_against_each_other(empty_store: Store) -> None:
    _deliver(empty_store, "a.txt", b"1", lines=[line("P1", amount_vnd=vnd) for vnd in (10, 20, 30, 30)])
    lines = [line("P1", amount_vnd=30), line("P1", amount_vnd=20, fee_vnd=1), line("P1", amount_vnd=40)]
    _deliver(empty_store, "a.txt", b"2", lines=lines)
    assert [(one.before_vnd, one.after_vnd, one.what) for one in changes(empty_store, 2)] == [
        (20, 20, "changed"),
        (10, 40, "changed"),
        (30, 0, "removed"),
    ]


def line(reference: str, **said: Any) -> StatementLine:
    """A paid line of 50,000 đồng unless said otherwise; its place is given where it is delivered."""
    usual = {"amount_vnd": 50_000, "occurred_at": AT, "partner_reference": "T"}
    return StatementLine(line_no=1, our_reference=reference, **{**usual, **said})


lines_of_a_day = st.lists(
    st.builds(
        line,
        reference=st.sampled_from(["", "P1", "P2", "p2", "Phí"]),
        kind=st.sampled_from(["payment", "refund"]),
        amount_vnd=st.sampled_from([1, 2, 10**15]),
        fee_vnd=st.sampled_from([0, 1]),
        state=st.sampled_from(["paid", "failed"]),
        settled_on=st.sampled_from([None, DAY]),
    ),
    max_size=8,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=lines_of_a_day, after=lines_of_a_day, day=st.dates(date(2000, 1, 1), date(2030, 1, 1)))
def test_the_changes_make_the_next_version_of_the_one_before(
    empty_store: Store, before: list[StatementLine], after: list[StatementLine], day: date
) -> None:
    party = f"p{next(numbers)}"
    with empty_store.begin() as transaction:
        for version, lines in enumerate((before, after), start=1):
            said = Statement(business_on=day, lines=_placed(lines), count_declared=None, amount_declared_vnd=None)
            statements.keep(transaction, party, said, inbox_id=version, digest=f"{version:064}")
        found = statements.changes(transaction, party, day, 2)
    gone = Counter(_stood(one, one.before) for one in found if one.before is not None)
    come = Counter(_stood(one, one.after) for one in found if one.after is not None)
    assert Counter(map(_row, before)) - gone + come == Counter(map(_row, after))
    assert gone - Counter(map(_row, before)) == Counter()
    assert gone & come == Counter(), "a line that stands as it stood is no change"


def _deliver(
    store: Store,
    name: str,
    body: bytes,
    *,
    party: str = "momo",
    day: date = DAY,
    amounts: tuple[int, ...] = (50_000,),
    lines: list[StatementLine] | None = None,
    declared: dict[str, Any] | None = None,
) -> int:
    told = _placed(lines or []) or tuple(
        StatementLine(
            line_no=number,
            our_reference=f"P{number}",
            partner_reference=f"T{number}",
            amount_vnd=amount,
            occurred_at=datetime(2026, 3, 4, 2, tzinfo=UTC),
        )
        for number, amount in enumerate(amounts, start=1)
    )
    totals = {"count_declared": len(told), "amount_declared_vnd": sum(one.amount_vnd for one in told)}
    said = Statement(business_on=day, lines=told, **{**totals, **(declared or {})})
    envelope = Envelope(party, "statement", name, body)
    with store.begin() as transaction:
        kept = inbox.keep(transaction, envelope)
        return statements.keep(transaction, party, said, inbox_id=kept.inbox_id, digest=envelope.digest)


def _versions(store: Store) -> list[tuple[int, int, int]]:
    with store.begin() as transaction:
        rows = transaction.sql.exec_driver_sql("SELECT version, count, amount_vnd FROM statements ORDER BY id").all()
        lines = transaction.sql.exec_driver_sql("SELECT count(*) FROM statement_lines").scalar_one()
    assert lines == sum(row.count for row in rows)
    return [tuple(row) for row in rows]


def changes(store: Store, version: int) -> list[Change]:
    with store.begin() as transaction:
        return statements.changes(transaction, "momo", DAY, version)


def _placed(lines: list[StatementLine]) -> tuple[StatementLine, ...]:
    return tuple(one.model_copy(update={"line_no": place}) for place, one in enumerate(lines, start=1))


def _row(one: StatementLine) -> tuple[Any, ...]:
    said = (one.amount_vnd, one.fee_vnd, one.state, one.occurred_at, one.settled_on)
    return (one.our_reference, one.partner_reference, one.kind, *said)


def _stood(one: Change, at: Stood) -> tuple[Any, ...]:
    said = (at.amount_vnd, at.fee_vnd, at.state, at.occurred_at, at.settled_on)
    return (one.our_reference, one.partner_reference, one.kind, *said)
