"""The business day of money, by the terms of the party it went through, and when that money should reach us."""

from datetime import date, datetime

from truc.domain import settlement
from truc.domain.calendar import WorkingCalendar
from truc.domain.settlement import business_day
from truc.manifest import SettlementTerms
from truc.services import ask_schedule


def business_on(party: str, at: datetime) -> date:
    """Return the day, which is computed once, when money is booked."""
    return business_day(_terms(party), at)


def settles_on(party: str, day: date, calendar: WorkingCalendar) -> date | None:
    """Return when the money of a business day should reach us, T+n; None where the party has told no term."""
    return settlement.settles_on(_terms(party), day, calendar)


def _terms(party: str) -> SettlementTerms:
    """Return what the party agreed; the default terms for one that is no longer ours."""
    declared = ask_schedule.declared(party)
    return SettlementTerms() if declared is None else declared.settlement
