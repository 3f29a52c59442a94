"""The real SMS client against its stand-in over sockets."""

import json
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.sms import codes
from connectors.sms.client import Client, open_client
from connectors.sms.manifest import MANIFEST
from mappings.sms import message
from sandbox.serve import Running
from sandbox.sms.server import start
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

LIMITS = replace(MANIFEST.limits, timeout_s=0.3)
MEANT: dict[codes.Meaning, type[TrucError]] = {"setup": SetupError, "refused": RejectedError, "later": TransientError}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Running]:
    running = start(0, tmp_path, "")
    yield running
    running.close()


@pytest.fixture
def client(gateway: Running) -> Iterator[Client]:
    opened = open_client(from_airflow_json("sms", gateway.connection), LIMITS)
    yield opened
    opened.close()


def outgoing(text: str = "Hồ sơ H32.1-250102-0001 đã có kết quả", **changed: str) -> Outgoing:
    due = NoticeDue(notice_id="n-1", dossier_code="H32.1-250102-0001", notice="ready", phone="0912345678", text=text)
    fields = json.loads(message.write(due)) | changed
    return Outgoing("n-1", "H32.1-250102-0001", json.dumps(fields).encode())


def effects(gateway: Running) -> list[int]:
    got = requests.get(f"{gateway.control_url}/_control/effects", {"operation": "message"}, timeout=5).json()
    return [one["times"] for one in got]


def control(gateway: Running, call: str, **value: Any) -> None:
    requests.post(f"{gateway.control_url}/_control/{call}", json=value, timeout=5).raise_for_status()


def changed(gateway: Running, **setting: str) -> Client:
    extra = gateway.connection["extra"] | {
        key: value for key, value in setting.items() if key in ("cp_code", "service_id")
    }
    connection = gateway.connection | setting | {"extra": extra}
    return open_client(from_airflow_json("sms", connection), LIMITS)


@pytest.mark.parametrize("text", ["Ho so da co ket qua", "Hồ sơ đã có kết quả 😀", 'a < b & c > "d"'])
def test_a_message_arrives_once(client: Client, gateway: Running, text: str) -> None:
    receipt = client.send_message(outgoing(text))
    assert receipt.external_id == ""
    assert b"<result>1</result>" in receipt.body
    assert effects(gateway) == [1]


def test_the_stand_in_counts_the_same_text_to_the_same_receiver_as_a_double(client: Client, gateway: Running) -> None:
    for text in ("a", "a", "b"):
        client.send_message(outgoing(text))
    assert effects(gateway) == [2, 1]


def test_the_stand_in_keeps_no_text(client: Client, gateway: Running) -> None:
    client.send_message(outgoing("Nguyễn Văn A"))
    got = requests.get(f"{gateway.control_url}/_control/effects", {"operation": "message"}, timeout=5)
    assert "Nguy" not in got.text


@pytest.mark.parametrize(("code", "meaning"), codes.MEANINGS.items(), ids=codes.MEANINGS.keys())
def test_every_listed_answer_means_what_the_table_says(
    client: Client, gateway: Running, code: str, meaning: codes.Meaning
) -> None:
    control(gateway, "answers", result="0", message=code.replace("_N_", "_480_"))
    if meaning == "already_sent":
        assert client.send_message(outgoing()).external_id == ""
        return
    with pytest.raises(MEANT[meaning]) as raised:
        client.send_message(outgoing())
    assert code in str(raised.value)
    assert effects(gateway) == []


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Authenticate: IP_INVALID (YOUR IP: 192.0.2.1)", "Authenticate: IP_INVALID"),
        ("Check Content: MAXLENGTH_LIMIT_480_BYTE (YOUR_CONTENT: 500 BYTE)", "Check Content: MAXLENGTH_LIMIT_N_BYTE"),
        (" Check information error ", "Check information error"),
        ("Not a Check information error", ""),
        ("Insert MT_QUEUE: OK", ""),
        ("", ""),
    ],
)
def test_answers_are_known_by_their_whole_text(said: str, code: str) -> None:
    assert codes.code_of(said) == code


def test_an_answer_nobody_listed_is_refused_and_not_quoted(client: Client, gateway: Running) -> None:
    control(gateway, "answers", result="0", message="Insert MT_QUEUE: OK for 84912345678")
    with pytest.raises(RejectedError) as raised:
        client.send_message(outgoing())
    assert "84912345678" not in str(raised.value)


@pytest.mark.parametrize("result", ["", "2", "OK", "10"])
def test_a_result_of_another_kind_is_not_guessed_at(client: Client, gateway: Running, result: str) -> None:
    control(gateway, "answers", result=result, message="Insert MT_QUEUE: OK")
    with pytest.raises(OutcomeUnknownError):
        client.send_message(outgoing())


