"""The steps of remittance against the treasury's real stand-in, and what commands show of them."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.truc.conftest import Office, Partner
from truc import steps
from truc.operating import audit, replay
from truc.operating.remittance import remittance
from truc.services import booking
from truc.store import remittance as store

DAY = date(2026, 3, 4)
RUN = datetime(2026, 3, 5, 0, 30, tzinfo=UTC)
TOML = """
[[account]]
agency_code = "H32.01"
beneficiary = "Cơ quan thử"
treasury = "KBNN thử"
account = "7111.0.1"
chapter = "554"
party = "treasury"
paid_from = "vietinbank"
valid_from = 2026-01-01
[[sub_item]]
kind = "fees"
sub_item = "2663"
valid_from = 2026-01-01
"""


@pytest.fixture
def types(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Give a command, as from a terminal of this installation."""
    from truc.operating import terminal

    monkeypatch.setattr(terminal, "open_hub_store", lambda _: office.store)
    monkeypatch.setattr(type(office.store), "close", lambda _: None)

    def type_(*words: str) -> str:
        done = CliRunner().invoke(remittance, list(words))
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    file = tmp_path / "terms.toml"
    file.write_text(TOML, encoding="utf-8")
    assert type_("terms", str(file), "--reason", "agreed") == "1 accounts, 1 sub-items, 0 fee rules, 0 banks\n"
    return type_


