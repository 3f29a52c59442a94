"""Reads a JSON object of the payment platform with every number in the digits it came with, for its digest's sake."""

import json
from typing import Any, NoReturn

from truc.errors import MalformedError

PARTY = "national_payment"


def json_object(body: bytes) -> dict[str, Any]:
    """Return the object, its numbers as text; MalformedError for anything else, or for a name given twice."""
    try:
        found = json.loads(
            body.decode(), parse_int=str, parse_float=str, parse_constant=_no_constant, object_pairs_hook=_once
        )
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"{PARTY}: not JSON, or a name appears twice", reason="not_json") from error
    if not isinstance(found, dict):
        raise MalformedError(f"{PARTY}: not a JSON object", reason="not_an_object")
    return found


def texts(body: bytes) -> dict[str, str]:
    """Return the texts and numbers of the object as text; null is an empty one, whatever else it holds is left out."""
    found = json_object(body)
    return {name: value or "" for name, value in found.items() if value is None or isinstance(value, str)}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name given twice could be verified with one value and read with the other."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name appears twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
