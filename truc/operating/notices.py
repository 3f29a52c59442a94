"""`truc notices …`: what became of notices to citizens, and what a citizen wishes; no name and no address is shown."""

from collections.abc import Iterator
from typing import Any, cast

import click
from sqlalchemy import Row, text

from truc import connections
from truc.domain.calendar import BUSINESS_ZONE
from truc.operating import audit
from truc.operating.terminal import order, ordered, reading, writing
from truc.services import notice_terms, notice_wishes
from truc.services.notice_wishes import Wants, Wish
from truc.store.opened import Transaction

STATES = ("waiting", "given", "sent", "undelivered", "no_address")
WANTS = click.Choice(["as_asked", "all", "obligatory"])
_COUNTS = text("SELECT state, channel, count(*) AS notices FROM notices GROUP BY 1, 2 ORDER BY 1, 2")
_OF_STATE = text(
    """
    SELECT event_key, kind, dossier_code, channel, tried, reason, state_at FROM notices
    WHERE state = :state ORDER BY state_at DESC, event_key LIMIT :most
    """
)


@click.group(help="Notices to citizens, and how they want to hear.")
def notices() -> None:
    """Group the commands."""


@notices.command("list", help="Count notices by state and channel, or list those of one state, newest first.")
@click.option("--state", type=click.Choice(STATES), help="undelivered: no channel was left, with its reason.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="At most so many.")
def list_(state: str | None, limit: int) -> None:
    """Print one line for each."""
    with reading() as transaction:
        _print(_counted(transaction) if state is None else _listed(transaction, state, limit), "no notice")


@notices.command("show", help="Show what the citizen of a dossier was told, and by which channel.")
@click.argument("dossier_code")
def show(dossier_code: str) -> None:
    """Print one line for each notice, and what the citizen wishes."""
    with reading() as transaction:
        wish = notice_wishes.wish(transaction, dossier_code)
        click.echo(f"channel {wish.channel or 'as the province orders them'}; wants {wish.wants}")
        found = notice_wishes.of_dossier(transaction, dossier_code) or []
    _print(
        (f"{one.event_key}  {one.kind}  {one.state}  {one.channel or '-'}  {one.reason}".rstrip() for one in found),
        "nothing was told",
    )


@notices.command("wish", help="Keep how a dossier's citizen wants to hear, of this and all other dossiers of theirs.")
@click.argument("dossier_code")
@click.option("--channel", default="", help="A party that notifies; without it the province's order.")
@click.option("--wants", type=WANTS, default="as_asked", show_default=True, help="Of which events.")
@ordered
def wish(dossier_code: str, channel: str, wants: str, why: str, actor: str) -> None:
    """Print what is kept."""
    by = order(actor, why)
    with writing() as transaction:
        notice_wishes.keep_wish(transaction, dossier_code, Wish(channel=channel, wants=cast(Wants, wants)))
        audit.note(transaction, by, "notice_wish", f"dossier {dossier_code}", f"channel {channel or '-'}, {wants}")
    click.echo(f"{dossier_code}: channel {channel or 'as the province orders them'}; wants {wants}")


@notices.command("terms", help="Show what the province settled: channels in order, quiet hours, kinds that are sent.")
def terms() -> None:
    """Print one line for each."""
    settled = notice_terms.read()
    for party in settled.channels:
        click.echo(f"channel {party}: {'in use' if connections.has(party) else 'no connection'}")
    quiet = settled.quiet
    click.echo(f"quiet   {'none' if quiet.begins == quiet.ends else f'{quiet.begins:%H:%M}-{quiet.ends:%H:%M}'}")
    click.echo(f"kinds   {', '.join(sorted(settled.kinds))}")


def _counted(transaction: Transaction) -> Iterator[str]:
    for row in transaction.sql.execute(_COUNTS).all():
        yield f"{row.state:<12} {row.channel or '-':<18} {row.notices:>10}"


def _listed(transaction: Transaction, state: str, most: int) -> Iterator[str]:
    rows: list[Row[Any]] = list(transaction.sql.execute(_OF_STATE, {"state": state, "most": most}))
    for row in rows:
        at = f"{row.state_at.astimezone(BUSINESS_ZONE):%Y-%m-%d %H:%M}"
        tried = ",".join(row.tried) or "-"
        yield f"{at}  {row.event_key}  {row.kind}  {row.dossier_code}  {tried}  {row.reason}".rstrip()


def _print(lines: Iterator[str], nothing: str) -> None:
    shown = False
    for line in lines:
        shown = True
        click.echo(line)
    if not shown:
        click.echo(nothing)
