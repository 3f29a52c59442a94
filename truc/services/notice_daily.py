"""The daily round: notices for which nothing happens but a day that comes, each once.

What is found is looked for over a few days, so that a round that did not run loses nothing; what is older is left: a
hub that begins to remind today does not write to everybody of the last years.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row, text

from truc import parties
from truc.domain.calendar import BUSINESS_ZONE, local_day
from truc.domain.notice_fields import Fact, FieldName
from truc.domain.notice_kinds import NoticeName
from truc.domain.status import Status
from truc.services.notices import Notice, give
from truc.store.opened import Store

# Ours, all three: no source says when these are sent.
RESULT_WAITS = timedelta(days=15)
SURVEY_AFTER = timedelta(days=1)
LOOK_BACK = timedelta(days=7)

_DOSSIERS = text(
    """
    SELECT code FROM dossiers
    WHERE status = :status AND status_at >= :since AND status_at < :until AND NOT (wants_postal_return AND :at_counter)
        AND NOT EXISTS (SELECT FROM notices WHERE event_key = code || '/' || CAST(:kind AS text))
    ORDER BY code
    """
)
_FEES = text(
    """
    SELECT our_reference, dossier_code, amount_vnd, requested_at FROM payments
    WHERE party = :party AND state = 'pending' AND dossier_code IS NOT NULL
        AND requested_at >= :since AND requested_at < :until
        AND NOT EXISTS (SELECT FROM notices WHERE event_key = our_reference || '/fee_reminder')
    ORDER BY our_reference
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Days:
    """From the beginning of `first` until the end of `last`, in Vietnam."""

    first: date
    last: date

    @property
    def bounds(self) -> dict[str, datetime]:
        until = self.last + timedelta(days=1)
        return {
            name: datetime.combine(day, time(), BUSINESS_ZONE)
            for name, day in (("since", self.first), ("until", until))
        }


def remind(store: Store, today: date) -> Counter[str]:
    """Give what is due on this day, each in a transaction of its own; return `kind.became` → how many."""
    found: Counter[str] = Counter()
    for notice in [*_of_dossiers(store, today), *_of_fees(store, today)]:
        became = store.run(partial(give, notice=notice))
        found[f"{notice.kinds[0]}.{became}"] += 1
    return found


def _of_dossiers(store: Store, today: date) -> Iterator[Notice]:
    """Results that nobody came for; and a word on how it went, the day after it was over."""
    waits = today - RESULT_WAITS
    over = today - SURVEY_AFTER
    yield from _at_status(store, Status.DONE, "result_reminder", _Days(first=waits - LOOK_BACK, last=waits))
    yield from _at_status(store, Status.RETURNED, "survey", _Days(first=over - LOOK_BACK, last=over))


def _at_status(store: Store, status: Status, kind: NoticeName, days: _Days) -> Iterator[Notice]:
    """Yield one for each dossier that has stood there since one of these days.

    A result that the post brings is not waited for at a counter.
    """
    values = {"status": int(status), "kind": kind, "at_counter": kind == "result_reminder", **days.bounds}
    for row in _rows(store, _DOSSIERS, values):
        yield _notice(kind, row.code, row.code, {})


def _of_fees(store: Store, today: date) -> Iterator[Notice]:
    """Fees asked for on an earlier day that can be paid until today or tomorrow, by what their party declares."""
    for manifest in parties.manifests():
        if manifest.payments is None:
            continue
        lives = timedelta(seconds=manifest.payments.lives_s)
        asked = _Days(first=today - lives - LOOK_BACK, last=today - timedelta(days=1))
        for row in _rows(store, _FEES, {"party": manifest.party, **asked.bounds}):
            last_on = local_day(row.requested_at + lives)
            if today <= last_on <= today + timedelta(days=1):
                facts: dict[FieldName, Fact] = {"amount_vnd": row.amount_vnd, "last_on": last_on}
                yield _notice("fee_reminder", row.our_reference, row.dossier_code, facts)


def _notice(kind: NoticeName, name: str, dossier_code: str, facts: dict[FieldName, Fact]) -> Notice:
    return Notice(event_key=f"{name}/{kind}", kinds=(kind,), dossier_code=dossier_code, facts=facts)


def _rows(store: Store, query: Any, values: dict[str, Any]) -> list[Row[Any]]:
    with store.begin() as transaction:
        return list(transaction.sql.execute(query, values))
