"""A call without a client's key is turned away before its body is read, as the routes themselves turn it away."""

import pytest
import requests
from fastapi import FastAPI, Request

from tests.truc.inbound.conftest import serving
from tests.truc.inbound.test_wire import said
from truc.inbound import clients
from truc.inbound.app import BODY_BYTES_MAX
from truc.inbound.body_limit import BodyLimit
from truc.inbound.keyed import Keyed

MEBIBYTE = 1024 * 1024
KEY_WRONG = {"detail": {"reason": "key_wrong", "error": "send the client's key as `Authorization: Bearer KEY`"}}


@pytest.mark.parametrize("body", [b"{", b"\xff", b"", b"[]"])
@pytest.mark.parametrize("key", [None, "Bearer wrong", "Basic {key}", "Bearer"])
def test_a_body_that_cannot_be_read_is_401_without_a_key(closed_gateway, key, body):
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers["Authorization"] = key.format(key=closed_gateway.key)
    answer = requests.post(f"{closed_gateway.url}/internal/v1/dossiers", data=body, headers=headers, timeout=30)
    assert (answer.status_code, answer.json()) == (401, KEY_WRONG)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["connection"] == "close"
    assert closed_gateway.post("/internal/v1/dossiers", data=b"{").status_code == 422


def test_what_is_behind_a_key_is_not_told_without_one(closed_gateway):
    for path in ("/internal/v1/dossiers", "/internal/v1/nothing", "/internal/"):
        assert requests.get(f"{closed_gateway.url}{path}", timeout=30).status_code == 401
    assert requests.get(f"{closed_gateway.url}/openapi.json", timeout=30).status_code == 200


@pytest.fixture
def counting(tmp_path):
    """A gateway's layers over one route that says how long a body was; its address, a key, and the bytes it read."""
    app, read = FastAPI(), []
    app.add_middleware(BodyLimit, bytes_max=8 * MEBIBYTE)

    class Counted:
        """Stands outside `Keyed`, as the server does: what is asked for here is read from the wire."""

        def __init__(self, app):
            self._app = app

        async def __call__(self, scope, receive, send):
            async def counted():
                message = await receive()
                read.append(len(message.get("body", b"")))
                return message

            await self._app(scope, counted if scope["type"] == "http" else receive, send)

    app.add_middleware(Keyed, secrets=tmp_path)
    app.add_middleware(Counted)

    @app.post("/internal/size")
    async def size(request: Request) -> int:
        return len(await request.body())

    serves, thread, address = serving(app)
    yield address, clients.ensure_client(tmp_path, "one-stop"), read
    serves.should_exit = True
    thread.join(timeout=20)


def test_a_large_body_without_a_key_is_not_read(counting):
    address, key, read = counting
    body = b" " * (7 * MEBIBYTE)
    with_key = {"Authorization": f"Bearer {key}"}
    assert requests.post(f"{address}/internal/size", data=body, headers=with_key, timeout=30).json() == len(body)
    assert sum(read) == len(body)
    read.clear()
    # No body is sent at all: the answer does not wait for one.
    head = f"POST /internal/size HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    answer = said(address, head.encode())
    assert answer.startswith("HTTP/1.1 401 ")
    assert "connection: close" in answer.lower()
    assert read == []


@pytest.mark.parametrize("length", [BODY_BYTES_MAX, BODY_BYTES_MAX + 1])
def test_the_gateway_asks_for_the_key_before_anything_of_the_body(closed_gateway, length):
    head = f"POST /internal/v1/dossiers/batch HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
    assert said(closed_gateway.url, head.encode()).startswith("HTTP/1.1 401 ")
