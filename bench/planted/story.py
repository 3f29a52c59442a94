"""One planted thing: its rows on the four sides, and where each of them must end."""

from dataclasses import dataclass, field
from typing import Literal

from bench.planted.rows import Row

Side = Literal["core", "statement", "receipts", "remittance"]
Leg = Literal["statement", "settlement", "return", "receipts", "remittance"]
MONEY_LEGS = ("statement", "settlement", "return")  # these three share one population of rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Rows that end together: a break where `broken` names a class, else a match.

    `core_vnd` and `difference_vnd` are given where they are not the plain sum and its difference (a net, a fee);
    `agency` says that a whole agency's day is compared, which has no reference of its own.
    """

    leg: Leg
    rule: str
    broken: str = ""
    core: tuple[Row, ...] = ()
    partner: tuple[Row, ...] = ()
    core_vnd: int | None = None
    difference_vnd: int | None = None
    agency: str | None = None


@dataclass(slots=True)
class Story:
    """Rows by side, where they end, and which of them need no answer (`silent`, by leg)."""

    name: str
    core: list[Row] = field(default_factory=list)
    statement: list[Row] = field(default_factory=list)
    receipts: list[Row] = field(default_factory=list)
    remittance: list[Row] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    silent: list[tuple[Leg, Row]] = field(default_factory=list)

    def match(
        self,
        rule: str,
        core: list[Row],
        partner: list[Row],
        *,
        leg: Leg = "statement",
        core_vnd: int | None = None,
        difference_vnd: int | None = None,
    ) -> None:
        """These rows answer each other; `core_vnd` where a net is compared."""
        self.broken("", rule, core, partner, leg=leg, core_vnd=core_vnd, difference_vnd=difference_vnd)

    def broken(
        self,
        kind: str,
        rule: str,
        core: list[Row],
        partner: list[Row],
        *,
        leg: Leg = "statement",
        core_vnd: int | None = None,
        difference_vnd: int | None = None,
    ) -> None:
        """These rows are one break of the class `kind`."""
        self._add(leg, core, partner)
        self.placed.append(
            Placed(
                leg=leg,
                rule=rule,
                broken=kind,
                core=tuple(core),
                partner=tuple(partner),
                core_vnd=core_vnd,
                difference_vnd=difference_vnd,
            )
        )

    def each_broken(self, kind: str, rule: str, core: list[Row], partner: list[Row]) -> None:
        """Every one of these rows is a break of its own."""
        for row in core:
            self.broken(kind, rule, [row], [])
        for row in partner:
            self.broken(kind, rule, [], [row])

    def quiet(self, core: list[Row], partner: list[Row], *, leg: Leg = "statement") -> None:
        """No money moved in these rows, and nobody has to answer for them."""
        self._add(leg, core, partner)
        self.silent += [(leg, row) for row in (*core, *partner)]

    def _add(self, leg: Leg, core: list[Row], partner: list[Row]) -> None:
        """Keep rows that are new here; the receipts and remittance legs look at core rows of the statement's leg."""
        theirs = self.statement if leg in MONEY_LEGS else self.receipts if leg == "receipts" else self.remittance
        for rows, side in ((core, self.core), (partner, theirs)):
            known = {id(row) for row in side}
            side.extend(row for row in rows if id(row) not in known)
