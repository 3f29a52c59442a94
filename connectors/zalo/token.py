"""The OAuth token of one Official Account: its refresh token is good for one use, so it is rotated by one at a time.

What comes back is on the disk before it is used (setting `token_file`); a person writes the first one.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from connectors.zalo import token_file
from connectors.zalo.token_file import Kept, token_text
from truc.errors import MalformedError, RejectedError, SetupError, TransientError
from truc.transport.rest import Rest

PATH = "/v4/oa/access_token"
MARGIN = timedelta(minutes=5)  # a token about to end is not worth starting a call with
LIFE_UNSAID_S = 900  # RFC 6749 section 5.1: expires_in may be left out
LIFE_MAX_S = 366 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """The token of one app for one Official Account, shared by all threads and processes that share the file."""

    rest: Rest
    path: Path
    app_id: str
    secret_key: str = field(repr=False)
    wait_s: float

    def value(self) -> str:
        """Return an access token that is good for a call; a new one where the kept one is over.

        SetupError `token_refused` when a person must grant anew; TransientError while another holds the lock, or when
        no answer came: the next try asks with the same refresh token, as there is no other.
        """
        with token_file.alone(self.path, self.wait_s):
            kept = token_file.read(self.path)
            if kept.access_token and datetime.now(UTC) < kept.ends_at - MARGIN:
                return kept.access_token
            renewed = self._renewed(kept.refresh_token)
            token_file.write(self.path, renewed)
            return renewed.access_token

    def forget(self, refused: str) -> None:
        """Forget the access token that was turned down, where it is still the kept one."""
        with token_file.alone(self.path, self.wait_s):
            kept = token_file.read(self.path)
            if kept.access_token == refused:
                token_file.write(self.path, Kept(refresh_token=kept.refresh_token))

    def _renewed(self, refresh_token: str) -> Kept:
        asked = {"app_id": self.app_id, "grant_type": "refresh_token", "refresh_token": refresh_token}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "secret_key": self.secret_key}
        try:
            # `reads`: the message waits behind it, and nothing has happened to that.
            reply = self.rest.call("POST", PATH, body=urlencode(asked).encode(), headers=headers, reads=True)
            answer = json.loads(reply.body)
        except RejectedError as error:
            raise _refused(error.code) from error
        except (MalformedError, ValueError, RecursionError):
            raise _unreadable() from None  # without its cause, which may quote the token
        return _said(answer)


def _said(answer: Any) -> Kept:
    """Read {access_token, refresh_token, expires_in: seconds, as number or text}, or {error, …}."""
    if isinstance(answer, dict) and answer.get("error"):
        raise _refused(str(answer["error"])[:20])
    try:
        life_s = min(int(answer.get("expires_in", LIFE_UNSAID_S)), LIFE_MAX_S)
        return Kept(
            access_token=token_text(answer["access_token"]),
            refresh_token=token_text(answer["refresh_token"]),
            ends_at=datetime.now(UTC) + timedelta(seconds=life_s),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise _unreadable() from None


def _refused(code: str) -> SetupError:
    text = f"zalo: the refresh token is refused ({code}): grant the app anew and write token_file"
    return SetupError(text, reason="token_refused")


def _unreadable() -> TransientError:
    return TransientError("zalo: the token answer cannot be read", reason="token_unreadable")
