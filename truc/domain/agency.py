"""An agency with the dates it holds; districts were closed on 30 June 2025 and live on in old dossiers."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

AgencyKind = Literal["province", "department", "district", "commune"]


@dataclass(frozen=True)
class Agency:
    """`level` is the depth of its identifier (1 = province). `successor` answers for its open dossiers."""

    code: str
    name: str
    kind: AgencyKind
    level: int
    parent: str
    valid_from: date
    valid_to: date | None = None  # last day it held; None = still there
    successor: str = ""
    old_code: str = ""  # QCVN 102:2016 order, "" where the old form had none
    area_code: str = ""
    code_source: str = ""

    def holds_on(self, day: date) -> bool:
        """Whether the agency exists on that day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)
