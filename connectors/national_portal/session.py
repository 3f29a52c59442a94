"""The one login session of a client, shared by its threads: one login at a time, never logged."""

import json
import threading
import time
from dataclasses import dataclass, field

from connectors.national_portal.codes import Result, read_answer
from truc.errors import MalformedError, RejectedError, SetupError, TransientError
from truc.transport.rest import Reply, Rest

HEADERS = {"Accept": "application/json", "Content-Type": "application/json", "Charset": "utf-8"}


@dataclass(frozen=True, slots=True)
class Account:
    """Who logs in, and where. Printing it shows no secret."""

    path: str
    login: str
    password: str = field(repr=False)
    dstcode: str


class Session:
    """Gives the session word to whoever calls, and gets a new one when it is old or was refused."""

    def __init__(self, rest: Rest, account: Account, *, max_age_s: float) -> None:
        self._rest = rest
        self._account = account
        self._max_age_s = max_age_s
        self._lock = threading.Lock()
        self._word = ""
        self._old_at = 0.0

    def word(self) -> str:
        """Return the session, after a login where there is none or it is past its age.

        Raises SetupError when the portal refuses the credentials, TransientError when it cannot be
        asked: a login has no effect, so whatever waits behind it has not happened either.
        """
        with self._lock:
            if not self._word or time.monotonic() >= self._old_at:
                self._log_in()
            return self._word

    def renewed(self, refused: str) -> str:
        """Return a session other than `refused`; logs in only if no other thread has done so already."""
        with self._lock:
            if self._word == refused:
                self._log_in()
            return self._word

    def _log_in(self) -> None:
        self._word = ""
        try:
            answer = read_answer(self._ask().body)
        except MalformedError as error:
            raise TransientError("national_portal: login answer unreadable", reason=error.reason) from error
        word = answer.value.get("session")
        if answer.result is not Result.OK or not isinstance(word, str) or not word:
            raise SetupError(
                f"national_portal: login refused with error_code {answer.code}: check login, password and dstcode",
                reason="login_refused",
            )
        self._word, self._old_at = word, time.monotonic() + self._max_age_s

    def _ask(self) -> Reply:
        account = self._account
        body = json.dumps({"username": account.login, "password": account.password}, ensure_ascii=False)
        headers = HEADERS | {"dstcode": account.dstcode}
        try:
            return self._rest.call("POST", account.path, body=body.encode(), headers=headers, reads=True)
        except RejectedError as error:
            raise SetupError(
                f"national_portal: login answered HTTP {error.code}: check host and auth_endpoint",
                reason="login_refused",
            ) from error
