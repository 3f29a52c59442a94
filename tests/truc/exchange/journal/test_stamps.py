"""A close is time-stamped by an outside authority, now or later, and the stamp is checked with the close."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.truc.exchange.journal.conftest import DAY, Books
from tests.truc.trust.authority import Authority
from truc import steps
from truc.errors import MalformedError, SetupError, TransientError
from truc.exchange.journal.signatures import hub_key
from truc.exchange.journal.stamps import stamper
from truc.settings import Settings
from truc.trust.stamping import read_roots


@pytest.fixture
def day(books: Books) -> Books:
    """A day of two channels that is over."""
    books.decide(1)
    books.decide(2, party="vnpost", kind="order")
    books.next_day()
    return books


def test_every_close_gets_a_stamp_that_verifies(day: Books, authority: Authority, tmp_path: Path) -> None:
    stamp = stamper(authority.url, authority.root)
    assert day.close(stamp=stamp) == 2
    assert day.close(stamp=stamp) == 0
    assert authority.asked == 2

    roots = read_roots(authority.root)
    for report in (day.verify(tsa_roots=roots), day.exported(tmp_path / "export.jsonl", tsa_roots=roots)):
        assert (report.bad, report.looked_at["time-stamps"]) == (0, 2)
    assert day.verify().looked_at["time-stamps without roots to check them"] == 2


def test_an_authority_that_is_away_holds_no_close_back(day: Books, authority: Authority) -> None:
    stamp = stamper(authority.url, authority.root)
    authority.away = True
    with pytest.raises(TransientError):
        day.close(stamp=stamp)
    assert day.verify().looked_at["closes"] == 2
    authority.away = False
    assert day.close(stamp=stamp) == 0
    assert day.sql("SELECT count(*) AS times FROM journal_stamps")[0].times == 2


def test_the_nightly_close_asks_the_authority_of_the_settings(
    day: Books, authority: Authority, server: Settings
) -> None:
    night = replace(server, tsa_url=authority.url, tsa_ca_file=authority.root)
    assert steps.close_day(day.store, night) == 2
    assert authority.asked == 2
    report = day.verify(tsa_roots=read_roots(authority.root), public_key=hub_key(server.secrets).public_key())
    assert (report.bad, report.looked_at["time-stamps"]) == (0, 2)


def test_without_an_authority_the_nightly_close_asks_nobody(day: Books, authority: Authority, server: Settings) -> None:
    assert steps.close_day(day.store, server) == 2
    assert (authority.asked, day.sql("SELECT * FROM journal_stamps")) == (0, [])


def test_an_authority_without_its_roots_is_for_a_person_to_mend(
    day: Books, authority: Authority, server: Settings
) -> None:
    with pytest.raises(SetupError, match="TRUC_TSA_CA_FILE"):
        steps.close_day(day.store, replace(server, tsa_url=authority.url))
    assert day.closed() == []


def test_an_altered_answer_is_not_kept(day: Books, authority: Authority) -> None:
    authority.altered = True
    with pytest.raises(MalformedError, match="time-stamp"):
        day.close(stamp=stamper(authority.url, authority.root))
    assert day.sql("SELECT * FROM journal_stamps") == []


@pytest.mark.parametrize("damage", ["byte", "swap"])
def test_a_stamp_that_was_changed_or_exchanged_is_found(
    day: Books, authority: Authority, tmp_path: Path, damage: str
) -> None:
    day.close(stamp=stamper(authority.url, authority.root))
    change = {
        "byte": "SET stamp = set_byte(stamp, length(stamp) - 1, get_byte(stamp, length(stamp) - 1) # 1)",
        "swap": "SET stamp = (SELECT other.stamp FROM journal_stamps AS other WHERE other.channel <> one.channel)",
    }[damage]
    day.damage("journal_stamps", f"UPDATE journal_stamps AS one {change}")
    roots = read_roots(authority.root)
    for report in (day.verify(tsa_roots=roots), day.exported(tmp_path / "export.jsonl", tsa_roots=roots)):
        assert report.bad == 2
        assert "the close of 2026-03-04 has a bad stamp: the time-stamp does not verify" in str(report.first)


def test_a_stamp_without_its_close_is_found(day: Books, authority: Authority) -> None:
    day.close(DAY, stamp=stamper(authority.url, authority.root))
    day.damage("journal_closes", "DELETE FROM journal_closes WHERE channel = 'vnpost/order/out'")
    report = day.verify()
    assert (report.bad, str(report.first)) == (
        1,
        "vnpost/order/out: the close of 2026-03-04 is missing; its time-stamp is still there",
    )


def test_an_address_in_clear_text_is_refused(authority: Authority) -> None:
    with pytest.raises(SetupError, match="https"):
        stamper("http://tsa.example.invalid/tsr", authority.root)
