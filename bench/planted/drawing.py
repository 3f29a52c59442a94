"""What a seed draws: days, instants, amounts and references, each of them new where it must be."""

import random
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations
from typing import Any

from bench.planted.rows import (
    COLUMNS,
    ONE_DAY,
    RECEIPT_COLUMNS,
    Row,
    Settings,
    day_begins,
    is_working,
    working_day_after,
)
from bench.planted.story import Story
from truc.domain.calendar import BUSINESS_ZONE

FIRST_DAY, LAST_DAY = date(2026, 1, 12), date(2026, 11, 27)
USUAL_AMOUNTS = (8_000, 20_000, 50_000, 75_000, 100_000, 150_000, 162_000, 500_000, 1_200_000)
EDGE_AMOUNTS = (2**53 - 1, 2**53, 2**53 + 1, 2**53 + 2, 2**53 + 3)
PREFIXES = ("HS", "DVC", "BNDT", "ĐK", "ThuếĐất", "GPXD.")
AGENCIES = ("G01.32.08", "Sở Xây dựng", "UBND phường Hòa Cường", "H17-ĐĐ")
PAYERS = (
    "NGUYỄN THỊ ÁNH",
    "Trần Văn Đông",
    "LÊ HỮU PHƯỚC",
    "Đặng Thùy Trâm",
    "Hồ Vĩnh Lộc",
    "Võ Thị Ý",
    "Mạc Đĩnh Chi",
)
REMITTED_BY = ("reference", "agency_day")


