"""`truc notices …` shows what became of notices and keeps a citizen's wish, and prints nobody's name or address."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from truc.cli import main
from truc.services import notice_round


@pytest.fixture
def types(office: Any, terminal: Callable[..., Any]) -> Callable[..., str]:
    terminal(office.store)

    def run(*words: str, fails: bool = False) -> str:
        done = CliRunner().invoke(main, ["notices", *words], catch_exceptions=False)
        assert (done.exit_code != 0) is fails, done.output
        for personal in ("0905123456", "anh.tuyet", "Tuyết"):
            assert personal not in done.output
        return done.output

    return run


def test_notices_are_counted_and_listed(office: Any, channels: Any, types: Callable[..., str]) -> None:
    assert types("list") == "no notice\n"
    channels("sms")
    told = office.receive(wants_sms=True)
    channels()
    waits = office.receive(wants_sms=True)
    office.sql("UPDATE notices SET happened_at = now() - interval '2 days' WHERE dossier_code = :code", code=waits)
    notice_round.follow(office.store)
    assert [line.split() for line in types("list").splitlines()] == [["given", "sms", "1"], ["undelivered", "-", "1"]]
    [line] = types("list", "--state", "undelivered").splitlines()
    assert line.split()[2:] == [f"{waits}/1", "received", waits, "-", "no_channel"]
    assert types("list", "--state", "sent") == "no notice\n"
    assert f"{told}/1  received  given  sms" in types("show", told)


def test_a_wish_is_kept_with_who_entered_it(office: Any, types: Callable[..., str]) -> None:
    code = office.receive()
    assert "wants as_asked" in types("show", code)
    types("wish", code, "--channel", "email", "--wants", "all", "--reason", "asked at the counter", "--actor", "hoa")
    assert "channel email; wants all" in types("show", code)
    [deed] = office.sql("SELECT actor, action, target, detail FROM audit_log")
    assert tuple(deed) == ("hoa", "notice_wish", f"dossier {code}", "channel email, all")
    types("wish", code, "--channel", "pigeon", "--reason", "r", fails=True)
    types("show", "X", fails=True)


def test_what_the_province_settled_is_shown(channels: Any, types: Callable[..., str], monkeypatch: Any) -> None:
    channels("sms")
    monkeypatch.setenv("TRUC_NOTICE_CHANNELS", "email,sms")
    monkeypatch.setenv("TRUC_NOTICE_QUIET", "22:00-06:30")
    monkeypatch.setenv("TRUC_NOTICE_KINDS", "ready")
    assert types("terms").splitlines() == [
        "channel email: no connection",
        "channel sms: in use",
        "quiet   22:00-06:30",
        "kinds   ready",
    ]
