"""The door of partners' calls: ASGI before the layers and routes of the rest, for a partner waits for its answer.

Here it is found out whose call it is, how fast it comes and what it says whole; truc.inbound.partners does the rest.
"""

import asyncio
import re
from functools import lru_cache, partial
from math import ceil
from types import SimpleNamespace

from fastapi import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from truc import parties
from truc.inbound import addresses, partners
from truc.inbound.addresses import Networks
from truc.inbound.body_limit import ARRIVES_WITHIN_S, BodyTooLargeError, BodyTooSlowError
from truc.inbound.callbacks import HttpAnswer, Incoming
from truc.inbound.guard import Buckets
from truc.inbound.keeping import Batches
from truc.inbound.partners import Desk
from truc.manifest import Callback

ROUTE = SimpleNamespace(path="/partners/{party}/{kind}")  # what a trace calls it
NAMED = re.compile(r"/partners/([^/]+)/([^/]+)").fullmatch
METHODS = ("GET", "POST")  # and no HEAD: a call that may book money is no reading
NOT_ALLOWED = {"reason": "method_not_allowed", "error": "Method Not Allowed"}


class GoneError(Exception):
    """Whoever called went away before the call was whole: nobody is there to be answered."""


class Door:
    """ASGI middleware: answers what goes to /partners/{party}/{kind}, and hands every other call on."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk
        self._calls = Buckets(desk.pace)
        self._batches = Batches(partial(partners.keep, desk.store), lambda one: one.envelope.name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a partner."""
        if scope["type"] != "http" or (named := NAMED(scope["path"])) is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = ROUTE
        try:
            answer = await self._answer(scope, receive, *named.groups())
        except HTTPException as error:
            answer = JSONResponse({"detail": error.detail}, error.status_code, error.headers)
        except GoneError:
            return
        if isinstance(answer, Response):
            await answer(scope, receive, send)
            return
        headers = _headers(answer.status, answer.content_type, len(answer.body))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, receive: Receive, party: str, kind: str) -> HttpAnswer | Response:
        if scope["method"] not in METHODS:
            raise HTTPException(405, NOT_ALLOWED, {"Allow": ", ".join(METHODS)})
        if party not in parties.names() or (declared := parties.manifest(party).callback(kind)) is None:
            return Response(status_code=404)
        address = _address(scope, self._desk.proxies)
        if wait_s := self._calls.wait_s(party, addresses.neighbourhood(address)):
            self._desk.turned_away.count(party, "too_many_calls")
            return Response(status_code=429, headers={"Retry-After": str(ceil(wait_s))})
        try:
            incoming = await _read(declared, scope, receive, address)
        except (BodyTooLargeError, BodyTooSlowError) as error:
            reason = "too_slow" if isinstance(error, BodyTooSlowError) else "too_large"
            self._desk.turned_away.count(party, reason)
            raise
        return await partners.taken(self._desk, self._batches, party, declared, incoming)


def _address(scope: Scope, proxies: Networks) -> str:
    peer: str = scope["client"][0] if scope["client"] else ""
    if not proxies:
        return peer
    hops = (value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for")
    return addresses.caller(peer, ",".join(hops), proxies)


async def _read(declared: Callback, scope: Scope, receive: Receive, address: str) -> Incoming:
    """Read the call whole, or raise 413 or 408. A header given twice is one value with a comma (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    query, body = scope["query_string"].decode("latin-1"), b""
    # What is refused is kept: a stranger must not fill the store.
    room = declared.bytes_max - len(query)
    if room < 0:
        raise BodyTooLargeError
    if "content-length" in headers or "transfer-encoding" in headers:  # else there is no body (RFC 9112, 6.3)
        body = await _body(receive, room)
    return Incoming(scope["method"], scope["path"], query, headers, body, address)


async def _body(receive: Receive, bytes_max: int) -> bytes:
    body, more = b"", True
    try:
        async with asyncio.timeout(ARRIVES_WITHIN_S):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise GoneError
                body += message.get("body", b"")
                if len(body) > bytes_max:
                    raise BodyTooLargeError
                more = message.get("more_body", False)
    except TimeoutError:
        raise BodyTooSlowError(ARRIVES_WITHIN_S) from None
    return body


@lru_cache(maxsize=256)
def _headers(status: int, content_type: str, length: int) -> list[tuple[bytes, bytes]]:
    """What most partners hear is one of few answers: their headers are made once. No answer itself is kept here."""
    return Response(bytes(length), status, media_type=content_type).raw_headers