class Desk:
    """The draws of one seed: what was drawn once is not drawn again, so that stories do not meet by accident."""

    def __init__(self, seed: int, parties: tuple[str, ...]) -> None:
        self.seed = seed
        self.random = random.Random(f"planted/{seed}")
        self.parties = parties
        self.main_day = self._main_day()
        self.settings = self._settings()
        self.has_receipts = self.random.random() < 0.8
        self.has_remittance = self.random.random() < 0.8
        self.remitted_by = {party: self.random.choice(REMITTED_BY) for party in parties}
        self.has_agencies = {party: self.random.random() < 0.75 for party in parties}
        self.says_state = self.random.random() < 0.5
        self.stories: list[Story] = []
        self.own_days: set[tuple[str, date]] = set()
        self._amounts = set(USUAL_AMOUNTS)
        self._drawn: set[str] = set()
        self._spares: set[str] = set()

    def story(self, name: str) -> Story:
        """A new story of this seed."""
        self.stories.append(Story(name))
        return self.stories[-1]

    def party(self) -> str:
        """One of the parties."""
        return self.random.choice(self.parties)

    def other_party(self, party: str) -> str:
        """Any party but this one."""
        return self.random.choice([one for one in self.parties if one != party])

    def amount(self) -> int:
        """An amount no other story of the seed has, now and then beyond what a float can tell apart."""
        while True:
            if self.random.random() < 0.06:
                drawn = self.random.choice(EDGE_AMOUNTS)
            else:
                drawn = self.random.randrange(20_000, 10 ** self.random.choice((6, 7, 8, 9, 12)))
            if drawn not in self._amounts:
                self._amounts.add(drawn)
                return drawn

    def reference(self, prefix: str | None = None) -> str:
        """A reference of ours far from every other: more than two letters apart even when one is mistyped."""
        prefix = self.random.choice(PREFIXES) if prefix is None else prefix
        return f"{prefix}-{self.main_day:%y%m%d}-{self._digits()}"

    def partner_reference(self, party: str) -> str:
        """A transaction number of the partner's."""
        return f"{party[:2].upper()}T{self._digits()}"

    def payer(self, *, beside: str = "") -> str:
        """A payer's name, another one than `beside`."""
        return self.random.choice([name for name in PAYERS if name != beside])

    def agency(self, party: str) -> str | None:
        """The agency a payment of this party is for; None where the ledger does not say."""
        return self.random.choice(AGENCIES) if self.has_agencies[party] else None

    def dated(self, party: str, day: date) -> dict[str, Any]:
        """`business_on` and `occurred_at` of a row of that day: one, the other, or both.

        With both, the instant may be of a neighbouring day: what the row says outranks its clock.
        """
        at = self.instant(party, day)
        form = self.random.random()
        if form < 0.4:
            return {"business_on": day, "occurred_at": at}
        if form < 0.5:
            return {"business_on": day, "occurred_at": at + self.random.choice((-ONE_DAY, ONE_DAY))}
        if form < 0.6:
            return {"business_on": day, "occurred_at": None}
        return {"business_on": None, "occurred_at": at}

    def instant(self, party: str, day: date) -> datetime:
        """An instant of that business day, up to its first and last microsecond."""
        first = day_begins(day, self.settings.cut_offs.get(party))
        edge = self.random.random()
        if edge < 0.05:
            return first
        if edge < 0.1:
            return first + ONE_DAY - timedelta(microseconds=1)
        if edge < 0.25:  # 23:00 to 01:00 is where days are mistaken
            return first + timedelta(seconds=self.random.choice((0, 23 * 3600)) + self.random.randrange(3600))
        return first + timedelta(seconds=self.random.randrange(86_400))

    def own_day(self, party: str) -> date:
        """A day of this party that no other story uses."""
        for back in range(30, 90):
            day = self.main_day - ONE_DAY * back
            if (party, day) not in self.own_days:
                self.own_days.add((party, day))
                return day
        raise ValueError("too many stories want a day of their own")

    def payment(self, **given: Any) -> Row:
        """A paid payment as our ledger has it: an amount and references of its own, of the seed's main day."""
        party = given.get("party") or self.party()
        day = given.pop("day", self.main_day)
        row = {
            "party": party,
            **self.dated(party, day),
            "our_reference": self.reference(),
            "partner_reference": self.partner_reference(party),
            "kind": "payment",
            "amount_vnd": self.amount() if "amount_vnd" not in given else given["amount_vnd"],
            "fee_vnd": self.random.choice((None, 0, 0, 550, 1_100, 3_300)),
            "state": "paid",
            "payer": self.random.choice((None, self.payer())),
            "agency": self.agency(party),
        }
        return row | given

    def refund(self, **given: Any) -> Row:
        """Money given back, as our ledger has it."""
        return self.payment(**({"kind": self.random.choice(("refund", "reversal")), "fee_vnd": None} | given))

    def line(self, row: Row, **changes: Any) -> Row:
        """The partner's line of a row: the same references, amount, fee and state, written the partner's way."""
        day = changes.pop("day", None)
        line = row | {"payer": self.random.choice((None, row["payer"])), "agency": None} | changes
        if day is not None:
            line |= self.dated(line["party"], day)
        if not line["fee_vnd"]:
            line["fee_vnd"] = self.random.choice((None, 0))
        return line

    def settlement(self, party: str, day: date, amount_vnd: int, **given: Any) -> Row:
        """A line by which the partner says what it paid out for a day."""
        return {
            "party": party,
            "business_on": day,
            "our_reference": None,
            "partner_reference": self.random.choice((None, self.partner_reference(party))),
            "kind": "settlement",
            "amount_vnd": amount_vnd,
            "fee_vnd": None,
            "state": "paid",
            "occurred_at": None,
            "payer": None,
            "agency": None,
        } | given

    def receipt(self, payment: Row, **changes: Any) -> Row:
        """The receipt issued for a payment."""
        taken = {name: payment[name] for name in ("party", "our_reference", "amount_vnd", "business_on", "occurred_at")}
        blank = dict.fromkeys(name for name in RECEIPT_COLUMNS if name not in ("kind", "state"))
        number = f"BL{self.main_day:%y}/{self._digits()[:7]}"
        return self._stated(blank | taken | {"receipt_number": number} | changes, "payment")

    def remitted(self, payment: Row, day: date, **changes: Any) -> Row:
        """The remittance of one payment to the treasury, on that day."""
        blank = dict.fromkeys(name for name in COLUMNS if name not in ("kind", "state"))
        taken = {name: payment[name] for name in ("party", "our_reference", "amount_vnd", "agency")}
        return self._stated(
            blank | taken | {"business_on": day, "occurred_at": self.office_hour(day)} | changes, "settlement"
        )

    def office_hour(self, day: date) -> datetime:
        """An instant at which a bank pays."""
        return datetime.combine(day, time(self.random.randrange(8, 16), 5), BUSINESS_ZONE).astimezone(UTC)

    def _main_day(self) -> date:
        """A working day, often the last before days off."""
        for _ in range(40):
            day = FIRST_DAY + ONE_DAY * self.random.randrange((LAST_DAY - FIRST_DAY).days)
            if is_working(day) and (not is_working(day + ONE_DAY) or self.random.random() < 0.3):
                return day
        return working_day_after(FIRST_DAY, 1)

    def _settings(self) -> Settings:
        """The standing settings in most seeds; in some a cut-off in the evening, or small differences tolerated."""
        cut_offs = {}
        if self.random.random() < 0.25:
            cut_offs = {self.parties[0]: self.random.choice((time(22, 30), time(23, 0), time(16, 0)))}
        if self.random.random() < 0.15:
            return Settings(cut_offs=cut_offs, tolerance_vnd=500, tolerated_vnd_max=1_200)
        return Settings(cut_offs=cut_offs)

    def _stated(self, row: Row, kind: str) -> Row:
        """The row with its kind and state said, in the seeds whose files have these columns."""
        return {"kind": kind, "state": "paid"} | row if self.says_state else row

    def _digits(self) -> str:
        """Ten digits that share no eight in order with any drawn before: two typing errors never make them one."""
        while True:
            drawn = f"{self.random.randrange(10**10):010d}"
            spares = {"".join(kept) for kept in combinations(drawn, 8)}
            if self._spares.isdisjoint(spares):
                self._spares |= spares
                return drawn
