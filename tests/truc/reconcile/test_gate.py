"""The gate before reconciliation: half a file is never matched, and a day that waits keeps and says its reason."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from sandbox.vietinbank.server import start
from tests.truc.locks import wait_until_it_waits_for
from truc import parties, steps
from truc.connections import Connection, from_airflow_json
from truc.envelope import Envelope, Page
from truc.errors import TransientError
from truc.exchange import inbox, set_aside
from truc.reconcile import gate
from truc.reconcile.checks import Check
from truc.store.opened import Store, Transaction
from truc.store.tables.reconciliation import STATEMENTS

DAY, NEXT_DAY = date(2026, 3, 4), date(2026, 3, 5)
Lines = tuple[tuple[str, int], ...]
TWO: Lines = (("P1", 50_000), ("P2", 70_000))


def momo(day: date, lines: Lines = TWO, *, count: int | None = None, amount_vnd: int | None = None) -> bytes:
    """MoMo's form."""
    rows = [
        f"LINE,{number},{name},T-{name},PAYMENT,{vnd},0,SUCCESS,{day} 09:00:00"
        for number, (name, vnd) in enumerate(lines, start=1)
    ]
    return framed(f"HEADER,MOMO,{day}", rows, "TOTAL", ",", totals(lines, count, amount_vnd))


def vietinbank(day: date, lines: Lines = TWO, *, count: int | None = None, amount_vnd: int | None = None) -> bytes:
    """VietinBank's form."""
    rows = [
        f"D|{number}|{name}|T-{name}|TT|{vnd}|0|00|{day:%Y%m%d}090000"
        for number, (name, vnd) in enumerate(lines, start=1)
    ]
    return framed(f"H|VTB|{day:%Y%m%d}", rows, "T", "|", totals(lines, count, amount_vnd))


def vietcombank(day: date, lines: Lines = TWO, *, count: int | None = None, amount_vnd: int | None = None) -> bytes:
    """Vietcombank's form."""
    rows = [
        f"D|{number}|{name}|T-{name}|TT|{vnd}|0|00|{day:%Y%m%d}090000|"
        for number, (name, vnd) in enumerate(lines, start=1)
    ]
    return framed(f"H|VCB|{day:%Y%m%d}", rows, "T", "|", totals(lines, count, amount_vnd))


def totals(lines: Lines, count: int | None, amount_vnd: int | None) -> tuple[int, int]:
    made = sum(vnd for _, vnd in lines)
    return len(lines) if count is None else count, made if amount_vnd is None else amount_vnd


def framed(header: str, rows: list[str], mark: str, delimiter: str, said: tuple[int, int]) -> bytes:
    return "".join(f"{row}\n" for row in (header, *rows, delimiter.join((mark, *map(str, said))))).encode()


FORMS = {"momo": momo, "vietinbank": vietinbank, "vietcombank": vietcombank}

# A form that a bank may agree on: it numbers its files and tells its balances.
ACCOUNT = """form = "delimited"
party = "vietcombank"
delimiter = ";"
header = ["mark", "business_on", "sequence", "opening_vnd"]
header_mark = "H"
line = ["our_reference", "partner_reference", "amount_vnd", "occurred_on"]
trailer = ["mark", "closing_vnd"]
trailer_mark = "T"
[means]
kinds = { "+" = "payment", "-" = "refund" }
states = { "" = "paid" }
[means.amounts]
sign = "leading"
"""
SWIFT = """form = "mt940"
party = "vietcombank"
[means]
kinds = { C = "payment", D = "refund", RC = "reversal", RD = "reversal" }
states = { "" = "paid" }
"""


def account(day: date, number: int, *amounts: int, opening: int = 1_000_000, closing: int | None = None) -> bytes:
    """A file of that form, behind its profile as the connector keeps it."""
    rows = [f"P{place};T{place};{vnd};{day:%Y%m%d}" for place, vnd in enumerate(amounts, start=1)]
    closing = opening + sum(amounts) if closing is None else closing
    head = f"#truc-profile {len(ACCOUNT)}\n{ACCOUNT}H;{day:%Y%m%d};{number};{opening}"
    return "".join(f"{row}\n" for row in (head, *rows, f"T;{closing}")).encode()


