"""Where an agency's money goes and under which code: the agreed terms of remittance, each with the days it holds.

No code is shipped: chapters and sub-items are those of the State Treasury's catalogue (Circular 324/2016/TT-BTC,
partners.md §11.1), and which of them a province uses for which money is the province's to say.
"""

import tomllib
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from itertools import pairwise
from typing import Any, Literal, TypeVar, get_args

from truc.domain.payment_kinds import KINDS
from truc.domain.text import storable
from truc.errors import SetupError

Bearer = Literal["agency", "province"]
TEXT_MAX = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An agency's account at the State Treasury. `party` takes the orders, `paid_from` is the bank that pays them."""

    agency_code: str
    beneficiary: str
    treasury: str  # the office that keeps the account, as the treasury names it
    account: str
    chapter: str  # chương: three digits
    party: str
    paid_from: str
    valid_from: date
    valid_to: date | None = None  # last day it holds; None = still


@dataclass(frozen=True, slots=True, kw_only=True)
class SubItem:
    """Under which sub-item (tiểu mục, four digits) a kind of payment is remitted; `agency_code` "" is every agency."""

    kind: str
    sub_item: str
    agency_code: str = ""
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRule:
    """Who bears what a party keeps for its service: the agency gets less, or the province pays it apart."""

    party: str
    borne_by: Bearer
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """A party whose statement is that of an account of our own."""

    party: str
    valid_from: date
    valid_to: date | None = None


Dated = TypeVar("Dated", Account, SubItem, FeeRule, Bank)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """All that was agreed. Of each thing at most one row holds on a day; raises SetupError "terms_overlap"."""

    accounts: tuple[Account, ...] = ()
    sub_items: tuple[SubItem, ...] = ()
    fees: tuple[FeeRule, ...] = ()
    banks: tuple[Bank, ...] = ()

    def __post_init__(self) -> None:
        _refuse_overlap(self.accounts, lambda one: one.agency_code)
        _refuse_overlap(self.sub_items, lambda one: (one.kind, one.agency_code))
        _refuse_overlap(self.fees, lambda one: one.party)
        _refuse_overlap(self.banks, lambda one: one.party)

    @property
    def agencies(self) -> frozenset[str]:
        """The agencies that have, or had, an account at the treasury."""
        return frozenset(one.agency_code for one in self.accounts)

    def account(self, agency_code: str, day: date) -> Account | None:
        """Return where the agency's money goes on that day, None where nothing is agreed."""
        return _holding([one for one in self.accounts if one.agency_code == agency_code], day)

    def sub_item(self, kind: str, agency_code: str, day: date) -> str | None:
        """Return the code of the agency's own row before that of all agencies, None where there is none."""
        of_kind = [one for one in self.sub_items if one.kind == kind]
        for whose in (agency_code, ""):
            found = _holding([one for one in of_kind if one.agency_code == whose], day)
            if found is not None:
                return found.sub_item
        return None

    def fee_bearer(self, party: str, day: date) -> Bearer | None:
        """Return who bears the party's fees on that day, None where nothing is agreed."""
        found = _holding([one for one in self.fees if one.party == party], day)
        return None if found is None else found.borne_by

    def is_bank(self, party: str, day: date) -> bool:
        """Tell whether the party's statement of that day is of an account of ours."""
        return _holding([one for one in self.banks if one.party == party], day) is not None


def read(text: str) -> Terms:
    """Return the terms of a TOML text: tables `account`, `sub_item`, `fee`, `bank`, with the fields of the classes.

    Raise SetupError "terms_malformed" that names the row and the field.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _malformed(f"no TOML: {error}") from error
    if unknown := sorted(set(given) - {"account", "sub_item", "fee", "bank"}):
        raise _malformed(f"{unknown[0]}: no such table; there are account, sub_item, fee and bank")
    return Terms(
        accounts=_rows(given, "account", Account),
        sub_items=_rows(given, "sub_item", SubItem),
        fees=_rows(given, "fee", FeeRule),
        banks=_rows(given, "bank", Bank),
    )


def _rows(given: dict[str, Any], table: str, kind: type[Dated]) -> tuple[Dated, ...]:
    rows = given.get(table, [])
    if not isinstance(rows, list):
        raise _malformed(f"{table}: write [[{table}]], once for each row")
    return tuple(_row(f"{table} {number}", row, kind) for number, row in enumerate(rows, start=1))


def _row(where: str, row: dict[str, Any], kind: type[Dated]) -> Dated:
    known = {one.name for one in fields(kind)}
    if unknown := sorted(set(row) - known):
        raise _malformed(f"{where}: no field {unknown[0]!r}; there are {', '.join(sorted(known))}")
    for name, value in row.items():
        _refuse_value(f"{where}: {name}", name, value)
    try:
        made = kind(**row)
    except TypeError as error:
        raise _malformed(f"{where}: {error}") from error
    if made.valid_to is not None and made.valid_to < made.valid_from:
        raise _malformed(f"{where}: valid_to is before valid_from")
    return made


def _refuse_value(where: str, name: str, value: object) -> None:
    if name in ("valid_from", "valid_to"):
        if type(value) is not date:
            raise _malformed(f"{where}: write a day, such as 2026-01-01, without quotes")
        return
    if not isinstance(value, str) or not storable(value) or not value.isprintable() or len(value) > TEXT_MAX:
        raise _malformed(f"{where}: a text of at most {TEXT_MAX} printable characters")
    if not value.strip() and name != "agency_code":
        raise _malformed(f"{where}: is empty")
    digits = {"chapter": 3, "sub_item": 4}.get(name)
    if digits and not (value.isascii() and value.isdigit() and len(value) == digits):
        raise _malformed(f"{where}: {digits} digits in quotes")
    known = {"kind": KINDS, "borne_by": get_args(Bearer)}.get(name)
    if known and value not in known:
        raise _malformed(f"{where}: one of {', '.join(known)}")


def _holding(rows: Sequence[Dated], day: date) -> Dated | None:
    return next((one for one in rows if one.valid_from <= day and (one.valid_to is None or day <= one.valid_to)), None)


def _refuse_overlap(rows: Iterable[Dated], key: Callable[[Dated], Hashable]) -> None:
    by_key: dict[Hashable, list[Dated]] = {}
    for one in rows:
        by_key.setdefault(key(one), []).append(one)
    for name, those in by_key.items():
        for one, after in pairwise(sorted(those, key=lambda row: row.valid_from)):
            if one.valid_to is None or one.valid_to >= after.valid_from:
                text = f"{name}: two rows hold on {after.valid_from}: end the first with valid_to"
                raise SetupError(text, reason="terms_overlap")


def _malformed(text: str) -> SetupError:
    return SetupError(f"terms of remittance: {text}", reason="terms_malformed")
