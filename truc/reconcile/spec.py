"""What a reconciliation is, declared: its keys in order of preference, tolerances and windows; data only."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date, time
from typing import Literal

Side = Literal["core", "statement", "receipts", "remittance"]
SIDES: tuple[Side, ...] = ("core", "statement", "receipts", "remittance")
Pass = Literal[
    "exact_reference", "partner_reference", "normalised_reference", "amount_day", "batch", "settlement", "original"
]
BreakClass = Literal[
    "missing_at_partner",
    "missing_in_core",
    "amount_differs",
    "duplicate_in_core",
    "duplicate_at_partner",
    "state_differs",
    "refund_unmatched",
    "fee_differs",
    "settlement_short",
    "settlement_over",
    "receipt_missing",
    "receipt_amount_differs",
    "receipt_without_payment",
    "remittance_short",
    "remittance_over",
    "remittance_late",
    "timing",
    "ambiguous",
    "unreadable",
]


MIDNIGHT = time(0)
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOff:
    """From the day `from_on` on, an instant at `at` or later (Asia/Ho_Chi_Minh) is of the next day; midnight: never."""

    party: str
    at: time
    from_on: date = EPOCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One reconciliation of money. Amounts in whole đồng, windows in working days.

    `passes` are tried in this order, each on the rows that no earlier one placed. `tolerance_vnd` is what one pair
    may differ by, `tolerated_vnd_max` what the differences of a party's day may sum up to; above it none of that day
    is tolerated. `candidates_max` bounds what one row is compared with by amount. Raise ValueError on a bound that
    makes no sense.
    """

    name: str
    version: int
    title: str
    title_vi: str
    passes: tuple[Pass, ...] = (
        "exact_reference",
        "partner_reference",
        "normalised_reference",
        "amount_day",
        "batch",
        "settlement",
        "original",
    )
    tolerance_vnd: int = 0
    tolerated_vnd_max: int = 0
    window_days: int = 1
    remit_days: int = 1
    candidates_max: int = 200
    compared_max: int = 100  # rows of one key and side of which the best pair is looked for
    related_from: int = 6  # characters of a normalised reference from which on a part of it says something
    edits_max: int = 2  # letters that two related references of one length may differ in
    unlettered_from: int = 8  # characters that must be left of a reference without its leading letters
    cut_offs: tuple[CutOff, ...] = ()  # for rows that do not say their business day

    def __post_init__(self) -> None:
        for name in ("tolerance_vnd", "tolerated_vnd_max", "window_days", "remit_days", "edits_max"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: must not be below 0")
        for name in ("version", "candidates_max", "compared_max", "related_from", "unlettered_from"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: must not be below 1")
        if len(set(self.passes)) != len(self.passes):
            raise ValueError("passes: names one twice")
        if self.passes[:1] != ("exact_reference",):
            raise ValueError("passes: exact_reference comes first")
        if len({(one.party, one.from_on) for one in self.cut_offs}) != len(self.cut_offs):
            raise ValueError("cut_offs: names a party's day twice")

    @property
    def digest(self) -> str:
        """SHA-256 over everything declared; kept with each run."""
        said = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.sha256(said.encode()).hexdigest()
