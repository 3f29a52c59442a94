"""Who comes to a page, what he may do there, and what he brings: every route asks here before it does anything."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Depends, HTTPException, Request
from starlette.datastructures import UploadFile

from truc.console import forms, language
from truc.console.forms import Forms
from truc.console.gate import Gate, User
from truc.console.language import Language
from truc.domain.calendar import local_day
from truc.reconcile.work.attached import BODY_BYTES_MAX
from truc.reconcile.work.roles import Deed
from truc.store.opened import Store, as_storable

FORM_BYTES_MAX = BODY_BYTES_MAX + 256 * 1024
ARRIVES_WITHIN_S = 60.0
FIELDS_MAX = 1_200  # a page of breaks ticked for one assignment, with room
FIELD_BYTES_MAX = 64 * 1024
NUMBER_MAX = 2**31 - 1  # of what an address names by number: PostgreSQL's integer ends there


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the pages work with. `signer` is the hub's key, which seals a day that is signed without a run."""

    store: Store
    gate: Gate
    forms: Forms
    signer: Ed25519PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of a user who is known. `browser` is the random word that his forms are bound to."""

    request: Request
    desk: Desk
    user: User
    language: Language
    browser: str

    def may(self, deed: str) -> bool:
        """Whether one of the user's roles allows it."""
        return self.user.actor.may(Deed(deed))

    def text(self, vi: str, en: str) -> str:
        """Choose between two wordings."""
        return en if self.language == Language.EN else vi

    def path(self, path: str) -> str:
        """Return the address of a page of the console, wherever it is mounted."""
        return f"{self.request.scope.get('root_path', '')}{path}"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a form."""

    name: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A form that is ours, of a user who may do what it asks."""

    visit: Visit
    fields: Mapping[str, list[str]]
    upload: Upload | None

    def one(self, name: str) -> str:
        """Return a field's text without white space around it, "" where it is absent."""
        return self.fields.get(name, [""])[0].strip()

    def every(self, name: str) -> list[str]:
        """Return every value of a field that is ticked many times."""
        return self.fields.get(name, [])


async def _known(request: Request) -> Visit:
    """Let in who is logged in, for what says nothing: the style and the icon."""
    desk: Desk = request.app.state.desk
    user = await desk.gate.user(request)
    if user is None:
        raise HTTPException(401, "stranger")
    visit = Visit(
        request=request, desk=desk, user=user, language=language.chosen(request), browser=forms.browser_of(request)
    )
    request.state.visit = visit
    if "\0" in request.scope["path"] or any("\0" in value for _, value in request.query_params.multi_items()):
        raise HTTPException(422, "bad_request")  # PostgreSQL holds no such text
    return visit


Known = Annotated[Visit, Depends(_known)]


def _reader(visit: Known) -> Visit:
    if not visit.may(Deed.READ):
        raise HTTPException(403, "no_role")
    return visit


Reader = Annotated[Visit, Depends(_reader)]


def filing(deed: Deed) -> Callable[[Request, Visit], Awaitable[Filed]]:
    """Return the dependency of a route that does `deed`: the form, once it is known to be ours and allowed."""

    async def filed(request: Request, visit: Reader) -> Filed:
        if not visit.may(deed):
            raise HTTPException(403, "role_missing")
        try:
            async with asyncio.timeout(ARRIVES_WITHIN_S):
                fields, upload = await _read(request)
        except TimeoutError:
            raise HTTPException(408, "too_slow", {"connection": "close"}) from None
        visit.desk.forms.check(request, visit.user.actor.name, fields.get(forms.FIELD, [""])[0])
        return Filed(visit=visit, fields=fields, upload=upload)

    return filed


async def _read(request: Request) -> tuple[dict[str, list[str]], Upload | None]:
    """Read the form. A server lets no more come than is declared, so what is declared is what is limited."""
    declared = request.headers.get("content-length", "")
    if not declared.isdigit() or int(declared) > FORM_BYTES_MAX:
        raise HTTPException(413, "body_too_large", {"connection": "close"})
    fields: dict[str, list[str]] = {}
    upload: Upload | None = None
    async with request.form(max_files=1, max_fields=FIELDS_MAX, max_part_size=FIELD_BYTES_MAX) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                upload = Upload(value.filename or "", await value.read())
            else:
                fields.setdefault(name, []).append(as_storable(value))
    return fields, upload


def back_path(request: Request) -> str:
    """Return the path and query of this request, for a return after the login."""
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")


def today() -> date:
    """Return the day in Vietnam, to which ages are counted."""
    return local_day(datetime.now(UTC))
