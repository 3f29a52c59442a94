"""Asks MyVNPost's partner API about one order by its code (domain/partners.md 10.1)."""

import json
import threading
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from truc.connections import Connection
from truc.errors import MalformedError, RejectedError, SetupError, TransientError
from truc.manifest import Limits
from truc.transport import unknown_order
from truc.transport.rest import Rest
from truc.trust import tls

TIMEOUT_S = 15.0  # what the seen clients wait for an answer …
BODY_BYTES_MAX = 1024 * 1024  # … and take of one
CODES = ("saleOrderCode", "itemCode", "originalItemCode")
CANCELLED = frozenset({"9", "22", "29"})  # pickup cancelled, delivery cancelled, cancellation fee paid


@dataclass(slots=True)
class MyVnpost:
    """One account of MyVNPost. Its token is shared by all threads and asked for anew when it is refused."""

    rest: Rest
    prefix: str  # "" or "/customer-partner": both are seen
    customer_code: str
    username: str
    password: str = field(repr=False)
    _token: str = field(default="", repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def get_order(self, code: str) -> bytes:
        """Return what is said of an order; RejectedError ("not_found") where no order has this code and our account.

        TransientError after silence and on 429; MalformedError for an answer that is none.
        """
        body = self._asked(f"{self.prefix}/getOrder?type=1&code={quote(code, safe='')}")
        if not any(self._is_ours(one, code) for one in _results(body)):
            raise RejectedError("vnpost: MyVNPost has no order of this code and sender", reason="not_found")
        return body

    def is_cancelled(self, body: bytes, code: str) -> bool:
        """Say whether an answer of `get_order` has our order as cancelled."""
        return {str(one.get("status")) for one in _results(body) if self._is_ours(one, code)} <= CANCELLED

    def _is_ours(self, result: Any, code: str) -> bool:
        """Match on code and sender: a code alone may be another customer's."""
        if not isinstance(result, dict) or str(result.get("senderCode")) != self.customer_code:
            return False
        return code in [result.get(name) for name in CODES]

    def _asked(self, path: str) -> bytes:
        token = self._value()
        try:
            return self.rest.call("GET", path, headers=_headers(token)).body
        except SetupError as error:
            if error.reason != "unauthorised":
                raise
        return self.rest.call("GET", path, headers=_headers(self._value(refused=token))).body

    def _value(self, *, refused: str = "") -> str:
        """Return the token; how long one lives is not published, so it is used until it is refused."""
        with self._lock:
            if self._token in ("", refused):
                self._token = self._log_in()
            return self._token

    def _log_in(self) -> str:
        asked = {"username": self.username, "password": self.password, "customerCode": self.customer_code}
        path, headers = f"{self.prefix}/GetAccessToken", {"Content-Type": "application/json"}
        reply = self.rest.call("POST", path, body=json.dumps(asked).encode(), headers=headers, reads=True)
        try:
            answer = json.loads(reply.body)
            accepted, token = answer["success"], answer.get("token")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            # Without its cause, which may quote the token.
            raise TransientError("vnpost: MyVNPost's login cannot be read", reason="token_unreadable") from None
        if accepted is not True or not isinstance(token, str) or not token:
            raise SetupError("vnpost: MyVNPost refuses my_login or my_password", reason="login_refused")
        return token

    def probe(self) -> str:
        """Log in, and ask about an order that cannot exist."""
        unknown_order.is_not_found("vnpost", lambda order: self.get_order(order.our_reference))
        return "no order of a code that cannot exist"

    def close(self) -> None:
        """Close the kept connections."""
        self.rest.close()


def opened(connection: Connection, limits: Limits) -> MyVnpost:
    """Return the account of the connection's `my_…` settings, or raise SetupError naming the missing or wrong one."""
    prefix = connection.optional("my_prefix")
    if prefix and not (prefix.startswith("/") and not prefix.endswith("/")):
        raise SetupError("vnpost: my_prefix must begin with / and not end with it", reason="setting_malformed")
    # Another host than the bus: its authority is pinned by a setting of its own, and no certificate is shown to it.
    trust = Connection(connection.party, {"ca_file": connection.optional("my_ca_file")})
    pressed = replace(
        limits,
        timeout_s=min(limits.timeout_s, TIMEOUT_S),
        body_bytes_max=min(limits.body_bytes_max, BODY_BYTES_MAX),
    )
    return MyVnpost(
        rest=Rest(connection.party, connection.required("my_host"), pressed, tls=tls.context(trust)),
        prefix=prefix,
        customer_code=connection.required("customer_code"),
        username=connection.required("my_login"),
        password=connection.required("my_password"),
    )


def _headers(token: str) -> dict[str, str]:
    return {"token": token, "Accept": "application/json"}


def text_of(body: bytes) -> str:
    """Return the answer as text; UnicodeDecodeError, a ValueError, for bytes that are none."""
    return body.decode("utf-8-sig")


def _results(body: bytes) -> list[Any]:
    """Return `results` of an object, or of a list of one."""
    try:
        value = json.loads(text_of(body))
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, list) and len(value) == 1:
        [value] = value
    results = value.get("results") if isinstance(value, dict) else None
    if not isinstance(results, list):
        raise MalformedError("vnpost: MyVNPost's answer holds no results", reason="answer_unreadable")
    return results