def swift(day: date, number: str, *messages: int) -> bytes:
    """An MT940 file of one line a message."""
    told, balance = [], 1_000_000
    for place, vnd in enumerate(messages, start=1):
        opening, balance = balance, balance + vnd
        marks = "F" if place == 1 else "M", "F" if place == len(messages) else "M"
        told.append(
            f":20:S\n:25:0011\n:28C:{number.format(place)}\n:60{marks[0]}:C{day:%y%m%d}VND{opening},\n"
            f":61:{day:%y%m%d}C{vnd},NTRFP{place}//T{place}\n:62{marks[1]}:C{day:%y%m%d}VND{balance},\n-\n"
        )
    return f"#truc-profile {len(SWIFT)}\n{SWIFT}{''.join(told)}".encode()


class Shelf:
    """A client that yields the files put on it: everything behind it is the hub's own."""

    def __init__(self, party: str, files: dict[str, bytes]) -> None:
        self.party, self.files = party, files

    def fetch_statement(self, day: str) -> Iterator[Page]:
        """Yield the file of a day."""
        yield Page(Envelope(self.party, "statement", f"statement-{day}", self.files[day], "text/plain"), cursor=day)

    def close(self) -> None:
        """Hold nothing open."""


@pytest.fixture
def deliver(empty_store: Store, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Fetch, keep and book a file as the pipeline of a day does."""

    def delivered(party: str, body: bytes, day: date = DAY) -> dict[str, int]:
        monkeypatch.setattr(parties, "open_client", lambda _: Shelf(party, {day.isoformat(): body}))
        return steps.fetch_day(empty_store, Connection(party, {}), ("statement",), day)

    return delivered


def judged(store: Store, party: str = "vietcombank", day: date = DAY) -> gate.Gate:
    with store.begin() as transaction:
        return gate.judge(transaction, party, day)


def states(found: gate.Gate) -> dict[str, str]:
    return {one.name: one.state for one in found.checks}


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == "truc.steps"]


def test_the_log_says_which_checks_were_made_of_a_day_that_goes_and_of_one_that_waits(
    deliver: Any, empty_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "truc.steps")
    assert refused_day(empty_store, "momo") == "statement_missing"
    deliver("momo", momo(DAY, count=3))
    assert refused_day(empty_store, "momo") == "control_count_differs"
    deliver("momo", momo(DAY))
    steps.reconcile(empty_store, "momo", DAY)
    held = " ".join(f"{name}=holds" for name in ("read", "digest", "end_mark", "count", "amount_vnd"))
    assert [one for one in logged(caplog) if "statement version" in one] == [
        f"momo {DAY}: statement version 0: no check made",
        f"momo {DAY}: statement version 0: count=fails",
        f"momo {DAY}: statement version 1: {held} balance=not_offered sequence=not_offered",
    ]


def kept(transaction: Transaction, party: str, day: date) -> list[gate.Gate]:
    """What is kept of each version of the day, the newest first."""
    query = text("SELECT * FROM statement_gates WHERE party = :party AND business_on = :day ORDER BY version DESC")
    return [
        gate.Gate(
            party=row.party,
            business_on=row.business_on,
            version=row.version,
            checks=tuple(Check(**one) for one in row.checks["made"]),
            refused=tuple(Check(**one) for one in row.checks["refused"]),
            reason=row.reason,
            text=row.reason_text,
        )
        for row in transaction.sql.execute(query, {"party": party, "day": day})
    ]


def refused_day(store: Store, party: str, day: date = DAY) -> str:
    """Reconcile a day that waits: nothing is matched, and the reason is kept as it was raised."""
    with pytest.raises(TransientError) as caught:
        steps.reconcile(store, party, day)
    with store.begin() as transaction:
        assert transaction.sql.exec_driver_sql("SELECT count(*) FROM reconciliation_runs").scalar_one() == 0
        told = kept(transaction, party, day)[0]
    assert (told.is_open, told.reason) == (False, caught.value.reason)
    assert told.text in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize("party", FORMS)
def test_a_whole_file_opens_the_gate_which_says_what_it_checked(deliver: Any, empty_store: Store, party: str) -> None:
    assert deliver(party, FORMS[party](DAY))["set_aside"] == 0
    found = judged(empty_store, party)
    assert (found.is_open, found.version, found.refused) == (True, 1, ())
    assert states(found) == {
        "read": "holds",
        "digest": "holds",
        "end_mark": "holds",
        "count": "holds",
        "amount_vnd": "holds",
        "balance": "not_offered",
        "sequence": "not_offered",
    }
    assert {one.name: (one.declared, one.found) for one in found.checks if one.name in ("count", "amount_vnd")} == {
        "count": (2, 2),
        "amount_vnd": (120_000, 120_000),
    }
    assert steps.reconcile(empty_store, party, DAY)["version"] == 1
    with empty_store.begin() as transaction:
        assert kept(transaction, party, DAY) == [found]


@pytest.mark.parametrize("party", FORMS)
@pytest.mark.parametrize(
    ("planted", "failed"),
    [
        (lambda form: form(DAY).rsplit(b"T", 1)[0].rsplit(b"\n", 1)[0] + b"\n", ("end_mark", "truncated")),
        (lambda form: form(DAY)[:-20], ("end_mark", "truncated")),
        (lambda form: form(DAY, count=3), ("count", "control_count_differs")),
        (lambda form: form(DAY, TWO[:1], count=2, amount_vnd=120_000), ("count", "control_count_differs")),
        (lambda form: form(DAY, amount_vnd=120_001), ("amount_vnd", "control_total_differs")),
        (
            lambda form: form(DAY, ((TWO[0]), ("P2", 7_000)), amount_vnd=120_000),
            ("amount_vnd", "control_total_differs"),
        ),
        (lambda form: form(DAY).replace(b"50000", b"5000O", 1), ("read", "amount_not_integer")),
        (lambda form: b"", ("read", "empty")),
        (lambda form: form(NEXT_DAY), ("read", "wrong_day")),
    ],
)
def test_half_a_file_waits_with_its_reason_and_nothing_is_matched(
    deliver: Any, empty_store: Store, party: str, planted: Any, failed: tuple[str, str]
) -> None:
    assert deliver(party, planted(FORMS[party]))["set_aside"] == 1
    assert refused_day(empty_store, party) == failed[1]
    found = judged(empty_store, party)
    assert [(one.state, one.name, one.reason) for one in found.checks] == [("fails", *failed)]
    assert found.version == 0


@pytest.mark.parametrize("party", FORMS)
def test_the_whole_file_after_half_of_it_opens_the_gate(deliver: Any, empty_store: Store, party: str) -> None:
    deliver(party, FORMS[party](DAY)[:-20])
    assert refused_day(empty_store, party) == "truncated"
    deliver(party, FORMS[party](DAY))
    assert steps.reconcile(empty_store, party, DAY)["version"] == 1
    with empty_store.begin() as transaction:
        now, before = kept(transaction, party, DAY)
    assert (now.version, now.is_open, now.refused) == (1, True, ())
    assert (before.version, before.reason) == (0, "truncated")


def test_a_day_without_any_file_waits_for_it(deliver: Any, empty_store: Store) -> None:
    deliver("momo", momo(NEXT_DAY), NEXT_DAY)
    assert refused_day(empty_store, "momo") == "statement_missing"
    assert judged(empty_store, "momo").checks == ()


def test_the_same_file_again_changes_nothing_and_a_restated_one_is_the_next_version(
    deliver: Any, empty_store: Store
) -> None:
    deliver("momo", momo(DAY))
    with empty_store.begin() as transaction:  # the same bytes under another name: refused, and no failure of the day
        other = inbox.keep(transaction, Envelope("momo", "statement", "again", momo(DAY))).inbox_id
        gate.statements.asked_for(transaction, "momo", DAY, other)
    assert steps.book_kept(empty_store, "momo", ("statement",))["set_aside"] == 1
    found = judged(empty_store, "momo")
    assert (found.is_open, found.version, found.refused) == (True, 1, ())
    deliver("momo", momo(DAY, (*TWO, ("P3", 1))))
    found = judged(empty_store, "momo")
    assert (found.is_open, found.version, found.refused) == (True, 2, ())


def test_a_broken_restatement_is_shown_and_the_whole_version_stands(deliver: Any, empty_store: Store) -> None:
    deliver("momo", momo(DAY))
    deliver("momo", momo(DAY, count=9))
    found = judged(empty_store, "momo")
    assert (found.is_open, found.version) == (True, 1)
    assert [(one.name, one.reason) for one in found.refused] == [("count", "control_count_differs")]
    deliver("momo", momo(DAY, TWO[:1]))
    assert (judged(empty_store, "momo").version, judged(empty_store, "momo").refused) == (2, ())


def test_what_a_person_resolved_is_no_reason_any_more(deliver: Any, empty_store: Store) -> None:
    deliver("momo", momo(DAY, count=9))
    with empty_store.begin() as transaction:
        open_ones = [one.id for one in set_aside.open_items(transaction, party="momo")]
        set_aside.resolve_incoming(transaction, open_ones, how="dropped")
    assert refused_day(empty_store, "momo") == "statement_missing"


@pytest.mark.parametrize(
    ("order", "reason"), [({"truncate": True}, "truncated"), ({"wrong_total": True}, "control_total_differs")]
)
def test_the_banks_own_half_file_over_sftp(
    empty_store: Store, tmp_path: Path, order: dict[str, bool], reason: str
) -> None:
    bank = start(0, tmp_path, "")
    line = {"our_reference": "P1", "partner_reference": "B1", "amount_vnd": 50_000, "at": f"{DAY}T10:00:00+07:00"}
    try:
        body = {"day": DAY.isoformat(), "lines": [line, {**line, "our_reference": "P2"}], **order}
        requests.post(f"{bank.control_url}/_control/deposit", json=body, timeout=10).raise_for_status()
        connection = from_airflow_json("vietinbank", bank.connection)
        assert steps.fetch_day(empty_store, connection, ("statement",), DAY)["set_aside"] == 1
    finally:
        bank.close()
    assert refused_day(empty_store, "vietinbank") == reason


# Balances and numbers


def test_a_form_with_balances_and_numbers_has_both_checked(deliver: Any, empty_store: Store) -> None:
    deliver("vietcombank", account(DAY, 7, 50_000, -20_000))
    found = judged(empty_store)
    assert found.is_open
    assert {one.name: one.state for one in found.checks} == {
        "read": "holds",
        "digest": "holds",
        "end_mark": "holds",
        "count": "not_offered",
        "amount_vnd": "not_offered",
        "balance": "holds",
        "sequence": "holds",
    }
    [balance] = [one for one in found.checks if one.name == "balance"]
    assert (balance.declared, balance.found) == (1_030_000, 1_030_000)


def test_a_balance_that_the_lines_do_not_make_waits(deliver: Any, empty_store: Store) -> None:
    assert deliver("vietcombank", account(DAY, 7, 50_000, closing=1_050_001))["set_aside"] == 1
    assert refused_day(empty_store, "vietcombank") == "balance_differs"
    assert [one.name for one in judged(empty_store).checks] == ["balance"]


def test_a_gap_waits_until_the_missing_file_has_come(deliver: Any, empty_store: Store) -> None:
    days = [DAY + timedelta(days=number) for number in range(3)]
    deliver("vietcombank", account(days[0], 7, 1), days[0])
    deliver("vietcombank", account(days[2], 9, 3), days[2])
    assert refused_day(empty_store, "vietcombank", days[2]) == "sequence_gap"
    deliver("vietcombank", account(days[1], 8, 2), days[1])
    assert steps.reconcile(empty_store, "vietcombank", days[2])["version"] == 1
    assert [judged(empty_store, day=day).is_open for day in days] == [True, True, True]


def test_a_number_that_another_day_has_waits(deliver: Any, empty_store: Store) -> None:
    deliver("vietcombank", account(DAY, 7, 1))
    deliver("vietcombank", account(NEXT_DAY, 7, 2), NEXT_DAY)
    assert refused_day(empty_store, "vietcombank", NEXT_DAY) == "sequence_repeated"


@pytest.mark.parametrize("restated", [7, 9])
def test_a_restated_file_keeps_its_number_or_takes_the_next(deliver: Any, empty_store: Store, restated: int) -> None:
    deliver("vietcombank", account(DAY, 7, 1))
    deliver("vietcombank", account(NEXT_DAY, 8, 2), NEXT_DAY)
    deliver("vietcombank", account(DAY, restated, 1, 5))
    assert (judged(empty_store).version, judged(empty_store).is_open) == (2, True)
    assert judged(empty_store, day=NEXT_DAY).is_open


def test_the_parts_of_an_mt940_file_are_numbered_on(deliver: Any, empty_store: Store) -> None:
    deliver("vietcombank", swift(DAY, "{}", 10, 20))  # statements 1 and 2 in one file
    deliver("vietcombank", swift(NEXT_DAY, "3/{}", 10, 20, 30), NEXT_DAY)  # number 3, of three messages
    found = judged(empty_store, day=NEXT_DAY)
    assert found.is_open
    assert {"end_mark": "holds", "balance": "holds", "sequence": "holds"}.items() <= states(found).items()


@pytest.mark.parametrize(
    ("number", "reason"), [("{0}{0}", "sequence_gap"), ("5/1", "sequence_gap"), ("A", "number_malformed")]
)
def test_an_mt940_file_that_lacks_a_message_waits(deliver: Any, empty_store: Store, number: str, reason: str) -> None:
    assert deliver("vietcombank", swift(DAY, number, 10, 20))["set_aside"] == 1
    assert refused_day(empty_store, "vietcombank") == reason


def test_an_mt940_file_of_a_bank_that_does_not_number_is_taken(deliver: Any, empty_store: Store) -> None:
    deliver("vietcombank", swift(DAY, "0/1", 10, 20))
    assert (judged(empty_store).is_open, states(judged(empty_store))["sequence"]) == (True, "not_offered")


def test_the_database_itself_takes_no_half_statement(deliver: Any, empty_store: Store) -> None:
    deliver("vietcombank", account(DAY, 7, 50_000))
    for change in ({"count_declared": 2}, {"amount_declared_vnd": 1}, {"closing_vnd": 1}, {"sequence_first": 8}):
        with pytest.raises(IntegrityError), empty_store.begin() as transaction:
            transaction.sql.execute(update(STATEMENTS).values(change))


def test_lines_that_went_missing_in_the_store_shut_the_gate(deliver: Any, empty_store: Store) -> None:
    deliver("momo", momo(DAY))
    with empty_store.begin() as transaction:
        transaction.sql.exec_driver_sql("DELETE FROM statement_lines WHERE line_no = 2")
    assert refused_day(empty_store, "momo") == "lines_missing"
    assert {name for name, state in states(judged(empty_store, "momo")).items() if state == "fails"} == {
        "read",
        "count",
        "amount_vnd",
    }


def test_no_version_comes_between_the_judgement_and_the_matching(deliver: Any, empty_store: Store) -> None:
    deliver("momo", momo(DAY))
    with ThreadPoolExecutor(1) as pool:
        with empty_store.begin() as transaction:
            assert gate.judge(transaction, "momo", DAY).version == 1
            restating = pool.submit(deliver, "momo", momo(DAY, TWO[:1]))
            wait_until_it_waits_for(transaction, restating)
            assert gate.judge(transaction, "momo", DAY).version == 1
        assert restating.result(timeout=20)["set_aside"] == 0
    assert judged(empty_store, "momo").version == 2
