"""When a notice may reach a citizen: at once, or in the morning after the quiet hours."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from truc.domain.calendar import BUSINESS_ZONE
from truc.domain.notice_kinds import KINDS, NoticeName
from truc.errors import MalformedError


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `begins` until before `ends`, clock times in Vietnam, over midnight where `ends` is earlier.

    The same time twice means that no hour is quiet. Raise MalformedError for a time with a zone: it could be another.
    """

    begins: time = time(21)
    ends: time = time(7)

    def __post_init__(self) -> None:
        if self.begins.tzinfo is not None or self.ends.tzinfo is not None:
            raise MalformedError("quiet hours: are clock times in Vietnam; give no zone", reason="bad_quiet_hours")

    def holds(self, clock: time) -> bool:
        """Say whether this clock time in Vietnam is quiet."""
        if self.begins <= self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends


USUAL = QuietHours()


def may_be_sent_at(kind: NoticeName, at: datetime, quiet: QuietHours = USUAL) -> datetime:
    """Return `at` itself for an urgent kind and outside quiet hours, else the next end of them, in Vietnam's zone.

    Raise MalformedError for an instant without a zone.
    """
    if at.tzinfo is None:
        raise MalformedError("at: has no time zone; parse it at the wall", reason="naive_instant")
    local = at.astimezone(BUSINESS_ZONE)
    if KINDS[kind].urgent or not quiet.holds(local.time()):
        return at
    morning = datetime.combine(local.date(), quiet.ends, BUSINESS_ZONE)
    return morning if morning > local else morning + timedelta(days=1)
