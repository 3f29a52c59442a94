"""The real Zalo client against its stand-in over sockets: sending, and a token that is good for one use."""

import json
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from jsonschema import Draft202012Validator

from connectors.zalo import token_file
from connectors.zalo.client import Client, open_client
from connectors.zalo.manifest import MANIFEST
from mappings.zalo import message
from sandbox.serve import Running
from sandbox.zalo.server import start
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
from truc.messages import NoticeDue, NoticeFacts

LIMITS = replace(MANIFEST.limits, timeout_s=0.5)
SEND = Path(__file__).parents[3] / "schemas" / "zalo" / "send.json"


@pytest.fixture
def zalo(tmp_path: Path) -> Iterator[Running]:
    running = start(0, tmp_path, "")
    yield running
    running.close()


@pytest.fixture
def client(zalo: Running) -> Iterator[Client]:
    opened = opened_by(zalo)
    yield opened
    opened.close()


def opened_by(zalo: Running, **changed: str) -> Client:
    extra = zalo.connection["extra"] | {key: one for key, one in changed.items() if key not in ("login", "password")}
    fields = zalo.connection | {key: one for key, one in changed.items() if key in ("login", "password")}
    return open_client(from_airflow_json("zalo", fields | {"extra": extra}), LIMITS)


def outgoing(number: int = 1, to: str = "0912345678", **changed: Any) -> Outgoing:
    code = "H32.1-250102-0001"
    due = NoticeDue(notice_id=f"n-{number}", dossier_code=code, notice="ready", phone=to, facts=NoticeFacts())
    return Outgoing(f"n-{number}", "H32", json.dumps(json.loads(message.write(due)) | changed).encode())


def control(zalo: Running, call: str, **value: Any) -> Any:
    answer = requests.post(f"{zalo.control_url}/_control/{call}", json=value, timeout=5)
    answer.raise_for_status()
    return answer.json()


def effects(zalo: Running, operation: str = "message") -> int:
    got = requests.get(f"{zalo.control_url}/_control/effects", {"operation": operation}, timeout=5).json()
    return sum(one["times"] for one in got)


def path_of(zalo: Running) -> Path:
    return Path(zalo.connection["extra"]["token_file"])


def age(zalo: Running) -> None:
    """Let the access token be over."""
    kept = token_file.read(path_of(zalo))
    token_file.write(path_of(zalo), replace(kept, ends_at=datetime.now(UTC) + timedelta(minutes=1)))


def test_a_message_arrives_and_its_receipt_has_zalos_name(client: Client, zalo: Running) -> None:
    receipt = client.send_message(outgoing())
    assert receipt.external_id == json.loads(receipt.body)["data"]["msg_id"]
    assert effects(zalo) == 1


def test_what_is_sent_fits_the_schema(zalo: Running) -> None:
    opened = opened_by(zalo, mode="development")
    asked = json.loads(opened._asked(message_fields()))
    assert Draft202012Validator(json.loads(SEND.read_text(encoding="utf-8"))).is_valid(asked)
    assert (asked["template_id"], asked["mode"]) == ("100003", "development")
    opened.close()


def message_fields() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(outgoing().body)
    return found


def test_one_token_serves_many_messages_and_outlives_the_client(client: Client, zalo: Running) -> None:
    for number in range(3):
        client.send_message(outgoing(number))
    again = opened_by(zalo)
    again.send_message(outgoing(4))
    again.close()
    assert (effects(zalo), effects(zalo, "renewal")) == (4, 1)


def test_a_token_that_is_over_is_rotated_and_kept_for_the_hub_alone(client: Client, zalo: Running) -> None:
    client.send_message(outgoing())
    before = token_file.read(path_of(zalo))
    age(zalo)
    client.send_message(outgoing(2))
    after = token_file.read(path_of(zalo))
    assert before.refresh_token != after.refresh_token
    assert stat.S_IMODE(path_of(zalo).stat().st_mode) == 0o600
    assert effects(zalo, "renewal") == 2


def test_many_at_once_use_a_refresh_token_once(zalo: Running) -> None:
    clients = [opened_by(zalo) for _ in range(8)]  # each has its own file descriptors, as processes have
    ready = threading.Barrier(len(clients))

    def send(number: int) -> None:
        ready.wait()
        clients[number].send_message(outgoing(number))

    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(send, range(len(clients))))
    for one in clients:
        one.close()
    assert (effects(zalo), effects(zalo, "renewal")) == (8, 1)


def test_the_stand_in_takes_a_refresh_token_once(client: Client, zalo: Running) -> None:
    first = path_of(zalo).read_bytes()
    client.send_message(outgoing())
    path_of(zalo).write_bytes(first)  # as a second host with a copy of the file would
    with pytest.raises(SetupError) as raised:
        client.send_message(outgoing(2))
    assert raised.value.reason == "token_refused"
    assert json.loads(first)["refresh_token"] not in str(raised.value)
    assert effects(zalo) == 1


def test_an_access_token_that_is_taken_back_is_renewed_for_the_next_try(client: Client, zalo: Running) -> None:
    client.send_message(outgoing())
    control(zalo, "revoke")
    with pytest.raises(TransientError):
        client.send_message(outgoing(2))
    client.send_message(outgoing(2))
    assert (effects(zalo), effects(zalo, "renewal")) == (2, 2)


def test_a_refused_token_that_another_has_renewed_is_not_forgotten(client: Client, zalo: Running) -> None:
    client.send_message(outgoing())
    client.token.forget("an older one")
    assert token_file.read(path_of(zalo)).access_token


