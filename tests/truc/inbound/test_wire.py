"""What a caller can do with the connection itself: methods, heads, headers given twice, bodies that drip."""

import socket
import time
from urllib.parse import urlsplit

import pytest
import requests
from fastapi import FastAPI, Request

from tests.truc.inbound.conftest import serving
from tests.truc.inbound.test_callbacks import ipn
from truc.exchange import bodies
from truc.inbound import door
from truc.inbound.body_limit import BodyLimit
from truc.inbound.serving import HEAD_BYTES_MAX
from truc.store.tables.exchange import INBOX


def said(url, text, wait_s=5.0):
    """Send these bytes and return all that comes back until the other end closes or falls silent."""
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port), timeout=wait_s) as wire:
        wire.sendall(text)
        found = b""
        try:
            while part := wire.recv(65536):
                found += part
        except (TimeoutError, ConnectionResetError):
            pass
    return found.decode("latin-1")


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_a_callback_is_a_get_or_a_post_and_nothing_else(module_gateway, method):
    answer = requests.request(method, f"{module_gateway.url}/partners/momo/ipn", data=b"x", timeout=30)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "POST"}


def test_a_head_over_the_limit_is_refused_before_it_is_whole(module_gateway):
    head = b"GET /health HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * (HEAD_BYTES_MAX + 1)
    assert said(module_gateway.url, head).startswith("HTTP/1.1 400 ")


def test_a_head_that_stands_still_holds_up_nobody_else(module_gateway):
    where = urlsplit(module_gateway.url)
    idle = [socket.create_connection((where.hostname, where.port)) for _ in range(50)]
    for one in idle:
        one.sendall(b"POST /partners/momo/ipn HTTP/1.1\r\nHost:")
    begun = time.monotonic()
    assert requests.get(f"{module_gateway.url}/health", timeout=30).status_code == 200
    assert time.monotonic() - begun < 5
    for one in idle:
        one.close()


def test_the_server_does_not_name_itself(module_gateway):
    assert "server" not in requests.get(f"{module_gateway.url}/health", timeout=30).headers


def test_two_lengths_of_one_body_are_refused(module_gateway):
    head = b"POST /partners/momo/ipn HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde"
    assert said(module_gateway.url, head).startswith("HTTP/1.1 400 ")


def test_a_header_given_twice_reaches_the_connector_as_both(module_gateway, monkeypatch):
    from truc import parties

    seen = []
    receive = parties.inbound("momo").receive
    monkeypatch.setattr(
        parties.inbound("momo"), "receive", lambda call, known: seen.append(call) or receive(call, known)
    )
    body = ipn("P1")
    head = f"POST /partners/momo/ipn HTTP/1.1\r\nHost: x\r\nX-Sign: a\r\nx-sign: b\r\nContent-Length: {len(body)}\r\n"
    answer = said(module_gateway.url, head.encode() + b"Connection: close\r\n\r\n" + body)
    assert answer.startswith("HTTP/1.1 204 ")
    assert (seen[0].headers["x-sign"], seen[0].address) == ("a, b", "127.0.0.1")


def test_a_body_that_drips_is_ended_after_its_time():
    app = FastAPI()
    app.add_middleware(BodyLimit, bytes_max=1000, within_s=0.5)

    @app.post("/")
    async def size(request: Request) -> int:
        return len(await request.body())

    serves, thread, address = serving(app)
    try:
        assert requests.post(address, data=b"12345", timeout=30).text == "5"
        begun = time.monotonic()
        answer = said(address, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345", wait_s=20)
        assert answer.startswith("HTTP/1.1 408 ")
        assert "connection: close" in answer.lower()
        assert time.monotonic() - begun < 10
    finally:
        serves.should_exit = True
        thread.join(timeout=20)


def test_while_the_store_is_away_the_internal_api_says_so_and_that_the_call_may_be_repeated(closed_gateway):
    headers = {"Authorization": f"Bearer {closed_gateway.key}"}
    answer = requests.get(f"{closed_gateway.url}/internal/v1/dossiers/X", headers=headers, timeout=60)
    assert (answer.status_code, answer.json()["detail"]["reason"]) == (503, "store_away")
    assert int(answer.headers["retry-after"]) > 0


def test_a_partners_body_that_drips_is_ended_counted_and_not_kept(module_gateway, monkeypatch):
    monkeypatch.setattr(door, "ARRIVES_WITHIN_S", 0.5)
    before = len(module_gateway.rows(INBOX))
    head = b"POST /partners/momo/ipn HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345"
    answer = said(module_gateway.url, head, wait_s=20)
    assert answer.startswith("HTTP/1.1 408 ")
    assert "connection: close" in answer.lower()
    assert module_gateway.app.state.turned_away.times()["momo", "too_slow"] == 1
    assert len(module_gateway.rows(INBOX)) == before


def test_a_partner_who_goes_away_before_the_call_is_whole_leaves_no_trace(module_gateway, caplog):
    where, before = urlsplit(module_gateway.url), len(module_gateway.rows(INBOX))
    with socket.create_connection((where.hostname, where.port)) as wire:
        wire.sendall(b"POST /partners/momo/ipn HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        time.sleep(0.2)
    assert requests.get(f"{module_gateway.url}/health", timeout=30).status_code == 200
    time.sleep(0.2)
    assert len(module_gateway.rows(INBOX)) == before
    assert not [one for one in caplog.records if one.levelname == "ERROR"]


def test_a_call_in_pieces_is_read_whole(module_gateway):
    """Both ways that HTTP/1.1 tells of a body."""
    body, address = ipn("in-pieces", signed=False), f"{module_gateway.url}/partners/momo/ipn"
    pieces = (body[:50], body[50:])
    assert requests.post(address, data=iter(pieces), timeout=30).status_code == 400
    with module_gateway.store.begin() as transaction:
        assert bodies.read(transaction, module_gateway.rows(INBOX)[-1].body_id) == body
