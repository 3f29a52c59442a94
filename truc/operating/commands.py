"""`truc exchange …`: what waits and what stopped, and what a person does about it."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from truc.domain.calendar import BUSINESS_ZONE
from truc.exchange import set_aside
from truc.operating import audit, correct, maintenance, repeat, replay, search, showing, sync, upkeep
from truc.operating.search import LIMIT, STATES, Wanted
from truc.operating.terminal import Command, hub_store, order, ordered, reading, writing
from truc.services import booking
from truc.store import drawers

FILE = click.Path(dir_okay=False, path_type=Path, exists=True)


class Instant(click.ParamType[datetime]):
    """An instant as a person writes it, YYYY-MM-DD or YYYY-MM-DDTHH:MM; without an offset in Vietnam's time."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return it aware."""
        try:
            at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time: write 2026-11-22 or 2026-11-22T08:30", param, ctx)
        return at if at.tzinfo else at.replace(tzinfo=BUSINESS_ZONE)


def _filtered(command: Command) -> Command:
    """Give a command the options that say which exchanges are meant."""
    for option in (
        click.option("--until", type=Instant(), help="Decided, or come, before."),
        click.option("--since", type=Instant(), help="Decided, or come, at or after."),
        click.option("--operation", "--kind", "kind", default="", help="This operation, feed or callback only."),
        click.option("--party", default="", help="This party's only."),
    ):
        command = option(command)
    return command


@click.group(help="Messages to and from partners.")
def exchange() -> None:
    """Group the commands."""


@exchange.command("list", help="Count messages by party, operation and state.")
def list_() -> None:
    """Print one line per party, operation and state; finished ones as they were tallied."""
    with reading() as transaction:
        found = search.counts(transaction)
    for direction, party, kind, state, times in found:
        click.echo(f"{direction:<3} {party:<18} {kind:<16} {state:<10} {times:>10}")
    _none(found, "no message yet")


@exchange.command("search", help="Find messages, out and in.")
@click.option("--dossier", default="", help="Of this dossier (its code); outgoing ones only.")
@click.option("--external-id", default="", help="Of this name.")
@click.option("--state", type=click.Choice(STATES), help="In this state.")
@click.option("--limit", default=LIMIT, show_default=True, type=click.IntRange(1, 10_000), help="At most so many.")
@click.option("--reason", default="", help="Stopped for this reason, as `set-aside` shows it.")
@_filtered
def search_(dossier: str, external_id: str, state: str | None, limit: int, **which: Any) -> None:
    """Print one line for each."""
    wanted = Wanted(**which, state=state or "")
    if sum((bool(dossier), bool(external_id), not wanted.is_all)) != 1:
        raise click.UsageError("say one thing: --dossier, or --external-id, or which party, operation, state and time")
    with reading() as transaction:
        if dossier:
            found = search.by_dossier(transaction, dossier, limit=limit)
        elif external_id:
            found = search.by_external_id(transaction, external_id)
        else:
            found = search.matching(transaction, wanted, limit=limit)
    for one in found:
        click.echo(showing.exchange(one))
    _none(found, "nothing found")
    if len(found) == limit:
        click.echo(f"only the first {limit}: say more exactly what you look for, or raise --limit", err=True)


@exchange.command("show", help="Show everything about one message but what its bytes say.")
@click.argument("number", type=int)
@click.option(
    "--body", "bodies", is_flag=True, help="Also the bytes: they hold personal data, so it is kept who looked."
)
@click.option("--reason", "why", default="", help="With --body: why.")
@click.option("--actor", default="", help="With --body: who; default: the user of this machine.")
def show(number: int, *, bodies: bool, why: str, actor: str) -> None:
    """Print it."""
    with reading() as transaction:
        for line in showing.detail(search.detail(transaction, number)):
            click.echo(line)
    if bodies:
        with hub_store() as store, store.begin() as transaction:
            found = showing.bodies(transaction, search.detail(transaction, number), order(actor, why))
        for role, body in found:
            click.echo(f"── {role}")
            click.echo(body.decode(errors="replace"))