@pytest.mark.parametrize("mode", ["refuse", "unavailable", "silent_before", "error_before", "silent_after", "garbage"])
def test_no_fault_of_the_token_service_sends_anything(client: Client, zalo: Running, mode: str) -> None:
    control(zalo, "faults", operation="token", mode=mode, times=1, wait_s=1.0)
    with pytest.raises(TransientError):
        client.send_message(outgoing())
    assert effects(zalo) == 0


def test_a_lock_that_is_held_too_long_is_waited_for_and_given_up(client: Client, zalo: Running) -> None:
    quick = replace(client.token, wait_s=0.1)
    with token_file.alone(path_of(zalo), 1.0), pytest.raises(TransientError) as raised:
        quick.value()
    assert raised.value.reason == "token_busy"


@pytest.mark.parametrize(
    ("text", "mode", "reason"),
    [
        (None, 0o600, "token_file_unusable"),
        ("", 0o600, "token_file_unusable"),
        ("[]", 0o600, "token_file_unusable"),
        ('{"refresh_token": "geheim\\n"}', 0o600, "token_file_unusable"),
        ('{"refresh_token": "geheim", "access_token": "b"}', 0o600, "token_file_unusable"),
        ('{"refresh_token": "geheim"}', 0o640, "token_file_open"),
    ],
)
def test_a_token_file_that_cannot_be_used_is_told_without_its_token(
    client: Client, zalo: Running, text: str | None, mode: int, reason: str
) -> None:
    path_of(zalo).unlink()
    if text is not None:
        path_of(zalo).write_text(text)
        path_of(zalo).chmod(mode)
    with pytest.raises(SetupError, match="token_file") as raised:
        client.send_message(outgoing())
    assert raised.value.reason == reason
    assert "geheim" not in str(raised.value)


def test_a_token_file_in_no_folder_is_a_matter_of_setup(zalo: Running, tmp_path: Path) -> None:
    opened = opened_by(zalo, token_file=str(tmp_path / "none" / "token.json"))
    with pytest.raises(SetupError, match="folder"):
        opened.send_message(outgoing())
    opened.close()


def test_who_has_no_account_is_refused_with_zalos_code(client: Client, zalo: Running) -> None:
    with pytest.raises(RejectedError) as raised:
        client.send_message(outgoing(to="0912345000"))
    assert raised.value.code == "-118"
    assert effects(zalo) == 0


@pytest.mark.parametrize(
    ("changed", "ours"),
    [({"phone": "12"}, RejectedError), ({"template_data": {}}, RejectedError), ({"notice": "unknown"}, RejectedError)],
)
def test_what_cannot_be_sent_is_refused(
    client: Client, zalo: Running, changed: dict[str, Any], ours: type[TrucError]
) -> None:
    with pytest.raises(ours):
        client.send_message(outgoing(**changed))
    assert effects(zalo) == 0


def test_a_kind_without_a_template_is_refused_before_any_call_and_holds_up_no_other(
    client: Client, zalo: Running
) -> None:
    with pytest.raises(RejectedError) as raised:
        client.send_message(outgoing(notice="unknown"))
    assert (raised.value.reason, raised.value.code) == ("template_missing", "template_missing")
    assert effects(zalo, "renewal") == 0
    client.send_message(outgoing())
    assert effects(zalo) == 1


@pytest.mark.parametrize(
    ("mode", "ours", "times"),
    [
        ("unavailable", TransientError, 0),
        ("refuse", OutcomeUnknownError, 0),
        ("error_before", OutcomeUnknownError, 0),
        ("drop_after", OutcomeUnknownError, 1),
        ("error_after", OutcomeUnknownError, 1),
        ("garbage", OutcomeUnknownError, 1),
        ("huge", OutcomeUnknownError, 1),
    ],
)
def test_no_fault_is_taken_for_sent_or_for_surely_not_sent(
    client: Client, zalo: Running, mode: str, ours: type[TrucError], times: int
) -> None:
    control(zalo, "faults", operation="message", mode=mode, times=1, wait_s=1.0)
    with pytest.raises(ours):
        client.send_message(outgoing())
    assert effects(zalo) == times


@pytest.mark.parametrize("body", [b"", b"[]", b'{"phone": "x"}', b"\xff"])
def test_a_body_not_by_the_mapping_is_malformed(client: Client, zalo: Running, body: bytes) -> None:
    with pytest.raises(MalformedError, match=r"mappings\.zalo\.message"):
        client.send_message(Outgoing("n", "n", body))
    assert effects(zalo, "renewal") == 0


@pytest.mark.parametrize("listed", ["ready", "ready=", "ready=1,ready=2", "ready=1,,received=2", "ready=1;2"])
def test_templates_that_cannot_be_read_are_named(zalo: Running, listed: str) -> None:
    with pytest.raises(SetupError, match="template_ids"):
        opened_by(zalo, template_ids=listed)


@pytest.mark.parametrize("name", ["host", "login", "password", "token_file", "template_ids"])
def test_a_missing_setting_is_named(zalo: Running, name: str) -> None:
    extra = {key: value for key, value in zalo.connection["extra"].items() if key != name}
    connection = {key: value for key, value in zalo.connection.items() if key != name} | {"extra": extra}
    with pytest.raises(SetupError, match=name):
        open_client(from_airflow_json("zalo", connection), LIMITS)


def test_printing_the_client_shows_no_secret(client: Client, zalo: Running) -> None:
    client.send_message(outgoing())
    kept = token_file.read(path_of(zalo))
    shown = repr(client) + repr(kept)
    assert not [one for one in (zalo.connection["password"], kept.access_token, kept.refresh_token) if one in shown]


def test_a_restarted_stand_in_knows_the_token_it_gave(tmp_path: Path) -> None:
    for number in (1, 2):
        running = start(0, tmp_path, "")
        opened = opened_by(running)
        opened.send_message(outgoing(number))
        assert effects(running, "renewal") == 1
        opened.close()
        running.close()