@pytest.mark.parametrize(
    ("setting", "value", "ours", "said"),
    [
        ("login", "nobody", SetupError, "WRONG_INFORMATION_AUTHENTICATE"),
        ("password", "made-up-wrong", SetupError, "WRONG_INFORMATION_AUTHENTICATE"),
        ("cp_code", "OTHER", SetupError, "CP_CODE_NOT_FOUND"),
        ("service_id", "OTHER", RejectedError, "ALIAS_INVALID"),
    ],
)
def test_a_wrong_account_is_told_without_its_secret(
    gateway: Running, setting: str, value: str, ours: type[TrucError], said: str
) -> None:
    opened = changed(gateway, **{setting: value})
    with pytest.raises(ours, match=said) as raised:
        opened.send_message(outgoing())
    assert "made-up-wrong" not in "".join(traceback.format_exception(raised.value))
    opened.close()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("ReceiverID", "12", "FORMAT_ERROR"),
        ("UserID", "84912345679", "UserID_NOT_EQUAL_ReceiverID"),
        ("Content", " ", "Content: NULL_OR_BLANK"),
        ("Content", "a" * 2001, "MAXLENGTH_LIMIT_N_BYTE"),
    ],
)
def test_the_stand_in_refuses_what_the_partner_refuses(
    client: Client, gateway: Running, field: str, value: str, said: str
) -> None:
    with pytest.raises(RejectedError, match=said):
        client.send_message(outgoing(**{field: value}))
    assert effects(gateway) == []


@pytest.mark.parametrize(
    ("mode", "ours", "times"),
    [
        ("refuse", OutcomeUnknownError, []),
        ("unavailable", TransientError, []),
        ("silent_before", OutcomeUnknownError, []),
        ("error_before", OutcomeUnknownError, []),
        ("silent_after", OutcomeUnknownError, [1]),
        ("drop_after", OutcomeUnknownError, [1]),
        ("error_after", OutcomeUnknownError, [1]),
        ("garbage", OutcomeUnknownError, [1]),
        ("truncated", OutcomeUnknownError, [1]),
        ("huge", OutcomeUnknownError, [1]),
    ],
)
def test_no_fault_is_taken_for_sent_or_for_surely_not_sent(
    client: Client, gateway: Running, mode: str, ours: type[TrucError], times: list[int]
) -> None:
    control(gateway, "faults", operation="message", mode=mode, times=1, wait_s=1.0)
    with pytest.raises(ours):
        client.send_message(outgoing())
    assert effects(gateway) == times


def test_the_outcome_cannot_be_asked_for_and_the_manifest_says_so(client: Client) -> None:
    assert MANIFEST.operation("message").outcome == "neither"
    assert not hasattr(client, "ask_message")


@pytest.mark.parametrize(
    ("fault", "ours"),
    [("S:Client", RejectedError), ("S:Server", OutcomeUnknownError), ("S:VersionMismatch", SetupError)],
)
def test_a_soap_fault_is_one_of_ours(client: Client, gateway: Running, fault: str, ours: type[TrucError]) -> None:
    control(gateway, "answers", fault=fault)
    with pytest.raises(ours):
        client.send_message(outgoing())


@pytest.mark.parametrize("name", ["host", "login", "password", "cp_code", "service_id"])
def test_a_missing_setting_is_named(gateway: Running, name: str) -> None:
    extra = {key: value for key, value in gateway.connection["extra"].items() if key != name}
    connection = {key: value for key, value in gateway.connection.items() if key != name} | {"extra": extra}
    with pytest.raises(SetupError, match=name):
        open_client(from_airflow_json("sms", connection), LIMITS)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"Content": "x"}', b"\xff"])
def test_a_body_not_by_the_mapping_is_malformed(client: Client, gateway: Running, body: bytes) -> None:
    with pytest.raises(MalformedError, match=r"mappings\.sms\.message"):
        client.send_message(Outgoing("n", "n", body))
    assert effects(gateway) == []


def test_the_stand_in_serves_its_wsdl(gateway: Running) -> None:
    got = requests.get(f"{gateway.control_url}/bulkapi?wsdl", timeout=5)
    assert got.content == (Path(__file__).parents[3] / "schemas" / "sms" / "bulksms.wsdl").read_bytes()


def test_the_stand_in_reads_no_entities(gateway: Running) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
    got = requests.post(f"{gateway.control_url}/bulkapi", data=bomb, timeout=5)
    assert got.status_code == 500
    assert "root:" not in got.text
