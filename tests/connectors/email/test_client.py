"""The real e-mail client against its stand-in, a real SMTP server with STARTTLS and login."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.email.client import Client, _composed, open_client
from connectors.email.manifest import MANIFEST
from mappings.email import message
from sandbox.email.relay import SENDER
from sandbox.email.server import start
from sandbox.serve import Running
from truc.connections import from_airflow_json
from truc.envelope import Outgoing
from truc.errors import (
    MalformedError,
    OutcomeUnknownError,
    RejectedError,
    SetupError,
    TransientError,
    TrucError,
)
from truc.messages import NoticeDue

LIMITS = replace(MANIFEST.limits, timeout_s=0.5)
STANDARD = ("host", "port", "login", "password")


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Running]:
    running = start(0, tmp_path, "")
    yield running
    running.close()


@pytest.fixture
def client(relay: Running) -> Iterator[Client]:
    opened = opened_by(relay)
    yield opened
    opened.close()


def opened_by(relay: Running, **changed: str) -> Client:
    extra = relay.connection["extra"] | {name: one for name, one in changed.items() if name not in STANDARD}
    fields = relay.connection | {name: one for name, one in changed.items() if name in STANDARD}
    return open_client(from_airflow_json("email", fields | {"extra": extra}), LIMITS)


def outgoing(number: int = 1, **changed: Any) -> Outgoing:
    due = NoticeDue(
        notice_id=f"n-{number}",
        dossier_code="H32.1-250102-0001",
        notice="ready",
        phone="",
        text="Hồ sơ đã có kết quả.\n.\n..chấm",
        email="an@example.vn",
    )
    body = json.dumps(json.loads(message.write(due)) | changed).encode()
    return Outgoing(f"n-{number}", "H32.1-250102-0001", body, datetime(2025, 1, 2, 3, 4, tzinfo=UTC))


def taken(relay: Running) -> list[dict[str, Any]]:
    got = requests.get(f"{relay.control_url}/_control/effects", {"operation": "message"}, timeout=5)
    found: list[dict[str, Any]] = got.json()
    return found


def control(relay: Running, call: str, **value: Any) -> None:
    requests.post(f"{relay.control_url}/_control/{call}", json=value, timeout=5).raise_for_status()


def test_a_message_is_taken_over_once_and_its_receipt_has_our_name(client: Client, relay: Running) -> None:
    receipt = client.send_message(outgoing())
    (one,) = taken(relay)
    assert (one["external_id"], one["times"]) == (receipt.external_id, 1)
    assert receipt.body.startswith(b"250 ")


def test_every_try_of_a_message_has_one_name_and_another_message_another(client: Client, relay: Running) -> None:
    for number in (1, 1, 2):
        client.send_message(outgoing(number))
    assert [one["times"] for one in taken(relay)] == [2, 1]


def test_the_stand_in_keeps_neither_address_nor_text(client: Client, relay: Running) -> None:
    client.send_message(outgoing())
    kept = json.dumps(taken(relay))
    assert "an@example.vn" not in kept
    assert "chấm" not in kept


def test_what_goes_out_is_ascii_and_reads_as_it_was_written(client: Client) -> None:
    sent = outgoing()
    content = _composed(client.sender, sent, json.loads(sent.body)).as_bytes()
    assert content.isascii()
    read = message_from_bytes(content, policy=default)
    assert read["Subject"] == "Thông báo về hồ sơ H32.1-250102-0001"
    assert read["From"] == f"Trung tâm Phục vụ hành chính công <{SENDER}>"
    assert (read["To"], read["Auto-Submitted"]) == ("an@example.vn", "auto-generated")
    assert read["Date"].datetime == sent.published_at
    assert read.get_content().replace("\r\n", "\n").rstrip() == "Hồ sơ đã có kết quả.\n.\n..chấm"


@pytest.mark.parametrize(
    "changed",
    [
        {"to": "a@b.vn\r\nBcc: c@d.vn"},
        {"to": "a@b.vn>\r\nRCPT TO:<c@d.vn"},
        {"to": "a@b.vn, c@d.vn"},
        {"to": "@b.vn"},
        {"to": "a@"},
        {"to": ""},
        {"subject": "x\r\nBcc: c@d.vn"},
        {"subject": "x\nBcc: c@d.vn"},
        {"subject": 7},
        {"more": "x"},
    ],
)
def test_no_header_and_no_receiver_can_be_slipped_in(client: Client, relay: Running, changed: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        client.send_message(outgoing(**changed))
    assert taken(relay) == []


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        (451, TransientError),
        (554, RejectedError),
        (421, OutcomeUnknownError),
        (354, OutcomeUnknownError),
        (499, OutcomeUnknownError),
        (699, OutcomeUnknownError),
    ],
)
def test_the_reply_to_the_text_is_judged_by_its_code(
    client: Client, relay: Running, code: int, ours: type[TrucError]
) -> None:
    control(relay, "insist", operation="message", codes=[code])
    with pytest.raises(ours):
        client.send_message(outgoing())
    assert taken(relay) == []


@pytest.mark.parametrize(
    ("mode", "ours", "times"),
    [
        ("refuse", TransientError, 0),
        ("unavailable", TransientError, 0),
        ("silent_before", TransientError, 0),
        ("error_before", TransientError, 0),
        ("silent_after", OutcomeUnknownError, 1),
        ("drop_after", OutcomeUnknownError, 1),
        ("error_after", OutcomeUnknownError, 1),
        ("garbage", OutcomeUnknownError, 1),
        ("truncated", OutcomeUnknownError, 1),
        ("huge", OutcomeUnknownError, 1),
        ("slow", OutcomeUnknownError, 1),
    ],
)
def test_only_before_the_text_it_is_surely_not_sent(
    client: Client, relay: Running, mode: str, ours: type[TrucError], times: int
) -> None:
    control(relay, "faults", operation="message", mode=mode, times=1, wait_s=1.0)
    with pytest.raises(ours):
        client.send_message(outgoing())
    assert sum(one["times"] for one in taken(relay)) == times


def test_a_receiver_the_relay_does_not_know_is_refused_and_not_quoted(client: Client, relay: Running) -> None:
    with pytest.raises(RejectedError) as raised:
        client.send_message(outgoing(to="nobody@unknown.example"))
    assert raised.value.code == "550"
    assert "nobody" not in str(raised.value)


@pytest.mark.parametrize(
    "changed",
    [{"login": "nobody"}, {"password": "made-up-wrong"}, {"sender": "minister@other.example"}, {"login": ""}],
)
def test_the_relay_is_open_to_nobody_else(relay: Running, changed: dict[str, str]) -> None:
    opened = opened_by(relay, **changed)
    with pytest.raises(SetupError) as raised:
        opened.send_message(outgoing())
    assert "made-up-wrong" not in str(raised.value)
    assert taken(relay) == []


def test_the_stand_in_takes_no_login_in_clear_text(relay: Running) -> None:
    opened = opened_by(relay, security="none")
    with pytest.raises(SetupError):
        opened.send_message(outgoing())
    assert taken(relay) == []


def test_a_relay_that_shows_another_certificate_hears_nothing(relay: Running) -> None:
    opened = opened_by(relay, ca_file="")
    with pytest.raises(SetupError) as raised:
        opened.send_message(outgoing())
    assert raised.value.reason == "certificate_refused"


@pytest.mark.parametrize("name", ["host", "password", "sender"])
def test_a_missing_setting_is_named(relay: Running, name: str) -> None:
    with pytest.raises(SetupError, match=name):
        opened_by(relay, **{name: ""})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("security", "ssl"),
        ("port", "0"),
        ("port", "smtp"),
        ("sender", "A <a@b.vn>"),
        ("reply_to", "a@b.vn\r\nBcc: c@d.vn"),
        ("sender_name", "A\r\nBcc: c@d.vn"),
        ("hello_name", "a\r\nMAIL FROM:<x>"),
    ],
)
def test_a_setting_that_cannot_be_is_named(relay: Running, name: str, value: str) -> None:
    with pytest.raises(SetupError, match=name) as raised:
        opened_by(relay, **{name: value})
    assert raised.value.reason == "setting_malformed"


def test_without_security_only_this_machine_is_spoken_to(relay: Running) -> None:
    with pytest.raises(SetupError) as raised:
        opened_by(relay, security="none", host="mail.example.vn")
    assert raised.value.reason == "clear_text_address"


def test_printing_the_client_shows_no_secret(client: Client, relay: Running) -> None:
    assert relay.connection["password"] not in repr(client) + repr(client.smtp._relay)


def test_the_outcome_cannot_be_asked_for_and_the_manifest_says_so(client: Client) -> None:
    assert MANIFEST.operation("message").outcome == "neither"
    assert not hasattr(client, "ask_message")
