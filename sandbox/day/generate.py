"""Generates a business day: the same seed, day and size give the same day to the byte."""

import math
import random
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from sandbox.day import channels, courses, figures, people
from sandbox.day.offers import Offer, Offers, takes_days
from sandbox.day.people import Applicant
from sandbox.day.plan import Dossier, Move, Payment, Plan
from truc.domain.calendar import WorkingCalendar, local_day
from truc.domain.notice_kinds import OF_STATUS
from truc.reference.reading import read_swapped_days

LATE_AT_MOST_DAYS = 12
EARLIER_DAYS = 60  # how far back the backlog may have come


def generate(day: date, *, dossiers: int = figures.DOSSIERS_A_DAY, seed: int = 20261120) -> Plan:
    """Return the plan of a working day with that many new dossiers."""
    return _Generator(day, dossiers, seed).plan()


def usual_day(now: datetime) -> date:
    """Return the day that is played when none is named, or the last working day where the clock is not past it."""
    calendar = WorkingCalendar(read_swapped_days())
    day = min(figures.USUAL_DAY, local_day(now) - timedelta(days=1))
    while not calendar.is_working_day(day):
        day -= timedelta(days=1)
    return day


def over_by(day: date, now: datetime) -> bool:
    """Whether the day has ended in Vietnam."""
    return day < local_day(now)


