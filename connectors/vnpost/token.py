"""The OAuth2 token of one account: asked for once, shared by all threads, renewed before it ends or when refused."""

import base64
import json
import threading
import time
from dataclasses import dataclass, field

from truc.errors import MalformedError, TransientError
from truc.transport.rest import Rest

MARGIN_S = 30.0  # a token about to end is not worth starting a call with
LIFE_UNSAID_S = 300.0  # RFC 6749 section 5.1: expires_in may be left out


@dataclass(slots=True)
class Token:
    """A client-credentials token (RFC 6749 section 4.4), never printed."""

    rest: Rest
    path: str
    client_id: str
    client_secret: str = field(repr=False)
    _value: str = field(default="", repr=False)
    _ends_at_s: float = 0.0  # on the monotonic clock
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def value(self, *, refused: str = "") -> str:
        """Return a token still good for a call. `refused` names one the partner has just turned down."""
        with self._lock:
            if not self._value or self._value == refused or time.monotonic() >= self._ends_at_s:
                self._renew()
            return self._value

    def _renew(self) -> None:
        basic = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        headers = {
            "Authorization": f"Basic {basic}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        try:
            reply = self.rest.call(
                "POST", self.path, body=b"grant_type=client_credentials", headers=headers, reads=True
            )
            answer = json.loads(reply.body)
            value, life_s = str(answer["access_token"]), float(answer.get("expires_in", LIFE_UNSAID_S))
        except (MalformedError, ValueError, KeyError, TypeError, AttributeError):
            # Without its cause, which may quote the token.
            raise TransientError("vnpost: the token answer cannot be read", reason="token_unreadable") from None
        self._value, self._ends_at_s = value, time.monotonic() + life_s - MARGIN_S
