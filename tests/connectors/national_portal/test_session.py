"""One login serves many calls and threads, is renewed once when refused, and is never told."""

import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from connectors.national_portal.client import Client
from truc.envelope import Outgoing
from truc.errors import OutcomeUnknownError, SetupError, TransientError

from .conftest import Portal
from .test_push import ITEM, dossier, step


def numbered(number: int) -> Outgoing:
    code = f"H32.5-261120-{number:04}"
    body = json.dumps(ITEM | {"MaHoSo": code, "SoBienNhan": code}).encode()
    return Outgoing(code, code, body)


def test_opening_a_client_logs_in_nowhere(client: Client, portal: Portal) -> None:
    assert portal.said("sessions")["logins"] == 0


def test_one_session_serves_every_call(client: Client, portal: Portal) -> None:
    client.send_dossier(dossier())
    client.send_progress(step())
    client.ask_progress(step())
    list(client.fetch_online_dossiers(""))
    assert portal.said("sessions")["logins"] == 1


def test_eight_threads_share_one_login(client: Client, portal: Portal) -> None:
    together = threading.Barrier(8)

    def send(number: int) -> None:
        together.wait()
        client.send_dossier(numbered(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(8)))
    assert portal.said("sessions")["logins"] == 1
    assert len(portal.times("DongBoHoSoMC")) == 8


def test_eight_threads_with_an_expired_session_share_one_renewal(client: Client, portal: Portal) -> None:
    client.send_dossier(dossier())
    portal.tell("expire_sessions")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: client.send_dossier(numbered(number)), range(100, 108)))
    assert portal.said("sessions")["logins"] == 2
    assert set(portal.times("DongBoHoSoMC").values()) == {1}


def test_an_expired_session_is_renewed_within_the_call(client: Client, portal: Portal) -> None:
    client.send_dossier(dossier())
    portal.tell("expire_sessions")
    client.send_progress(step())
    assert portal.said("sessions")["logins"] == 2
    assert set(portal.times("CapNhatTienDoHoSoMC").values()) == {1}


def test_a_session_refused_twice_is_not_tried_for_ever(client: Client, portal: Portal) -> None:
    client.send_dossier(dossier())
    portal.tell("codes", {"ok": "-100"})
    with pytest.raises(TransientError) as failed:
        client.send_progress(step())
    assert failed.value.reason == "session_refused"
    assert portal.said("sessions")["logins"] == 2


def test_success_cannot_be_set_to_mean_expired(opened: Callable[..., Client]) -> None:
    with pytest.raises(SetupError, match="session_expired_codes"):
        opened(session_expired_codes="-100, 0")


def test_an_old_session_is_left_before_the_portal_refuses_it(
    client: Client, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.send_dossier(dossier())
    clock = client._session._old_at
    monkeypatch.setattr("connectors.national_portal.session.time.monotonic", lambda: clock + 1)
    client.send_progress(step())
    assert portal.said("sessions")["logins"] == 2


@pytest.mark.parametrize("field", ["login", "password", "dstcode"])
def test_wrong_credentials_are_a_matter_of_settings(opened: Callable[..., Client], field: str) -> None:
    with pytest.raises(SetupError) as failed:
        opened(**{field: "wrong-on-purpose"}).send_dossier(dossier())
    assert failed.value.reason == "login_refused"
    assert "wrong-on-purpose" not in str(failed.value)


@pytest.mark.parametrize(
    "field",
    ["host", "login", "password", "dstcode", "madonvi", "auth_endpoint", "share_endpoint", "intake_service"],
)
def test_a_missing_setting_is_named(opened: Callable[..., Client], field: str) -> None:
    with pytest.raises(SetupError, match=field):
        opened(**{field: ""})


@pytest.mark.parametrize("minutes", ["0", "soon", "-3"])
def test_a_senseless_session_age_is_named(opened: Callable[..., Client], minutes: str) -> None:
    with pytest.raises(SetupError, match="session_minutes"):
        opened(session_minutes=minutes)


def test_clear_text_to_another_machine_is_refused(opened: Callable[..., Client]) -> None:
    with pytest.raises(SetupError, match="https"):
        opened(host="http://portal.example")


@pytest.mark.parametrize(
    "mode",
    ["refuse", "unavailable", "silent_before", "silent_after", "drop_after", "error_after", "garbage",
     "truncated", "huge"],
)  # fmt: skip
def test_a_login_that_fails_has_sent_nothing(client: Client, portal: Portal, mode: str) -> None:
    portal.fault("login", mode)
    with pytest.raises(TransientError):
        client.send_dossier(dossier())
    client.send_dossier(dossier())
    assert set(portal.times("DongBoHoSoMC").values()) == {1}


def test_no_log_no_text_and_no_form_of_the_client_tells_the_session(
    client: Client, portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client.send_dossier(dossier())
    portal.tell("expire_sessions")
    portal.fault("CapNhatTienDoHoSoMC", "error_after")
    with pytest.raises(OutcomeUnknownError):
        client.send_progress(step())
    told = caplog.text + repr(client) + repr(client._session._account)
    assert client._session.word() not in told
    assert "sandbox-only-not-a-secret" not in told
    assert "Nguyễn Thị Thử" not in told
