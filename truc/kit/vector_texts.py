"""Rebuilds the text of a vector from its fields: by the rows of the party's connector, else by the shapes in use."""

import importlib
import itertools
import re
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from urllib.parse import unquote_plus

from truc import parties
from truc.errors import TrucError
from truc.trust.signing import Profile, text_to_sign

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
TELLING = 4  # characters; a shorter value stands in many texts by accident


def differing(partner: str, fields: Mapping[str, str], text: str, key: str) -> str:
    """Return how `text` differs from every text that the fields make; "" where one is the same, or it holds others."""
    for made in texts(partner, fields, key, like=text):
        if text in (made, made.removeprefix(key), made.removesuffix(key), made.removesuffix(f"|{key}")):
            return ""
    return _contradiction(fields, text)


def texts(partner: str, fields: Mapping[str, str], key: str, *, like: str = "") -> Iterator[str]:
    """Yield what the rows of the party's connector, then the shapes in use among partners, make of the fields."""
    for profile in itertools.chain(rows(partner), _shapes(fields, like)):
        with suppress(TrucError):  # the row of another message, with fields that are not here
            yield text_to_sign(profile, fields, secret=key or "no secret").decode()


def rows(partner: str) -> Iterator[Profile]:
    """Yield the rows of `connectors.<party>.signatures` for the party that a vector's partner names, if any."""
    for party in named_parties(partner):
        if find_spec(f"connectors.{party}.signatures") is not None:
            module = importlib.import_module(f"connectors.{party}.signatures")
            yield from (one for one in vars(module).values() if isinstance(one, Profile))


def named_parties(partner: str) -> tuple[str, ...]:
    """Return the parties whose name stands in the partner's («MyVNPost» → vnpost)."""
    plain = re.sub(r"[^a-z0-9]", "", partner.casefold())
    return tuple(party for party in parties.names() if party.replace("_", "") in plain)


def _contradiction(fields: Mapping[str, str], text: str) -> str:
    """Return how a text that is not made of all fields contradicts them; "" where it may hold more, or is of others.

    A text of pairs names its fields. A text of values with a telling one of ours must be a row of ours.
    """
    if pairs := _pairs(text):
        absent = [name for name, value in pairs.items() if name in fields and not _same(fields[name], value)]
        whole = pairs.keys() <= fields.keys()
    else:
        whole = any(len(value) >= TELLING and value in text for value in fields.values())
        whole = whole and not _is_row(text, {*fields.values(), "|", "&", " "} - {""})
        absent = [name for name, value in fields.items() if whole and value not in text]
    if absent:
        return f"without the value of {', '.join(absent)}"
    return "made of its inputs in no order and shape that is known" if whole else ""


def _is_row(text: str, values: Set[str]) -> bool:
    """Tell whether the text is nothing but some of the values, one after another."""
    reached = {0}
    for place in range(len(text)):
        if place in reached:
            reached |= {place + len(value) for value in values if text.startswith(value, place)}
    return len(text) in reached


def _shapes(fields: Mapping[str, str], text: str) -> Iterator[Profile]:
    orders = {tuple(fields), tuple(sorted(fields)), tuple(name for name in _pairs(text) if name in fields)} - {()}
    for names in orders:
        row = Profile(names=names)
        for pairs in (row, replace(row, encoding="form")):
            yield from (pairs, replace(pairs, empties="left_out"))
        for separator in ("|", "", " ", "&"):
            values = replace(row, parts="value", separator=separator)
            yield from (values, replace(values, empties="left_out"))


def _pairs(text: str) -> dict[str, str]:
    """Return the fields of a text of `name=value` joined by `&`, nothing for a text of another shape."""
    found = [one.partition("=") for one in text.split("&")]
    return {name: value for name, _, value in found} if all(NAME.fullmatch(n) and eq for n, eq, _ in found) else {}


def _same(field: str, value: str) -> bool:
    return field in (value, unquote_plus(value))
