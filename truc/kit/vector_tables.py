"""Checks a published table against what the hub itself holds: areas with their names, and codes of parties."""

import importlib
import pkgutil
import re
import unicodedata
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from types import ModuleType

from truc.domain import areas, postage
from truc.kit.vector_texts import named_parties
from truc.result_codes import ResultCodes

PROVINCES_OLD = 63  # before 1 July 2025
_KIND = re.compile(r"^(?:tỉnh|thành phố)\s+", re.IGNORECASE)


def is_held(partner: str, operation: str, table: Mapping[str, str]) -> bool | None:
    """Tell whether the hub holds the table; None where it holds nothing to compare with.

    Present provinces are compared with their names, those before 1 July 2025 by their codes. Of a party's codes only
    the codes are: their meanings are worded anew by whoever writes them down. A party may have several tables: one of
    them must have exactly these codes; where none has half of them, the hub does not hold this one.
    """
    if "province" in operation.casefold():
        return _are_provinces(table)
    held = [known for party in named_parties(partner) for known in _code_tables(party)]
    if table.keys() in held:
        return True
    return False if any(2 * len(known & table.keys()) >= len(table) > 0 for known in held) else None


def _are_provinces(table: Mapping[str, str]) -> bool:
    if len(table) >= PROVINCES_OLD:
        return table.keys() == postage.PRESENT_OF.keys()
    return {code: _plain(name) for code, name in table.items()} == _provinces()


def _provinces() -> dict[str, str]:
    return {area.code: _plain(area.name) for area in areas.provinces()}


def _plain(name: str) -> str:
    return _KIND.sub("", unicodedata.normalize("NFC", name)).casefold()


def _code_tables(party: str) -> Iterator[frozenset[str]]:
    """Yield the codes of every table that the party's rooms hold as data."""
    for module in _modules(party):
        for held in vars(module).values():
            table = held.meaning if isinstance(held, ResultCodes) else held
            if isinstance(table, Mapping):
                yield frozenset(map(str, table))


def _modules(party: str) -> Iterator[ModuleType]:
    """Yield the modules that may hold code tables; none of them talks to anybody."""
    for name in ("result_codes", "codes"):
        if find_spec(f"connectors.{party}.{name}") is not None:
            yield importlib.import_module(f"connectors.{party}.{name}")
    if find_spec(f"mappings.{party}") is not None:
        package = importlib.import_module(f"mappings.{party}")
        for found in pkgutil.iter_modules(package.__path__):
            yield importlib.import_module(f"mappings.{party}.{found.name}")
