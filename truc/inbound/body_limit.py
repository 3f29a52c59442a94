"""Refuses a body over the limit while it arrives, before it fills the memory."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyTooLargeError(HTTPException):
    """More bytes came than the gateway takes: 413, and the connection ends, so that the rest is never read."""

    def __init__(self) -> None:
        super().__init__(413, "body_too_large", {"connection": "close"})


class BodyLimit:
    """ASGI middleware: 413 as soon as the declared or the counted size passes `bytes_max`."""

    def __init__(self, app: ASGIApp, bytes_max: int) -> None:
        self._app = app
        self._bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, counting what it sends."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._bytes_max:
            await _answer_413(send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._bytes_max:
                # Answered by the application, as every HTTPException is: it has not begun to answer yet.
                raise BodyTooLargeError
            return message

        await self._app(scope, counted, send)


async def _answer_413(send: Send) -> None:
    body = b'{"detail":"body_too_large"}'
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
