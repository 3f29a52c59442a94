"""When a party is asked about a payment of ours, and what comes after the last question."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from truc import parties
from truc.domain.payment_states import NextStep
from truc.manifest import Capability, Event, Manifest, PaymentTerms


def declared(party: str) -> Manifest | None:
    """Return what the party declares; None for a party that is no longer, or not yet, one of ours."""
    return parties.manifest(party) if party in parties.names() else None


def declared_terms(party: str) -> PaymentTerms | None:
    """Return how payments through the party live, None where it declares nothing of that."""
    found = declared(party)
    return None if found is None else found.payments


def operations(party: str, event: Event) -> list[str]:
    """Return the operations by which the party hears of it: none for a bank that only sends statements."""
    found = declared(party)
    return [] if found is None else [one.name for one in found.operations if one.event is event]


def first(party: str, since: datetime) -> datetime | None:
    """Return when a payment that stands at the party since then is asked about, None where no schedule is known."""
    found = declared(party)
    if found is None or found.payments is None:
        return None
    return after(found.payments, settle_s=found.limits.settle_s, since=since, now=since)


def following(party: str, since: datetime, now: datetime) -> datetime | None:
    """Return when it is asked about next, None when the schedule is over."""
    found = declared(party)
    if found is None or found.payments is None:
        return None
    return after(found.payments, settle_s=found.limits.settle_s, since=since, now=now)


def after(terms: PaymentTerms, *, settle_s: float, since: datetime, now: datetime) -> datetime | None:
    """Return the first time of the schedule that lies after `now`, None when there is none.

    It is `ask_after_s`, then every so often as its last says until `lives_s`, and `settle_s` after that once more:
    only then is «no such order» believed. Times that were missed are not made up for.
    """
    last_on = timedelta(seconds=terms.lives_s)
    steps = [timedelta(seconds=after_s) for after_s in terms.ask_after_s]
    if steps:
        steps.append(((now - since) // steps[-1] + 1) * steps[-1])
    end = since + last_on + timedelta(seconds=settle_s)
    ahead = [since + step for step in steps if step <= last_on and since + step > now]
    return min(ahead, default=end if end > now else None)


def is_over(party: str, since: datetime, now: datetime) -> bool:
    """Tell whether nobody can pay any more, and the partner had its time to settle."""
    found = declared(party)
    if found is None or found.payments is None:
        return False
    return now - since >= timedelta(seconds=found.payments.lives_s + found.limits.settle_s)


def can_be_asked(party: str) -> bool:
    """Tell whether the party declares when it is asked."""
    terms = declared_terms(party)
    return terms is not None and bool(terms.ask_after_s)


def refund_following(party: str, since: Iterable[datetime], now: datetime) -> datetime | None:
    """Return when refunds that the party took at these times are next asked about, or waited for no longer.

    None when that is over for each of them.
    """
    found = declared(party)
    if found is None or found.payments is None:
        return None
    terms, settle_s = found.payments, found.limits.settle_s
    of_refunds = replace(terms, lives_s=terms.refund_within_s, ask_after_s=terms.refund_ask_after_s)
    ahead = (after(of_refunds, settle_s=settle_s, since=one, now=now) for one in since)
    return min(filter(None, ahead), default=None)


def can_be_asked_about_refunds(party: str) -> bool:
    """Tell whether the party declares when it is asked about a refund."""
    terms = declared_terms(party)
    return terms is not None and bool(terms.refund_ask_after_s)


def in_place_of_asking(party: str) -> NextStep:
    """Return what may tell the end where asking does not: the party's statement, or else a person."""
    found = declared(party)
    says = found is not None and Capability.FETCH_STATEMENT in found.capabilities
    return NextStep.WAIT_STATEMENT if says else NextStep.PERSON
