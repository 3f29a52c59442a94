"""The report of a day in the store: its rows and its account, and a signed day that stays what it was."""

from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.truc.reconcile.runs import DAY, HOA, MINH, NEXT_DAY, THU, broken, keep, matched, name
from truc.errors import MalformedError
from truc.reconcile.report.commands import report as command
from truc.reconcile.report.contents import ACCOUNT_IN, ACCOUNT_OUT, SIDES, DayReport
from truc.reconcile.report.minutes import minutes, sealed_digest
from truc.reconcile.report.stored import from_store
from truc.reconcile.work import breaks as work
from truc.reconcile.work import sign_off
from truc.store import opened
from truc.store.opened import Store, open_store

MATCHES = [matched("P-1"), matched("P-2", 70_000, rule="partner_reference"), matched("P-3", 1_000, leg="receipts")]
BREAKS = [
    broken("b1"),
    broken("b2", "missing_in_core", 30_000),
    broken("b3", "receipt_missing", 20_000, leg="receipts"),
]


@pytest.fixture
def store(empty_store: Store) -> Store:
    keep(empty_store, "one", matches=MATCHES, breaks=BREAKS)
    return empty_store


def reported(store: Store, on: date = DAY, version: int | None = None) -> DayReport:
    with store.begin() as transaction:
        return from_store(transaction, "momo", on, version=version)


def resolve(store: Store, short: str) -> None:
    """Two people end a break."""
    with store.begin() as transaction:
        work.propose(transaction, name(short), by=HOA, proposal="accept", reason_code="other", remark="as explained")
        work.approve(transaction, name(short), by=THU)


def sign(store: Store) -> str:
    """Two people sign the day with its report; return the digest that was sealed."""
    with store.begin() as transaction:
        content_hash = sign_off.prepare(transaction, "momo", DAY, by=HOA, open_limit_vnd=10**9, open_limit_count=10)
    with store.begin() as transaction:
        digest = sealed_digest(from_store(transaction, "momo", DAY))
        key = Ed25519PrivateKey.generate()
        sign_off.approve(transaction, "momo", DAY, by=MINH, content_hash=content_hash, signer=key, report_digest=digest)
    return digest


def test_it_holds_the_rows_of_the_run(store: Store) -> None:
    report = reported(store)
    assert (report.parties, report.first_on, report.last_on, report.version) == (("momo",), DAY, DAY, 1)
    assert [row["our_reference"] for row in report.matches.to_pylist()] == ["P-1", "P-2", "P-3"]
    assert [(line.break_class, line.breaks, line.at_risk_vnd) for line in report.classes()] == [
        ("missing_at_partner", 1, 50_000),
        ("missing_in_core", 1, 30_000),
        ("receipt_missing", 1, 20_000),
    ]
    assert report.matched_vnd() == 120_000
    assert report.signing.state == "open"


def test_the_account_of_each_leg_adds_up(store: Store) -> None:
    resolve(store, "b1")
    report = reported(store)
    assert report.legs() == ["statement", "receipts"]
    for leg in report.legs():
        for side in SIDES:
            came, went = (
                [sum(one) for one in zip(*(report.account_of(leg, side, what) for what in whats), strict=True)]
                for whats in (ACCOUNT_IN, ACCOUNT_OUT)
            )
            assert came == went
    assert report.account_of("statement", "core", "written_off") == (1, 50_000)


def test_what_people_resolved_is_not_carried_and_what_a_later_run_resolved_was(store: Store) -> None:
    resolve(store, "b1")
    keep(store, "next", business_on=NEXT_DAY, carried_in=frozenset({name("b2")}), matches=[matched("P-b2", 30_000)])
    report = reported(store)
    assert [row["break_id"] for row in report.carried.to_pylist()] == [name("b2"), name("b3")]
    assert {row["break_id"]: row["resolution"] for row in report.breaks.to_pylist()} == {
        name("b1"): "accept",
        name("b2"): "matched_later",
        name("b3"): "",
    }


def test_an_older_version_can_be_asked_for(store: Store) -> None:
    keep(store, "two", matches=MATCHES, breaks=BREAKS[:1])
    assert (reported(store).version, reported(store).breaks.num_rows) == (2, 1)
    assert (reported(store, version=1).version, reported(store, version=1).breaks.num_rows) == (1, 3)


@pytest.mark.parametrize(("on", "version"), [(NEXT_DAY, None), (DAY, 7)])
def test_a_day_that_was_not_run_is_told(on: date, version: int | None, store: Store) -> None:
    with pytest.raises(MalformedError) as caught:
        reported(store, on, version)
    assert caught.value.reason == "day_not_reconciled"


def test_a_signed_day_stays_what_it_was_whatever_becomes_of_its_breaks(store: Store) -> None:
    resolve(store, "b1")
    digest = sign(store)
    then = reported(store)
    assert (then.signing.state, then.signing.prepared_by, then.signing.approved_by) == ("signed", "hoa", "minh")
    assert then.signing.report_digest == sealed_digest(then) == digest
    assert (then.signing.open_limit_vnd, then.signing.open_limit_count) == (10**9, 10)
    resolve(store, "b2")
    now = reported(store)
    assert sealed_digest(now) == digest
    assert minutes(now) == minutes(then)
    for table in ("breaks", "carried"):
        assert getattr(now, table).to_pylist() == getattr(then, table).to_pylist()


def test_the_digest_changes_with_the_day(store: Store) -> None:
    first = sealed_digest(reported(store))
    keep(store, "two", matches=MATCHES, breaks=BREAKS[:1])
    assert sealed_digest(reported(store)) != first
    assert first == sha256(minutes(reported(store, version=1))).hexdigest()


def test_the_command_writes_every_form_and_says_where(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = store.engine.url.render_as_string(hide_password=False)
    monkeypatch.setattr(opened, "open_hub_store", lambda _settings: open_store(url, store.sealer))
    words = ["--party", "momo", "--day", "2026-11-20", "--lang", "en", "--out", str(tmp_path / "new")]
    forms = [word for form in ("xlsx", "pdf", "csv", "parquet") for word in ("--form", form)]
    done = CliRunner().invoke(command, [*words, *forms], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert [Path(line).name for line in done.output.split()] == [
        "doi-soat_momo_2026-11-20_v1.xlsx",
        "doi-soat_momo_2026-11-20_v1.pdf",
        "doi-soat_momo_2026-11-20_v1_matches.csv",
        "doi-soat_momo_2026-11-20_v1_breaks.csv",
        "doi-soat_momo_2026-11-20_v1_matches.parquet",
        "doi-soat_momo_2026-11-20_v1_breaks.parquet",
    ]
    assert all(Path(line).stat().st_size > 100 for line in done.output.split())


def test_the_command_refuses_a_day_that_was_not_run(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = store.engine.url.render_as_string(hide_password=False)
    monkeypatch.setattr(opened, "open_hub_store", lambda _settings: open_store(url, store.sealer))
    done = CliRunner().invoke(command, ["--party", "momo", "--day", "2026-11-21", "--out", str(tmp_path / "new")])
    assert isinstance(done.exception, MalformedError)
    assert not (tmp_path / "new").exists()
