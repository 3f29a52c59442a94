"""Refuses a body over the limit while it arrives, before it fills the memory, and one that comes too slowly."""

import asyncio
import json

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ARRIVES_WITHIN_S = 30.0
TOO_LARGE = {"reason": "body_too_large", "error": "the body is over the limit of this address"}


class BodyTooLargeError(HTTPException):
    """More bytes came than the gateway takes: 413, and the connection ends, so that the rest is never read."""

    def __init__(self) -> None:
        super().__init__(413, TOO_LARGE, {"connection": "close"})


class BodyTooSlowError(HTTPException):
    """The body was not there in time: 408, and the connection ends."""

    def __init__(self, within_s: float) -> None:
        detail = {"reason": "too_slow", "error": f"the body must arrive within {within_s:g} s"}
        super().__init__(408, detail, {"connection": "close"})


class BodyLimit:
    """ASGI middleware: 413 as soon as the declared or the counted size passes `bytes_max`, 408 after `within_s`."""

    def __init__(self, app: ASGIApp, bytes_max: int, within_s: float = ARRIVES_WITHIN_S) -> None:
        self._app = app
        self._bytes_max = bytes_max
        self._within_s = within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, counting what it sends and for how long."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._bytes_max:
            await _answer_413(send)
            return
        size, whole, until = 0, False, asyncio.get_running_loop().time() + self._within_s

        async def counted() -> Message:
            nonlocal size, whole
            if whole:  # what comes now is the end of the connection, however late
                return await receive()
            message = await self._in_time(receive, until)
            whole = not message.get("more_body", False)
            size += len(message.get("body", b""))
            if size > self._bytes_max:
                # Answered by the application, as every HTTPException is: it has not begun to answer yet.
                raise BodyTooLargeError
            return message

        await self._app(scope, counted, send)

    async def _in_time(self, receive: Receive, until: float) -> Message:
        try:
            async with asyncio.timeout_at(until):
                return await receive()
        except TimeoutError:
            raise BodyTooSlowError(self._within_s) from None


async def _answer_413(send: Send) -> None:
    body = json.dumps({"detail": TOO_LARGE}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