@exchange.command("set-aside", help="Show what was set aside, with the reason, oldest first.")
@click.option("--party", default="", help="Only this party's.")
@click.option("--reason", default="", help="Only for this reason.")
@click.option("--kind", "--operation", "kind", default="", help="Only of this operation, feed or callback.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="At most so many.")
def show_set_aside(party: str, reason: str, kind: str, limit: int) -> None:
    """Print one line per open item."""
    with reading() as transaction:
        items = set_aside.open_items(transaction, party=party, kind=kind, reason=reason, limit=limit)
    for one in items:
        click.echo(showing.item(one))
    _none(items, "nothing is set aside")


@exchange.command("lines", help="Show the line to each partner: breaker, couriers, maintenance, what waits.")
def lines() -> None:
    """Print one line per party."""
    with reading() as transaction:
        found = search.lines(transaction)
    for one in found:
        click.echo(showing.line(one))


@exchange.command("replay", help="Replay messages that were stopped: these, or those of the filters. See --dry-run.")
@click.argument("numbers", type=int, nargs=-1)
@_filtered
@click.option("--having", default="", help="Stopped for this reason, as `set-aside` shows it.")
@ordered
@click.option("--dry-run", is_flag=True, help="Only show what would go, what would not, and why.")
@click.option(
    "--as", "name", default="", help="The replay's name: a set goes once under a name; default: the set's own."
)
@click.option(
    "--happened", "verdict", flag_value="happened", default="", help="A person found out: the partner has them."
)
@click.option(
    "--not-happened",
    "verdict",
    flag_value="not_happened",
    default="",
    help="A person found out: it does not have them.",
)
@click.option(
    "--again", is_flag=True, help="Send copies of messages that were sent, for a partner that lost its books."
)
def replay_(
    numbers: tuple[int, ...],
    *,
    dry_run: bool,
    name: str,
    verdict: replay.Verdict,
    again: bool,
    why: str,
    actor: str,
    having: str,
    **which: Any,
) -> None:
    """Print every message with what became, or would become, of it."""
    wanted, by = Wanted(**which, reason=having), order(actor, why)
    if again and (not name or verdict or having):
        raise click.UsageError("--again goes with --as, and with no verdict or --having")
    if numbers and not wanted.is_all:
        raise click.UsageError("give numbers or filters, not both")
    with hub_store() as store:
        with store.begin() as transaction:
            choose = repeat.sent if again else replay.stopped
            ids = list(numbers) or choose(transaction, wanted)
        if again and dry_run:
            plan = repeat.preview(store, ids, name=name)
        elif again:
            plan = repeat.send_again(store, ids, by, name=name)
        elif dry_run:
            plan = replay.preview(store, ids, name=name, verdict=verdict)
        else:
            plan = replay.replay(store, ids, by, book=booking.booker(store), name=name, verdict=verdict)
    for line in showing.plan(plan):
        click.echo(line)
    if dry_run:
        click.echo("a dry run: nothing was changed")


@exchange.command("correct", help="Put a corrected message into the place of one that was stopped.")
@click.argument("number", type=int)
@click.option("--file", "path", type=FILE, required=True, help="Outgoing: our message as JSON. Incoming: the bytes.")
@ordered
@click.option("--dry-run", is_flag=True, help="Only check it.")
@click.option(
    "--not-happened",
    "verdict",
    flag_value="not_happened",
    default="",
    help="A person found out: the partner has it not.",
)
def correct_(number: int, *, path: Path, why: str, actor: str, dry_run: bool, verdict: replay.Verdict) -> None:
    """Print the new message's number, or what is wrong with it."""
    by, body = order(actor, why), path.read_bytes()
    with reading() as transaction:
        outgoing = search.one(transaction, number).direction == "out"
        if outgoing:
            _, name = correct.check_outgoing(transaction, number, body, verdict=verdict)
            told = f"would be sent as {name}, in the place of exchange {number}"
        else:
            items, unread = correct.check_incoming(transaction, number, body)
            told = f"{items} items would be booked, {unread} of them cannot be read"
    if dry_run:
        click.echo(told)
        return
    with hub_store() as store:
        book = booking.booker(store)
        with store.begin() as transaction:
            if outgoing:
                new = correct.correct_outgoing(transaction, number, body, by, verdict=verdict)
                told = f"exchange {new} stands in the place of exchange {number}"
            else:
                done = correct.correct_incoming(transaction, number, body, by, book=book)
                told = f"{done.items} items booked, {done.set_aside} set aside"
    click.echo(told)


@exchange.command("drop", help="Give up a stopped message for good; the later ones of its key go on.")
@click.argument("number", type=int)
@ordered
def drop(number: int, why: str, actor: str) -> None:
    """Print that it is done."""
    with writing() as transaction:
        correct.drop(transaction, number, order(actor, why))
    click.echo(f"exchange {number} is given up")


@exchange.command("hold", help="Keep couriers off a party, until it is released or until a time.")
@click.argument("party")
@click.option("--until", type=Instant(), help="Until then; default: until it is released.")
@ordered
def hold(party: str, until: datetime | None, why: str, actor: str) -> None:
    """Print the window's number."""
    with writing() as transaction:
        window = maintenance.add(transaction, order(actor, why), party, until_at=until)
    click.echo(f"window {window}: {party} is not called")


@exchange.command("release", help="Let couriers call a party again.")
@click.argument("party")
@ordered
def release(party: str, why: str, actor: str) -> None:
    """Print how many windows were ended."""
    with writing() as transaction:
        ended = maintenance.release(transaction, order(actor, why), party)
    click.echo(f"{ended} windows ended: {party} is called again")


@exchange.group("maintenance", help="Times in which a party is not called.")
def maintenance_() -> None:
    """Group the commands."""


@maintenance_.command("list", help="Show the windows that stand or lie ahead.")
def list_windows() -> None:
    """Print one line for each."""
    with reading() as transaction:
        found = maintenance.windows(transaction)
    for one in found:
        click.echo(showing.window(one))
    _none(found, "no window")


@maintenance_.command("add", help="Add a window that lies ahead.")
@click.argument("party")
@click.option("--from", "from_at", type=Instant(), required=True, help="Its beginning.")
@click.option("--until", type=Instant(), required=True, help="Its end.")
@ordered
def add_window(party: str, from_at: datetime, until: datetime, why: str, actor: str) -> None:
    """Print its number."""
    with writing() as transaction:
        window = maintenance.add(transaction, order(actor, why), party, from_at=from_at, until_at=until)
    click.echo(f"window {window}")


@maintenance_.command("end", help="End a window now, or take back one that lies ahead.")
@click.argument("window", type=int)
@ordered
def end_window(window: int, why: str, actor: str) -> None:
    """Print that it is done."""
    with writing() as transaction:
        maintenance.end(transaction, order(actor, why), window)
    click.echo(f"window {window} is over")


exchange.add_command(sync.sync_statuses)


@exchange.command("audit", help="Show who did what, and why, oldest first.")
@click.option("--since", type=Instant(), help="At or after.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1), help="The newest so many.")
def audit_(since: datetime | None, limit: int) -> None:
    """Print one line per deed."""
    with reading() as transaction:
        found = audit.deeds(transaction, since=since, limit=limit)
    for one in found:
        click.echo(showing.deed(one))
    _none(found, "nothing was done yet")


@exchange.command("retention", help="Drop the drawers whose period is over; each night does the same.")
@click.option("--reason", "why", default=upkeep.REASON, show_default=True, help="Why; it is kept in the audit log.")
@click.option("--actor", default="", help="Who orders it; default: the user of this machine.")
@click.option("--dry-run", is_flag=True, help="Only show them.")
def retention(why: str, actor: str, *, dry_run: bool) -> None:
    """Print one line per drawer, and what still needs one."""
    by = order(actor, why)
    with hub_store() as store:
        with store.begin() as transaction:
            found, strays = drawers.old(transaction.sql), drawers.strays(transaction.sql)
        dropped = [] if dry_run else upkeep.drop_old(store, by)
    for line in showing.retention(found, dropped, strays):
        click.echo(line)


def _none(found: Sequence[object], words: str) -> None:
    if not found:
        click.echo(words)
