"""Bodies nobody should send: too large, not text, not JSON, not of our form. Never a 5xx, never a full memory."""

import json
import resource
import socket
import sys
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.truc.inbound.conftest import dossier, payment, status
from tests.truc.inbound.test_callbacks import called, ipn
from truc import parties
from truc.inbound.app import BODY_BYTES_MAX
from truc.store.tables.dossiers import DOSSIERS
from truc.store.tables.exchange import INBOX

MEBIBYTE = 1024 * 1024
ENDLESS = 200 * MEBIBYTE
PATHS = ("/internal/v1/dossiers", "/internal/v1/dossiers/batch", "/partners/momo/ipn")


def stream(gateway, path, declared):
    """Send up to 200 MB until the gateway hangs up; return its answer and how much was sent."""
    where = urlsplit(gateway.url)
    length = f"Content-Length: {ENDLESS}" if declared else "Transfer-Encoding: chunked"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: Bearer {gateway.key}\r\n"
        f"Content-Type: application/json\r\n{length}\r\n\r\n"
    )
    part = b" " * 65536
    chunk = part if declared else b"%x\r\n%s\r\n" % (len(part), part)
    sent = 0
    with socket.create_connection((where.hostname, where.port), timeout=30) as wire:
        wire.sendall(head.encode())
        try:
            while sent < ENDLESS:
                wire.sendall(chunk)
                sent += len(part)
        except OSError:  # hung up on, as it should be
            pass
        return wire.recv(65536).decode(), sent


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_body_of_200_mb_is_413_before_it_is_read_or_kept(gateway, path, declared):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer, sent = stream(gateway, path, declared)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * (1 if sys.platform == "darwin" else 1024)
    assert answer.startswith("HTTP/1.1 413 ")
    assert "body_too_large" in answer
    # Beyond the limit only what the sockets had room for.
    assert sent < BODY_BYTES_MAX + 16 * MEBIBYTE
    assert grown < 64 * MEBIBYTE
    assert gateway.rows(INBOX) == []


def test_a_body_at_the_limit_is_taken(gateway):
    body = json.dumps(dossier()).encode()
    answer = gateway.post("/internal/v1/dossiers", data=body + b" " * (BODY_BYTES_MAX - len(body)))
    assert answer.status_code == 200
    assert gateway.post("/internal/v1/dossiers", data=body + b" " * (BODY_BYTES_MAX - len(body) + 1)).status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00",
        b"\xff\xfe",
        b'{"reference": "\xff"}',
        b"NaN",
        b'{"amount_vnd": NaN}',
        b'{"amount_vnd": Infinity}',
        b'{"amount_vnd": 1e999}',
        b'{"amount_vnd": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 500 + b"]" * 500,
        b'"\\ud800"',
        b'{"\\ud800": 1}',
        b'{"reference": "\\ud800"}',
        b'{"reference": "\\u0000"}',
        b'[{"\\ud800": 1}, {"reference": "\\ud800"}, NaN, null, [[]]]',
        b'{"received_at": 1e300}',
        b"null",
        b"true",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_hostile_body_is_the_callers_error_on_every_route(hostile_gateway, body):
    for name in ("dossiers", "statuses", "payments"):
        for path in (f"/internal/v1/{name}", f"/internal/v1/{name}/batch"):
            answer = hostile_gateway.post(path, data=body)
            assert answer.status_code in (200, 400, 422), (path, answer.text)
            assert json.loads(answer.text)
    fits = len(body) <= parties.manifest("momo").callback("ipn").bytes_max
    assert called(hostile_gateway, body).status_code == (400 if fits else 413)
    assert hostile_gateway.rows(DOSSIERS) == []


@pytest.fixture(scope="module")
def hostile_gateway(module_gateway):
    """One gateway for all hostile bodies: none of them may change anything that the next could see."""
    return module_gateway


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20)
    | st.datetimes().map(lambda at: at.isoformat() + "+07:00"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def spoilt(whole):
    """A well-formed item with some of its fields replaced, or with fields nobody knows."""
    return st.dictionaries(st.sampled_from([*whole, "x"]), JSON, min_size=1, max_size=3).map(lambda bad: whole | bad)


ITEMS = JSON | spoilt(dossier()) | spoilt(status("H32.06-260303-0001", 4)) | spoilt(payment("H32.06-260303-0001"))
BODIES = st.binary(max_size=200) | ITEMS.map(json.dumps).map(str.encode) | st.text().map(str.encode)
SMALL = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@SMALL
@given(body=BODIES, name=st.sampled_from(["dossiers", "statuses", "payments"]))
def test_no_body_makes_the_internal_api_fail(hostile_gateway, body, name):
    assert hostile_gateway.post(f"/internal/v1/{name}", data=body).status_code < 500


@SMALL
@given(items=st.lists(ITEMS, max_size=5), name=st.sampled_from(["dossiers", "statuses", "payments"]))
def test_every_item_of_a_batch_is_answered_whatever_it_is(hostile_gateway, items, name):
    answer = hostile_gateway.post(f"/internal/v1/{name}/batch", data=json.dumps(items).encode())
    assert answer.status_code == 200
    assert len(answer.json()) == len(items)


@SMALL
@given(body=BODIES)
def test_no_body_makes_a_callback_fail(hostile_gateway, body):
    assert called(hostile_gateway, body).status_code < 500


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@SMALL
@given(reference=TEXTS, message=TEXTS, trans=TEXTS | st.integers(), amount=TEXTS | st.integers())
def test_no_rightly_signed_ipn_makes_the_gateway_fail(hostile_gateway, reference, message, trans, amount):
    body = ipn(reference, message=message, transId=trans, amount=amount)
    assert called(hostile_gateway, body).status_code in (204, 400)
