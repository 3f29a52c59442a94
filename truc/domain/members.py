"""Reads the members of a JSON object, or of a form read into one, as partners write them."""

import json
from collections.abc import Mapping
from typing import Any

from truc.domain.text import storable
from truc.errors import MalformedError


def json_object(body: bytes | str) -> dict[str, Any]:
    """Return a JSON object, its numbers as the text they came with; MalformedError for anything else."""
    try:
        value = json.loads(body, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise MalformedError("not JSON", reason="not_json") from error
    if not isinstance(value, dict):
        raise MalformedError("not a JSON object", reason="not_an_object")
    return value


def text(said: Mapping[str, Any], name: str) -> str:
    """Return a text that is not empty and can be kept, or raise MalformedError."""
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise MalformedError(f"{name} must be a text that is not empty", reason="field_malformed")
    if not storable(value):
        raise MalformedError(f"{name} holds NUL or half a character", reason="text_not_storable")
    return value


def optional(said: Mapping[str, Any], name: str) -> str:
    """Return a text that can be kept, "" where the party gives none; MalformedError for what is no text."""
    return "" if said.get(name) in (None, "") else text(said, name)
