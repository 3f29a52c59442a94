"""The business day of money, by the terms of the party it went through: computed once, when it is booked."""

from datetime import date, datetime

from truc.domain.settlement import business_day
from truc.manifest import SettlementTerms
from truc.services import ask_schedule


def business_on(party: str, at: datetime) -> date:
    """Return the day; by the default terms for a party that is no longer one of ours."""
    declared = ask_schedule.declared(party)
    return business_day(SettlementTerms() if declared is None else declared.settlement, at)
