"""Zalo's token service: every refresh token is good for one use, and only the newest access token works."""

import hmac
import json
import os
import secrets
import threading
from pathlib import Path
from urllib.parse import parse_qs

from sandbox.http import Request, Response, json_response
from sandbox.state import State

# Made up for the sandbox; no app anywhere has these.
APP_ID, SECRET_KEY = "1000000000000000001", "sandbox-zalo-app"
LIFE_S = 90_000  # 25 hours, as a public client tells (schemas/zalo/SOURCE.md)


class Oauth:
    """The tokens of one app. They are kept, so that the hub's file stays good when the stand-in starts again."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()

    def grant(self, token_file: Path) -> None:
        """Do what a person does: grant the app, and write the first refresh token where the hub looks for it."""
        with self._lock:
            if token_file.exists():
                return
            refresh_token = self._new()["refresh_token"]
        descriptor = os.open(token_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"refresh_token": refresh_token}, file)

    def renew(self, request: Request) -> Response:
        """Answer the token call. A used or unknown refresh token is refused with HTTP 200."""
        asked = {name: values[-1] for name, values in parse_qs(request.body.decode()).items()}
        if request.headers.get("secret_key") != SECRET_KEY or asked.get("app_id") != APP_ID:
            return _refused("app or secret_key")
        with self._lock:
            known = self._state.get("token", "now") or {}
            right = known.get("refresh_token", "")
            if asked.get("grant_type") != "refresh_token" or not right:
                return _refused("grant_type")
            if not hmac.compare_digest(right, asked.get("refresh_token", "")):
                return _refused("refresh_token")
            made = self._new()
        self._state.record("renewal", "token", {})
        return json_response(made | {"expires_in": str(LIFE_S)})

    def knows(self, access_token: str) -> bool:
        """Say whether this is the access token of now."""
        known = self._state.get("token", "now") or {}
        return bool(access_token) and access_token == known.get("access_token")

    def revoke(self) -> None:
        """Take the access token back; the refresh token stays."""
        with self._lock:
            known = self._state.get("token", "now") or {}
            self._state.put("token", "now", known | {"access_token": ""})

    def _new(self) -> dict[str, str]:
        made = {"access_token": secrets.token_urlsafe(40), "refresh_token": secrets.token_urlsafe(40)}
        self._state.put("token", "now", made)
        return made


def _refused(what: str) -> Response:
    # The number is the sandbox's own: Zalo's for this have not been confirmed.
    return json_response({"error": -1, "error_name": "refused by the stand-in", "error_description": what})
