"""`truc exchange sync-statuses`: a period of status history goes to a party, and it says how much the party has."""

from datetime import date, datetime, time, timedelta

import click

from truc import parties
from truc.domain.calendar import BUSINESS_ZONE
from truc.operating import audit
from truc.operating.terminal import hub_store, order, ordered
from truc.services import status_sync

DAY = click.DateTime(["%Y-%m-%d"])


@click.command("sync-statuses", help="Publish a period of status history to PARTY; begun again, it goes on.")
@click.argument("party")
@click.option("--since", type=DAY, required=True, help="The first day, YYYY-MM-DD in Vietnam.")
@click.option("--until", type=DAY, required=True, help="The last day, YYYY-MM-DD in Vietnam.")
@click.option("--name", default="", help="Name of the run.  [default: party and days]")
@ordered
def sync_statuses(*, party: str, since: datetime, until: datetime, name: str, actor: str, why: str) -> None:
    """Print what the run has done altogether, and the coverage now."""
    if party not in parties.names():
        raise click.BadParameter(f"no party {party!r}; there are {', '.join(parties.names())}", param_hint="PARTY")
    by = order(actor, why)
    since_at, until_at = _midnight(since.date()), _midnight(until.date() + timedelta(days=1))
    called = name or f"{party} {since.date()} to {until.date()}"
    with hub_store() as store:
        with store.begin() as transaction:
            audit.note(transaction, by, "sync_statuses", called)
        done = status_sync.publish_history(store, party, since_at, until_at, name=called)
        with store.begin() as transaction:
            now = status_sync.coverage(transaction, party, since_at, until_at)
    click.echo(f"run {called!r} finished at {done.finished_at:%Y-%m-%d %H:%M:%S}")
    click.echo(f"  published {done.published}, already there {done.already_there}, overtaken {done.overtaken}")
    share = f"{now.sent / now.changes:.1%}" if now.changes else "no change in this period"
    rest = f"open {now.open}, given up {now.given_up}, untold {now.untold}"
    click.echo(f"coverage {share}: of {now.changes} sent {now.sent}, {rest}")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BUSINESS_ZONE)