def test_terms_with_a_mistyped_treasury_are_refused(office: Office, types: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / "mistyped.toml"
    file.write_text(TOML.replace('"treasury"', '"treasurry"'), encoding="utf-8")
    done = CliRunner().invoke(remittance, ["terms", str(file), "--reason", "agreed"])
    assert "'treasurry' takes no remittances" in str(done.exception)
    assert [row.party for row in office.sql("SELECT party FROM treasury_accounts")] == ["treasury"]


def only(office: Office) -> Any:
    """The one order."""
    with office.store.begin() as transaction:
        [one] = store.orders(transaction)
        return one


def test_a_day_is_ordered_sent_taken_and_confirmed(
    office: Office, types: Callable[..., str], partner: Callable[[str], Partner]
) -> None:
    treasury = partner("treasury")
    office.settle(office.order_payment())
    assert steps.book_settlements(office.store, DAY) == 0
    done = steps.remit_collections(office.store, DAY, RUN)
    assert (done["amount_vnd"], done["held"]) == (50_000, [])
    [reference] = done["orders"]  # type: ignore[misc]  # what Airflow shows is plain data
    assert steps.deliver(office.store, treasury.connection, ("remittance",))["sent"] == 1
    assert only(office).state == "sent"
    [taken] = treasury.told("remittances", "remittance")
    assert (taken["reference"], taken["amount_vnd"], taken["times"]) == (reference, 50_000, 1)
    treasury.control("confirm", {"at": "2026-03-05T10:00:00+07:00"})
    for booked in (1, 0):
        assert steps.fetch(office.store, treasury.connection, ("confirmation",))["items"] == booked
    assert only(office).state == "confirmed"
    assert "confirmed" in types("list", "--day", "2026-03-04")
    shown = types("show", reference)
    assert "to Cơ quan thử, account 7111.0.1 at KBNN thử, through treasury from vietinbank" in shown
    assert "confirmed 50.000 ₫: confirmed [KB" in shown


def test_a_lost_answer_is_asked_about_and_the_order_arrives_once(
    office: Office, types: Callable[..., str], partner: Callable[[str], Partner]
) -> None:
    treasury = partner("treasury")
    office.settle(office.order_payment())
    steps.remit_collections(office.store, DAY, RUN)
    treasury.fault("drop_after", operation="remittance")
    for _ in range(3):
        office.sql("UPDATE outbox SET not_before = now() WHERE drawer = 0")
        steps.deliver(office.store, treasury.connection, ("remittance",))
    assert [one["times"] for one in treasury.told("remittances", "remittance")] == [1]
    assert only(office).state == "sent"


def test_a_refusal_is_shown_released_and_written_down(
    office: Office, types: Callable[..., str], partner: Callable[[str], Partner]
) -> None:
    treasury = partner("treasury")
    office.settle(office.order_payment())
    [reference] = steps.remit_collections(office.store, DAY, RUN)["orders"]  # type: ignore[misc]  # as above
    steps.deliver(office.store, treasury.connection, ("remittance",))
    orders = [{"reference": reference, "code": "99", "reason": "Sai số tài khoản"}]
    treasury.control("confirm", {"at": "2026-03-05T10:00:00+07:00", "orders": orders})
    steps.fetch(office.store, treasury.connection, ("confirmation",))
    assert reference in types("list", "--state", "refused")
    assert f"order_refused:{reference}" in types("clearing")
    types("release", reference, "--reason", "account corrected", "--actor", "hoa")
    assert len(office.sql("SELECT FROM audit_log WHERE action = 'release remittance' AND actor = 'hoa'")) == 1
    steps.remit_collections(office.store, DAY, RUN)
    assert len(office.sql("SELECT FROM remittance_orders")) == 2


def test_an_order_that_was_given_up_is_not_laid_there_beside_the_one_that_pays_for_it(
    office: Office, types: Callable[..., str], partner: Callable[[str], Partner]
) -> None:
    treasury = partner("treasury")
    office.settle(office.order_payment())
    [lost] = steps.remit_collections(office.store, DAY, RUN)["orders"]  # type: ignore[misc]  # as above
    [row] = office.sql(
        "UPDATE outbox SET state = 'set_aside', reason = 'outcome_unknown' WHERE external_id = :it RETURNING id",
        it=lost,
    )
    steps.deliver(office.store, treasury.connection, ("remittance",))
    assert only(office).state == "in_doubt"
    types("decide", lost, "refused", "--reason", "they have none", "--actor", "hoa")
    types("release", lost, "--reason", "again", "--actor", "hoa")
    [again] = steps.remit_collections(office.store, DAY, RUN)["orders"]  # type: ignore[misc]  # as above
    by = audit.Order(actor="hoa", reason="what was set aside")
    plan = replay.replay(office.store, [row.id], by, book=booking.booker(office.store), verdict="not_happened")
    assert plan.steps == ()
    steps.deliver(office.store, treasury.connection, ("remittance",))
    assert [one["reference"] for one in treasury.told("remittances", "remittance")] == [again]


def test_what_is_owed_and_what_is_not_settled_is_told(office: Office, types: Callable[..., str]) -> None:
    assert types("clearing") == "every account is zero\n"
    office.settle(office.order_payment())
    office.settle(office.order_payment(dossier_code=office.receive(agency_code="H32.02")))
    owed = [line.split() for line in types("owed", "--day", "2026-03-04").splitlines()]
    assert owed[0][:4] == ["H32.01", "2026-03-04", "50.000", "₫"]
    assert owed[1][:3] == ["H32.02", "50.000", "₫"]
    told = types("clearing", "--most", "1")
    assert "clearing:momo" in told
    assert "… and 1 more" in told
    assert "no_treasury_account" in told
    assert types("list") == "nothing\n"


def test_a_doubt_is_decided_and_a_credit_identified_by_a_person(office: Office, types: Callable[..., str]) -> None:
    office.settle(office.order_payment())
    [reference] = steps.remit_collections(office.store, DAY, RUN)["orders"]  # type: ignore[misc]  # as above
    office.sql("UPDATE outbox SET state = 'set_aside' WHERE external_id = :it", it=reference)
    office.sql("UPDATE remittance_orders SET state = 'in_doubt', doubt = 'unanswered'")
    types("decide", reference, "confirmed", "--reason", "seen at the treasury", "--actor", "hoa")
    assert only(office).state == "confirmed"
    office.sql(
        "WITH one AS (INSERT INTO ledger_entries (reference, business_on, text) VALUES ('x', '2026-03-04', '')"
        " RETURNING id) INSERT INTO ledger_lines SELECT id, line, account, vnd FROM one,"
        " (VALUES (1, 'bank:vietinbank', 50000), (2, 'unidentified:vietinbank', -50000)) AS row(line, account, vnd)"
    )
    words = ("--bank", "vietinbank", "--party", "momo", "--as", "payout", "--amount", "50000", "--reference", "FT1")
    said = [types("identify", *words, "--on", "2026-03-04", "--reason", "seen") for _ in range(2)]
    assert said == ["booked\n", "was booked before\n"]
    assert types("clearing") == "every account is zero\n"