class _Generator:
    def __init__(self, day: date, dossiers: int, seed: int) -> None:
        self.day, self.count, self.seed = day, dossiers, seed
        self.rng = random.Random(f"{seed}/{day.isoformat()}/{dossiers}")
        self.offers = Offers(day)
        self.calendar = WorkingCalendar(read_swapped_days())
        self.name = f"{day:%y%m%d}-{seed}-{dossiers}"
        self.known: list[Applicant] = []
        self.taken: set[str] = set()
        if not self.calendar.is_working_day(day):
            raise ValueError(f"{day} is no working day in Vietnam: choose another")

    def plan(self) -> Plan:
        online = round(self.count * self.rng.uniform(*figures.ONLINE_SHARE))
        by_post = round(self.count * figures.POST_CHANNEL_SHARE)
        channels = ["online"] * online + ["post"] * by_post + ["counter"] * (self.count - online - by_post)
        today = [self._new(number, channel) for number, channel in enumerate(channels, start=1)]
        today.sort(key=lambda one: (one.received_at, one.reference))
        backlog = list(self._backlog(round(self.count * figures.BACKLOG_SHARE), today))
        wanted = self._with_sms(self._with_postal_return(backlog + today))
        return Plan(
            day=self.day,
            seed=self.seed,
            name=self.name,
            backlog=tuple(wanted[: len(backlog)]),
            today=tuple(wanted[len(backlog) :]),
            payments=tuple(self._payments(wanted[len(backlog) :])),
        )

    def _new(self, number: int, channel: str) -> Dossier:
        offer = self.offers.draw(self.rng, channel)
        online = channel == "online"
        received_at = (courses.at_home if online else courses.at_the_counter)(self.rng, self.day)
        prefix = "G22.99" if online else "MC"  # the portal's own code, or the one-stop software's reference
        applicant = self._applicant(offer.area)
        if online and self.rng.random() < figures.NFD_SHARE:
            applicant = replace(applicant, name=unicodedata.normalize("NFD", applicant.name))
        return self._dossier(f"{prefix}-{self.name}-{number:05d}", offer, applicant, received_at, self._course(offer))

    def _course(self, offer: Offer) -> tuple[int, ...]:
        slow = takes_days(offer.procedure, offer.channel)
        if offer.channel == "online":
            return courses.draw(self.rng, courses.ONLINE if slow else courses.ON_THE_SPOT_ONLINE)
        return courses.draw(self.rng, courses.HANDED_IN if slow else courses.ON_THE_SPOT)

    def _dossier(
        self, reference: str, offer: Offer, applicant: Applicant, received_at: datetime, course: tuple[int, ...]
    ) -> Dossier:
        due_at = self._due_at(offer, received_at)
        begins = max(received_at, courses.instant(self.day, courses.OPENING))
        ends = courses.instant(self.day, courses.CLOSING)
        if 9 in course and due_at is not None:
            ends = min(ends, due_at)
        officer = courses.officer(self.rng, offer.agency.code, offer.agency.name)
        moves = courses.moves(self.rng, course, begins, officer, until=ends)
        return Dossier(
            reference=reference,
            procedure_code=offer.procedure.code,
            agency_code=offer.agency.code,
            channel=offer.channel,
            applicant=applicant,
            received_at=received_at,
            due_at=self._after_pauses(due_at, moves),
            fee_vnd=offer.fee_vnd,
            moves=moves,
        )

    def _backlog(self, count: int, today: list[Dossier]) -> Iterator[Dossier]:
        """Yield older dossiers, most of which end today; as many late as the on-time rate of all that end leaves."""
        ending = round(count * 0.97)
        finishing = sum(one.finished_at is not None for one in today) + ending
        late = round(finishing * (1 - figures.ON_TIME_SHARE))
        for number in range(1, count + 1):
            yield self._older(number, ends=number <= ending, late=number <= late)

    def _older(self, number: int, *, ends: bool, late: bool) -> Dossier:
        channel = "post" if self.rng.random() < figures.POST_CHANNEL_SHARE else "counter"
        course = courses.draw(self.rng, courses.FINISHING if ends else courses.NOT_FINISHING)
        while True:
            offer = self.offers.draw(self.rng, channel, slow=True)
            received_at = self._received_before(offer, late=late)
            if received_at is not None:
                break
        officer = courses.officer(self.rng, offer.agency.code, offer.agency.name)
        taken_up = courses.moves(self.rng, (4,), received_at, officer, until=received_at + timedelta(minutes=90))
        opening, closing = (courses.instant(self.day, at) for at in (courses.OPENING, courses.CLOSING))
        due_at = self._due_at(offer, received_at)
        begins, ends_at = (opening, closing) if due_at is None else (opening, closing if late else min(closing, due_at))
        moves = (*taken_up, *courses.moves(self.rng, course, begins, officer, until=ends_at))
        return Dossier(
            reference=f"MC-{self.name}-B{number:05d}",
            procedure_code=offer.procedure.code,
            agency_code=offer.agency.code,
            channel=channel,
            applicant=self._applicant(offer.area),
            received_at=received_at,
            due_at=self._after_pauses(due_at, moves),
            fee_vnd=offer.fee_vnd,
            moves=moves,
        )

    def _received_before(self, offer: Offer, *, late: bool) -> datetime | None:
        """Return an instant of an earlier day that makes the dossier due shortly before the day, or on or after it."""
        opening, closing = (courses.instant(self.day, at) for at in (courses.OPENING, courses.CLOSING))
        first, last = opening - timedelta(days=LATE_AT_MOST_DAYS), opening
        if not late:
            # Room for the moves on the day itself; most dossiers end within a week of their due date.
            first, last = opening + timedelta(hours=2), closing + timedelta(days=7)
        fits = []
        for back in range(1, EARLIER_DAYS):
            if not self.calendar.is_working_day(earlier := self.day - timedelta(days=back)):
                continue
            at = courses.at_the_counter(self.rng, earlier)
            due_at = self._due_at(offer, at)
            if due_at is not None and first < due_at < last:
                fits.append(at)
            elif due_at is not None and due_at < first:
                break
        return self.rng.choice(fits) if fits else None

    def _due_at(self, offer: Offer, received_at: datetime) -> datetime | None:
        terms = offer.procedure.terms(offer.channel)
        limit = None if terms is None else terms.time_limit
        return None if limit is None else self.calendar.due_at(received_at, limit)

    def _after_pauses(self, due_at: datetime | None, moves: tuple[Move, ...]) -> datetime | None:
        """Return the due date after the moves: later by the working time in which the citizen was waited for."""
        for asked, back in pairwise(moves):
            if due_at is not None and asked.status in courses.WAITING_FOR_CITIZEN:
                due_at = self.calendar.pause(due_at, asked.at, back.at)
        return due_at

    def _applicant(self, area: str) -> Applicant:
        if self.known and self.rng.random() < figures.SAME_APPLICANT_SHARE:
            return self.rng.choice(self.known)
        while (found := people.new(self.rng, area)).personal_id in self.taken:
            pass
        self.taken.add(found.personal_id)
        self.known.append(found)
        return found

    def _with_postal_return(self, dossiers: list[Dossier]) -> list[Dossier]:
        """Let a share ask for the result by post; of those, some live in another province."""
        chosen = set(self.rng.sample(range(len(dossiers)), round(len(dossiers) * figures.POSTAL_RETURN_SHARE)))
        return [self._by_post(one) if number in chosen else one for number, one in enumerate(dossiers)]

    def _by_post(self, one: Dossier) -> Dossier:
        far = self.rng.random() < figures.POSTAL_OUTSIDE_SHARE
        applicant = people.elsewhere(self.rng, one.applicant) if far else one.applicant
        return replace(one, applicant=applicant, wants_postal_return=True)

    def _with_sms(self, dossiers: list[Dossier]) -> list[Dossier]:
        """Let applicants ask for messages until there are as many as the seeds' rate per dossier."""
        wanted = round(len(dossiers) * figures.SMS_PER_DOSSIER)
        chosen, messages = set(), 0
        for number in self.rng.sample(range(len(dossiers)), len(dossiers)):
            if messages >= wanted:
                break
            chosen.add(number)
            messages += notices(dossiers[number])
        return [replace(one, wants_sms=number in chosen) for number, one in enumerate(dossiers)]

    def _payments(self, dossiers: list[Dossier]) -> Iterator[Payment]:
        """Yield the day's payments: dossiers with exactly one published fee, drawn so that the mean is the seeds'."""
        able = [one for one in dossiers if (one.fee_vnd or 0) >= 1_000 and _pays_in_time(one)]
        wanted = min(len(able), max(channels.FEWEST, round(self.count * figures.PAYMENT_SHARE)))
        chosen = _drawn_to_mean(self.rng, able, wanted)
        # A citizen at home pays online; at a counter a transfer is offered too.
        chosen.sort(key=lambda one: (not one.online, one.reference))
        for number, (one, party) in enumerate(zip(chosen, self._parties(chosen), strict=True), start=1):
            yield self._payment(number, one, party)

    def _parties(self, payers: list[Dossier]) -> list[str]:
        """Deal the channels out; the bank's go to the last payers, who stand at a counter."""
        counts = channels.counts(len(payers))
        at_the_bank = counts.pop(channels.BANK)
        online = [party for party, count in counts.items() for _ in range(count)]
        self.rng.shuffle(online)
        return online + [channels.BANK] * at_the_bank

    def _payment(self, number: int, one: Dossier, party: str) -> Payment:
        requested_at = one.received_at + timedelta(minutes=self.rng.randint(2, 10))
        return Payment(
            reference=f"TT-{self.name}-{number:05d}",
            dossier=one,
            party=party,
            amount_vnd=one.fee_vnd or 0,
            requested_at=requested_at,
            pays_at=requested_at + timedelta(minutes=self.rng.randint(1, 12)),
            paid_reference=f"VTB{self.day:%y%m%d}{number:06d}" if party == channels.BANK else "",
        )


