"""Brings a party the status history of dossiers that it was not told when it happened, and counts what it has.

A change is named as truc.services.dossiers names it when it happens, so what was published then is not published
again. The history says who, what and when; it does not say what was promised then, so `due_at` is today's promise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from truc import parties
from truc.errors import SetupError
from truc.exchange import bulk
from truc.exchange.bulk import Page, Place, Plan, Run
from truc.exchange.outbox import Publication
from truc.manifest import Event
from truc.messages import StatusChanged
from truc.store.opened import Store, Transaction

PAGE_ROWS = 500

# A reception (number 1) is told by another message. The rows are in the order it happened, so each dossier's are too.
_PAGE = """
    SELECT history.id, history.dossier_code, history.number, history.to_status, history.changed_at, history.note,
        history.officer_id
    FROM dossier_history AS history
    WHERE history.number > 1 AND history.changed_at >= :since_at AND history.changed_at < :until_at
        AND (history.changed_at, history.id) > (:reached_at, :reached_id)
    ORDER BY history.changed_at, history.id LIMIT :most
"""


def _number_of(change: str) -> str:
    """Return SQL for the exchange that told a change, NULL for none.

    (Not EXISTS: that may be planned as a join with all names there are. This is one look into their index.)
    """
    return f"""(
            SELECT outbox_id FROM outbox_names
            WHERE party = :party AND operation = :operation
                AND external_id = {change}.dossier_code || '/' || {change}.number
        )"""  # noqa: S608  (the name of a row)


# Nobody moves these dossiers before the page is committed: what is published is named in the order it happened.
_HOLD = text(
    f"""
    SELECT FROM dossiers WHERE code IN (SELECT dossier_code FROM ({_PAGE}) AS page) ORDER BY code
    FOR NO KEY UPDATE
    """  # noqa: S608  (no value is written into it)
)
_READ = text(
    f"""
    SELECT page.*, before.changed_at AS started_at, dossiers.portal_code, dossiers.due_at,
        officers.name AS officer_name, officers.title AS officer_title, officers.department,
        {_number_of("page")} IS NOT NULL AS known,
        (
            SELECT true FROM dossier_history AS later
            WHERE later.dossier_code = page.dossier_code AND later.number > page.number
                AND {_number_of("later")} IS NOT NULL
            LIMIT 1
        ) IS NOT NULL AS overtaken
    FROM ({_PAGE}) AS page
    JOIN dossier_history AS before ON before.dossier_code = page.dossier_code AND before.number = page.number - 1
    JOIN dossiers ON dossiers.code = page.dossier_code
    LEFT JOIN officers ON officers.id = page.officer_id
    ORDER BY page.changed_at, page.id
    """  # noqa: S608  (queries of ours, by name)
)
# A correction keeps the place of the message it corrects: while either is open, the change is not there.
_COVERAGE = text(
    f"""
    SELECT count(*) AS changes, count(place) AS published,
        count(*) FILTER (WHERE EXISTS (
            SELECT FROM outbox WHERE drawer = 0 AND party = :party AND key = told.dossier_code AND place = told.place
        )) AS open,
        count(*) FILTER (WHERE EXISTS (
            SELECT FROM set_aside WHERE outbox_id = told.place AND resolved_how = 'dropped'
        )) AS given_up
    FROM (
        SELECT history.dossier_code, {_number_of("history")} AS place
        FROM dossier_history AS history
        WHERE history.number > 1 AND history.changed_at >= :since_at AND history.changed_at < :until_at
    ) AS told
    """  # noqa: S608  (queries of ours, by name)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Of all changes of a period: how many the party has, how many are still open, how many it was never told."""

    changes: int
    sent: int  # or replaced by a message that was
    open: int  # waiting, on the way, or held for a person
    given_up: int  # by a person, without a correction
    untold: int


def publish_history(store: Store, party: str, since_at: datetime, until_at: datetime, *, name: str) -> Run:
    """Publish to the party every status change from `since_at` until before `until_at`, in pages.

    The same name again goes on where it stopped; a finished run is a no-op. A change is left out as overtaken when
    a later one of its dossier was published before: sent now, it would put the party's record back. So publish the
    oldest period first. Raise SetupError when the party takes no status changes, or the name is of another run.
    """
    if since_at >= until_at:
        raise SetupError(f"the period ends ({until_at}) before it begins ({since_at})", reason="empty_period")
    plan = Plan(name=name, party=party, operation=operation_of(party), since_at=since_at, until_at=until_at)
    return bulk.run(store, plan, _read_page)


def coverage(transaction: Transaction, party: str, since_at: datetime, until_at: datetime) -> Coverage:
    """Count the status changes of a period by what the party has of them."""
    values = {"party": party, "operation": operation_of(party), "since_at": since_at, "until_at": until_at}
    row = transaction.sql.execute(_COVERAGE, values).one()
    return Coverage(
        changes=row.changes,
        sent=row.published - row.open - row.given_up,
        open=row.open,
        given_up=row.given_up,
        untold=row.changes - row.published,
    )


def operation_of(party: str) -> str:
    """Return the party's operation for status changes; raise SetupError when it has none."""
    for operation in parties.manifest(party).operations:
        if operation.event is Event.STATUS_CHANGED:
            return operation.name
    raise SetupError(f"{party} takes no status changes", reason="unsupported")


def _read_page(transaction: Transaction, plan: Plan, reached: Place | None) -> Page:
    values = {
        "party": plan.party,
        "operation": plan.operation,
        "since_at": plan.since_at,
        "until_at": plan.until_at,
        "reached_at": plan.since_at if reached is None else reached.at,
        "reached_id": 0 if reached is None else reached.id,
        "most": PAGE_ROWS,
    }
    transaction.sql.execute(_HOLD, values)
    rows = transaction.sql.execute(_READ, values).all()
    return _page(rows, plan.party)


def _page(rows: Sequence[Any], party: str) -> Page:
    if not rows:
        return Page()
    new = [row for row in rows if not row.known and not row.overtaken]
    return Page(
        publications=[_publication(row, party) for row in new],
        already_there=sum(row.known for row in rows),
        overtaken=sum(row.overtaken and not row.known for row in rows),
        reached=Place(rows[-1].changed_at, rows[-1].id),
    )


def _publication(row: Any, party: str) -> Publication:
    message = StatusChanged(
        dossier_code=row.dossier_code,
        portal_code=row.portal_code or "",
        status=row.to_status,
        changed_at=row.changed_at,
        officer_name=row.officer_name or "",
        officer_title=row.officer_title or "",
        department=row.department or "",
        note=row.note,
        started_at=row.started_at,
        due_at=row.due_at,
    )
    return Publication(
        event=Event.STATUS_CHANGED,
        message=message,
        key=row.dossier_code,
        external_id=f"{row.dossier_code}/{row.number}",
        only=party,
    )
