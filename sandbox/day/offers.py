"""What a citizen can ask for on a day: procedures by how often they are asked for, and who takes them."""

import random
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from truc.domain.agency import Agency
from truc.domain.procedure import Procedure
from truc.domain.time_limit import Unit
from truc.reference.reading import read_agencies, read_procedures

# Ours: no source publishes counts per procedure. Certified copies, civil status and residence make up most
# of a commune's day; land and criminal records most of the province's. Every other procedure weighs 1.
OFTEN = {
    "2.000815": 110, "2.000884": 40, "2.000635": 40, "1.004873": 25, "1.001193": 16, "1.000656": 8, "1.000894": 8,
    "1.004194": 24, "1.004222": 22, "1.010041": 12, "1.002755": 10, "2.001159": 10, "1.010038": 6,
    "3.000333": 14, "1.001456": 12, "3.000346": 14, "2.000200": 10,
    "1.012783": 8, "1.013831": 10, "1.013833": 8, "1.011441": 12, "1.011443": 10, "1.012789": 6,
    "1.001612": 10, "2.000720": 6,
}  # fmt: skip
COMMUNES = {"phường": 4, "xã": 2}  # the islands of Trường Sa weigh less than 1


@dataclass(frozen=True, slots=True)
class Offer:
    """One procedure at one agency through one channel."""

    procedure: Procedure
    agency: Agency
    channel: str

    @property
    def fee_vnd(self) -> int | None:
        """The one published fee of the channel, None where there is none or a person decides."""
        terms = self.procedure.terms(self.channel)
        return None if terms is None else terms.fee_vnd

    @property
    def area(self) -> str:
        """Where its applicants live, roughly."""
        name = self.agency.name.removeprefix("Ủy ban nhân dân ")
        return name if self.agency.kind == "commune" else "phường Nha Trang"


class Offers:
    """Draws offers of one day; the agencies are those that exist on it."""

    def __init__(self, day: date) -> None:
        agencies = [one for one in read_agencies() if one.holds_on(day)]
        self._communes = [one for one in agencies if one.kind == "commune"]
        self._by_code = {one.code: one for one in agencies}
        self._commune_weights = [_commune_weight(one) for one in self._communes]

    @cached_property
    def procedures(self) -> tuple[Procedure, ...]:
        """Return the procedures that some agency of the day takes."""
        return tuple(
            one for one in read_procedures() if one.agency_level == "commune" or self._by_code.get(one.agency_code)
        )

    def draw(self, rng: random.Random, channel: str, *, slow: bool = False) -> Offer:
        """Return an offer of the channel; `slow` leaves out what is finished within the day."""
        able = self._able(channel, slow=slow)
        procedure = rng.choices(able, [OFTEN.get(one.code, 1) for one in able])[0]
        return Offer(procedure, self._agency(rng, procedure), channel)

    def _able(self, channel: str, *, slow: bool) -> list[Procedure]:
        found = [one for one in self.procedures if one.terms(channel) is not None]
        return [one for one in found if takes_days(one, channel)] if slow else found

    def _agency(self, rng: random.Random, procedure: Procedure) -> Agency:
        if procedure.agency_level == "commune":
            return rng.choices(self._communes, self._commune_weights)[0]
        return self._by_code[procedure.agency_code]


def takes_days(procedure: Procedure, channel: str) -> bool:
    """Whether the published limit is counted in days and can be promised."""
    terms = procedure.terms(channel)
    limit = None if terms is None else terms.time_limit
    return limit is not None and limit.unit in (Unit.WORKING_DAY, Unit.DAY) and limit.quantity <= 30


def _commune_weight(one: Agency) -> int:
    kind = one.name.removeprefix("Ủy ban nhân dân ").split()[0]
    return 10 * COMMUNES[kind] if kind in COMMUNES else 1
