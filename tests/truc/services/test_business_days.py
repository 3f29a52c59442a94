"""Money is booked on the business day of the party it went through, computed once."""

from datetime import date, datetime, time
from typing import Any

import pytest

from tests.truc.services.remitting import settles_by
from truc.manifest import SettlementRule
from truc.services.business_days import business_on

LATE = datetime.fromisoformat("2026-03-04T22:00:00+07:00")
SAME, NEXT = date(2026, 3, 4), date(2026, 3, 5)


@pytest.fixture
def closes_at_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    """MoMo's day ends at 22:00 from 4 March 2026 on."""
    settles_by(monkeypatch, "momo", SettlementRule(), SettlementRule(since=SAME, cut_off=time(22)))


def days(office: Any) -> list[date]:
    """The days of the payments and of the ledger's entries, which are the same ones."""
    booked = [row.business_on for row in office.sql("SELECT business_on FROM payments ORDER BY id")]
    entries = office.sql("SELECT business_on FROM ledger_entries ORDER BY id")
    assert [row.business_on for row in entries] == booked
    return booked


def test_without_terms_of_its_own_a_partys_day_ends_at_midnight(office: Any) -> None:
    office.settle(office.order_payment(), occurred_at=LATE)
    assert days(office) == [SAME]


@pytest.mark.usefixtures("closes_at_ten")
def test_the_cut_off_of_the_party_decides_and_of_no_other(office: Any) -> None:
    office.settle(office.order_payment(), occurred_at=LATE)
    office.settle(office.order_payment(party="vietinbank"), party="vietinbank", occurred_at=LATE)
    assert days(office) == [NEXT, SAME]


@pytest.mark.usefixtures("closes_at_ten")
def test_a_party_that_is_no_longer_ours_has_the_default_terms() -> None:
    assert (business_on("momo", LATE), business_on("a_wallet_that_left", LATE)) == (NEXT, SAME)


def test_a_booked_day_stays_when_the_terms_change(office: Any, request: pytest.FixtureRequest) -> None:
    reference = office.order_payment()
    office.settle(reference, occurred_at=LATE)
    request.getfixturevalue("closes_at_ten")
    office.settle(reference, occurred_at=LATE)
    assert days(office) == [SAME]
