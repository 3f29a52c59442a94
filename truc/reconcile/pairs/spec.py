"""What a reconciliation of two lists that are no money is, declared: its key, what is compared and in what order."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Literal

PairSide = Literal["core", "partner"]
PAIR_SIDES: tuple[PairSide, ...] = ("core", "partner")
PairClass = Literal[
    "missing_at_partner",
    "missing_in_core",
    "duplicate_in_core",
    "duplicate_at_partner",
    "state_differs",
    "stale",
    "fee_differs",
    "text_differs",
    "timing",
    "unreadable",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class InOrder:
    """A state that moves on: the same on both sides, or the side with the older word is behind.

    Which word is older, the `number` of the change tells where both sides have one (1 and up), else `changed_at` in
    whole seconds. `again`: states a row may come back to; the same one of an older change is no agreement. `alike`:
    (ours, theirs), different words for one standing. `unasked`: states in which the partner need not know the row,
    and no fee is owed.
    """

    column: str
    states: tuple[str, ...]
    changed_at: str = ""
    number: str = ""
    again: tuple[str, ...] = ()
    alike: tuple[tuple[str, str], ...] = ()
    unasked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SameVnd:
    """A fee in whole đồng, equal on both sides."""

    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SameText:
    """A text, equal on both sides to the letter."""

    column: str


Compared = InOrder | SameVnd | SameText


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a class means for these two lists, in both languages."""

    break_class: PairClass
    vi: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSpec:
    """One reconciliation of two lists: `key` names a row, the first of `compared` that differs is its class.

    Coverage is told for each value of `covered_by` (texts) and each month of `month_of` (a day, "" for none). What
    changed less than `window_s` before the lists were written is not late yet. Raise ValueError on what makes no sense.
    """

    name: str
    version: int
    title: str
    title_vi: str
    key: tuple[str, ...]
    compared: tuple[Compared, ...]
    covered_by: tuple[str, ...] = ()
    month_of: str = ""
    window_s: int = 0
    compared_max: int = 100  # equally late rows of one key and side among which the best pair is looked for
    words: tuple[Said, ...] = ()

    def __post_init__(self) -> None:
        if not self.key:
            raise ValueError("key: at least one column names a row")
        if self.version < 1 or self.compared_max < 1 or self.window_s < 0:
            raise ValueError("version and compared_max begin at 1, window_s at 0")
        for kind in (InOrder, SameVnd):
            if sum(isinstance(one, kind) for one in self.compared) > 1:
                raise ValueError(f"compared: more than one {kind.__name__}")
        for named in ((*self.key, *(one.column for one in self.compared)), (*self.key, *self.covered_by)):
            if len(set(named)) != len(named):
                raise ValueError(f"a column has two parts to play: {', '.join(named)}")

    @property
    def state(self) -> InOrder | None:
        """The state that is compared, if one is."""
        return next((one for one in self.compared if isinstance(one, InOrder)), None)

    @property
    def fee(self) -> SameVnd | None:
        """The fee that is compared, if one is."""
        return next((one for one in self.compared if isinstance(one, SameVnd)), None)

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns of texts that are compared, in their order."""
        return tuple(one.column for one in self.compared if isinstance(one, SameText))

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that both lists must have."""
        return self.key if self.state is None else (*self.key, self.state.column)

    def narrowed(self, columns: Collection[str]) -> "PairSpec":
        """Return the spec that compares, of these texts and fees, only what is in `columns`."""
        kept = tuple(one for one in self.compared if isinstance(one, InOrder) or one.column in columns)
        return replace(self, compared=kept)

    @property
    def digest(self) -> str:
        """SHA-256 over everything declared; kept with each run."""
        told = asdict(self) | {"kinds": [type(one).__name__ for one in self.compared]}
        return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
