"""Says what went wrong in one form, {"detail": {"reason", "error"}}, and never repeats what was sent."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from truc.inbound.forms import told

log = logging.getLogger(__name__)

AGAIN_AFTER_S = 5
REASONS = {400: "unreadable", 404: "unknown", 405: "method_not_allowed", 408: "too_slow", 413: "body_too_large"}


class Reason(BaseModel):
    """Why a call was not carried out: a stable word for programs, a text for people."""

    reason: str = Field(examples=["unknown_procedure"])
    error: str = Field(examples=["procedure_code: no procedure '9.999999' is in force"])


class Problem(BaseModel):
    """The body of every answer that is no success."""

    detail: Reason


def answers(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI tells of these answers."""
    return {code: {"model": Problem, "description": MEANINGS[code]} for code in codes}


MEANINGS = {
    400: "The body cannot be read at all (`unreadable`).",
    401: "No key, or one that nobody has (`key_wrong`).",
    403: "The key lacks the scope that the text names (`scope_missing`).",
    404: "Nothing of this name is here (`unknown`).",
    408: "The body came too slowly (`too_slow`).",
    413: "The body is over the limit (`body_too_large`).",
    422: "The call cannot be carried out as it is; nothing changed. `reason` says why.",
    503: "The store does not answer; nothing is known of this call, so repeat it (`store_away`).",
}


async def _of_http(_request: Request, error: HTTPException) -> Response:
    # A plain text is Starlette's own, as for a path that nobody serves.
    plain = {"reason": REASONS.get(error.status_code, "refused"), "error": str(error.detail)}
    detail = error.detail if isinstance(error.detail, Mapping) else plain
    return JSONResponse({"detail": detail}, error.status_code, error.headers)


async def _of_form(_request: Request, error: RequestValidationError) -> Response:
    """The body holds personal data and may not be JSON at all: field and fix are told, nothing of it is repeated."""
    return JSONResponse({"detail": {"reason": "malformed", "error": told(error.errors())}}, 422)


async def _of_store(request: Request, error: Exception) -> Response:
    """No traceback: it shows the statement."""
    log.error(
        "%s: the store does not answer (%s)", getattr(request.scope.get("route"), "path", ""), type(error).__name__
    )
    detail = {"reason": "store_away", "error": "the store does not answer; repeat the call"}
    return JSONResponse({"detail": detail}, 503, {"Retry-After": str(AGAIN_AFTER_S)})


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Any]] = {
    HTTPException: _of_http,
    RequestValidationError: _of_form,
    OperationalError: _of_store,
    InterfaceError: _of_store,
    PoolTimeoutError: _of_store,
}
