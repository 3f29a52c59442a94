"""Proves that a form that comes back is one that this console showed to this user in this browser."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from fastapi import HTTPException, Request

COOKIE = "truc_form"
FIELD = "form_token"
# What a browser says of a request that another site made; one that says nothing is judged by the token alone.
ELSEWHERE = ("cross-site", "same-site")


@dataclass(frozen=True, slots=True)
class Forms:
    """Makes and checks the tokens. The token of one browser or user is of no use to another."""

    key: bytes = field(repr=False)

    def token(self, browser: str, user: str) -> str:
        """Return what a form of this user in this browser carries."""
        return hmac.new(self.key, f"form\0{browser}\0{user}".encode(), hashlib.sha256).hexdigest()

    def check(self, request: Request, user: str, given: str) -> None:
        """Raise 403 for a form that is not ours."""
        browser = request.cookies.get(COOKIE, "")
        right = hmac.compare_digest(self.token(browser, user).encode(), given.encode())
        if not browser or not right or request.headers.get("sec-fetch-site") in ELSEWHERE:
            raise HTTPException(403, "form_not_ours")


def browser_of(request: Request) -> str:
    """Return the random word of this browser: the one that it brings, else a new one."""
    return request.cookies.get(COOKIE) or secrets.token_urlsafe(32)
