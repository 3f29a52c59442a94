"""Checks records as they come, one by one: numbers, hashes, handlers, closes. It needs no database and no secret."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from truc.errors import MalformedError
from truc.exchange.journal.closes import end_of
from truc.exchange.journal.records import ORIGIN, Close, Entry, Handler, hash_of, name_of
from truc.exchange.journal.report import Report
from truc.exchange.journal.signatures import is_signed, key_id
from truc.trust import stamping


@dataclass(frozen=True, slots=True)
class Trust:
    """What a check believes without proof: the hub's public key, and the roots of time-stamp authorities, if any."""

    public_key: Ed25519PublicKey
    tsa_roots: Sequence[x509.Certificate] = ()


def check_handlers(handlers: Iterable[Handler], report: Report) -> frozenset[str]:
    """Return the names of the handlers whose digests give their name; the others are bad."""
    good = set()
    for one in handlers:
        report.looked_at["handlers"] += 1
        if name_of(one) == one.handled_by:
            good.add(one.handled_by)
        else:
            report.wrong("", None, f"handler {one.handled_by}: its three digests do not give its name")
    return frozenset(good)


def check_channel(
    channel: str, records: Iterable[Close | Entry], handlers: frozenset[str], trust: Trust, report: Report
) -> None:
    """Check one whole chain with its closes, which come before the entries in order of day."""
    closes = _Closes(channel, trust, report)
    number, previous, seen = 0, ORIGIN, 0
    for record in records:
        if isinstance(record, Close):
            closes.add(record)
            continue
        if problem := _problem(record, number + 1, previous, handlers):
            report.wrong(channel, min(record.number, number + 1), problem)
        closes.take(record)
        number, previous, seen = record.number, record.hash, seen + 1
    closes.finish()
    report.looked_at["entries"] += seen
    report.looked_at["channels"] += 1


def _problem(entry: Entry, number: int, previous: str, handlers: frozenset[str]) -> str:
    """Return what is wrong with the entry that should bear this number and follow this hash, "" for nothing."""
    if entry.number > number:
        return f"is missing; the next entry is number {entry.number}"
    if entry.number < number:
        return f"stands where number {number} should"
    if hash_of(entry) != entry.hash:
        return "is altered: its content does not give its hash"
    if entry.previous != previous:
        return "does not follow the entry before it: one of the two was replaced"
    if entry.handled_by not in handlers:
        return f"names handler {entry.handled_by}, which is missing or altered"
    return ""


@dataclass(slots=True)
class _Closes:
    """The closes of one channel, checked against each other, and against the entries as they pass."""

    channel: str
    trust: Trust
    report: Report
    waiting: deque[Close] = field(default_factory=deque)
    last: Close | None = None
    count: int = 0
    sum_vnd: int = 0

    def add(self, close: Close) -> None:
        """Check the close for itself and against the one before it."""
        self.report.looked_at["closes"] += 1
        before = self.last
        if close.key_id != key_id(self.trust.public_key):
            self.wrong(close, f"is signed with another key, {close.key_id}")
        elif not is_signed(close, self.trust.public_key):
            self.wrong(close, "is altered: its signature does not fit")
        if close.previous != (before.hash if before else ORIGIN):
            self.wrong(close, "does not follow the close before it: one of the two was replaced, or one between them")
        if close.first != (before.last + 1 if before else 1) or close.last < close.first:
            self.wrong(close, f"takes numbers {close.first} to {close.last}, which leaves a gap or an overlap")
        if before and close.day <= before.day:
            self.wrong(close, f"comes after the close of {before.day}")
        self.check_stamp(close)
        self.last = close
        self.waiting.append(close)

    def check_stamp(self, close: Close) -> None:
        """Check the time-stamp where there is one and roots are given."""
        if close.stamp is None:
            return
        if not self.trust.tsa_roots:
            self.report.looked_at["time-stamps without roots to check them"] += 1
            return
        self.report.looked_at["time-stamps"] += 1
        try:
            stamping.verify(bytes.fromhex(close.stamp), close.signed, self.trust.tsa_roots)
        except MalformedError as error:
            self.wrong(close, f"has a bad stamp: {error}")

    def take(self, entry: Entry) -> None:
        """Count an entry into the close that covers its number."""
        while self.waiting and entry.number > self.waiting[0].last:
            self.unreached(self.waiting[0])
            self.turn()
        if not self.waiting:
            return
        close = self.waiting[0]
        self.count += 1
        self.sum_vnd += entry.amount_vnd or 0
        if entry.at >= _until(close.day):
            self.wrong(close, f"covers number {entry.number}, which was decided after the day")
        if entry.number == close.last:
            self.compare(close, entry)
            self.turn()

    def compare(self, close: Close, last: Entry) -> None:
        """Compare what the close states with what passed."""
        stated = {"count": close.count, "sum_vnd": close.sum_vnd, "root": close.root}
        found = {"count": self.count, "sum_vnd": self.sum_vnd, "root": last.hash}
        for name, value in stated.items():
            if value != found[name]:
                self.wrong(close, f"states {name} {value}; the entries give {found[name]}")

    def turn(self) -> None:
        """Go on to the next close."""
        self.waiting.popleft()
        self.count, self.sum_vnd = 0, 0

    def finish(self) -> None:
        """Every close must have been reached."""
        for close in self.waiting:
            self.unreached(close)

    def unreached(self, close: Close) -> None:
        """Name a close whose entries end before it does."""
        self.wrong(close, f"ends with number {close.last}, which is missing")

    def wrong(self, close: Close, text: str) -> None:
        """Name a bad close by its day and last number."""
        self.report.wrong(self.channel, close.last, f"the close of {close.day} {text}")


@cache
def _until(day: str) -> str:
    """Return the end of a business day in the form of Entry.at, which sorts as time does."""
    end = end_of(date.fromisoformat(day)).astimezone(UTC)
    return end.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
