"""A webhook is believed for its mac over the very bytes, and for nothing else."""

import json
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from connectors.zalo.inbound import receive, refusal
from truc.connections import Connection
from truc.errors import SetupError
from truc.inbound.callbacks import Incoming, Received, Refused

APP_ID, SECRET = "1000000000000000001", "oa-secret-of-the-test"
STAMP = "1764000000123"
BODY = json.dumps({"event_name": "user_received_message", "app_id": APP_ID, "timestamp": STAMP, "x": "ồ"}).encode()


def mac(body: bytes, stamp: str = STAMP, secret: str = SECRET) -> str:
    return "mac=" + sha256(APP_ID.encode() + body + stamp.encode() + secret.encode()).hexdigest()


def received(body: bytes = BODY, signature: str | None = None, method: str = "POST", **fields: str) -> Received:
    headers = {"x-zevent-signature": mac(body) if signature is None else signature}
    connection = Connection("zalo", {"login": APP_ID, "oa_secret": SECRET} | fields)
    return receive(Incoming(method, "/partners/zalo/event", "", headers, body), connection)


def test_a_signed_event_is_kept_as_received_and_answered_200() -> None:
    found = received()
    assert (found.envelope.kind, found.envelope.body, found.answer.status) == ("event", BODY, 200)
    assert found.said_at == datetime(2025, 11, 24, 16, 0, 0, 123000, tzinfo=UTC)


def test_a_timestamp_written_as_a_number_is_the_same() -> None:
    body = BODY.replace(f'"{STAMP}"'.encode(), STAMP.encode())
    assert received(body).said_at == received().said_at


def test_an_event_of_other_bytes_has_another_name() -> None:
    assert received().envelope.external_id == received().envelope.external_id
    assert received(BODY + b" ").envelope.external_id != received().envelope.external_id


def test_one_byte_more_is_not_what_was_signed() -> None:
    with pytest.raises(Refused) as refused:
        received(BODY + b" ", mac(BODY))
    assert (refused.value.reason, refused.value.answer.status) == ("bad_signature", 400)


@pytest.mark.parametrize(
    "signature",
    [
        mac(BODY, secret="other"),
        mac(BODY, stamp="1764000000124"),
        mac(BODY).upper().replace("MAC=", "mac="),
        "mac=",
        "mac=ồ",
    ],
)
def test_a_wrong_mac_is_refused(signature: str) -> None:
    with pytest.raises(Refused) as refused:
        received(signature=signature)
    assert refused.value.reason == "bad_signature"


@pytest.mark.parametrize("signature", ["", mac(BODY).removeprefix("mac="), "hmac=" + mac(BODY)])
def test_a_call_without_a_mac_is_refused(signature: str) -> None:
    with pytest.raises(Refused) as refused:
        received(signature=signature)
    assert refused.value.reason == "no_signature"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff", "not_json"),
        (b"{", "not_json"),
        (b"[]", "malformed"),
        (b"{}", "malformed"),
        (b'{"timestamp": "-1"}', "malformed"),
        (b'{"timestamp": "999999999999999"}', "malformed"),
        ('{"timestamp": "١"}'.encode(), "malformed"),
    ],
)
def test_what_is_no_event_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        received(body)
    assert refused.value.reason == reason


def test_a_get_is_no_event() -> None:
    with pytest.raises(Refused) as refused:
        received(method="GET")
    assert refused.value.reason == "not_post"


def test_without_an_oa_secret_nothing_is_believed() -> None:
    with pytest.raises(SetupError, match="oa_secret"):
        received(oa_secret="")


def test_the_gateways_own_refusals_tell_nothing() -> None:
    assert (refusal("any").status, refusal("any").body) == (400, b"")
