"""Turns away a call of the internal API that has no client's key, before a byte of its body is read."""

from pathlib import Path

from fastapi import HTTPException
from fastapi.security.utils import get_authorization_scheme_param
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from truc.inbound import clients

PREFIX = "/internal/"
KEY_WRONG = {"reason": "key_wrong", "error": "send the client's key as `Authorization: Bearer KEY`"}


class KeyWrongError(HTTPException):
    """No key, or one that nobody has: 401, and the connection ends, so that the body is never read."""

    def __init__(self) -> None:
        super().__init__(401, KEY_WRONG, {"WWW-Authenticate": "Bearer", "connection": "close"})


class Keyed:
    """ASGI middleware: 401 for what goes to /internal/ without a key that `secrets` knows. Routes look at scopes.

    FastAPI reads and parses a body before it asks who is calling: that is work for clients alone.
    """

    def __init__(self, app: ASGIApp, secrets: Path) -> None:
        self._app = app
        self._secrets = secrets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call of a client on."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX) or self._is_client(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        error = KeyWrongError()
        await JSONResponse({"detail": error.detail}, error.status_code, error.headers)(scope, receive, send)

    def _is_client(self, headers: Headers) -> bool:
        scheme, key = get_authorization_scheme_param(headers.get("authorization"))
        return scheme.lower() == "bearer" and clients.client_of(self._secrets, key) is not None