def notices(one: Dossier) -> int:
    """How many messages its applicant gets by its statuses; parcels and payments have theirs beside these."""
    told = one.initial_status in OF_STATUS
    for before, after in pairwise(one.statuses):
        told += after in OF_STATUS or before == 5 or (before == 6 and one.due_at is not None)
    return told


def moves_in_order(plan: Plan) -> list[tuple[Dossier, Move]]:
    """Every move of the day and of the backlog before it, as they happened."""
    found = [(one, move) for one in plan.dossiers for move in one.moves]
    return sorted(found, key=lambda pair: (pair[1].at, pair[0].reference))


def _pays_in_time(one: Dossier) -> bool:
    """Whether there is room to pay on the same calendar day."""
    return one.received_at.time() < time(23, 0)


def _drawn_to_mean(rng: random.Random, able: list[Dossier], count: int) -> list[Dossier]:
    """Draw without putting back, weighted by exp(−tilt · fee); the tilt brings the mean to the seeds' figure."""
    if not able:
        return []
    fees = [one.fee_vnd or 0 for one in able]
    tilt = _tilt(fees)
    keys = [(rng.random() ** (1 / math.exp(-tilt * fee / 1_000)), number) for number, fee in enumerate(fees)]
    return [able[number] for _, number in sorted(keys, reverse=True)[:count]]


def _tilt(fees: list[int]) -> float:
    low, high = -0.02, 0.05
    for _ in range(40):
        middle = (low + high) / 2
        weights = [math.exp(-middle * fee / 1_000) for fee in fees]
        mean = sum(weight * fee for weight, fee in zip(weights, fees, strict=True)) / sum(weights)
        low, high = (middle, high) if mean > figures.PAYMENT_MEAN_VND else (low, middle)
    return (low + high) / 2
