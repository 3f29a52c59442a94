"""`truc reconcile breaks|explain|…|sign`: the finance work at a terminal, over the same functions as the pages."""

import getpass
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from truc import settings
from truc.domain.calendar import local_day
from truc.domain.money import format_vnd
from truc.exchange.journal.signatures import hub_key, public_key
from truc.operating import audit, break_explained
from truc.operating import breaks as deeds
from truc.operating.terminal import hub_store, reading, writing
from truc.reconcile.reading import breaks as reading_breaks
from truc.reconcile.reading.breaks import BUCKETS, Wanted
from truc.reconcile.words import BREAK_CLASSES, PROPOSALS, REASONS, STATES
from truc.reconcile.work import breaks as work
from truc.reconcile.work import roles, sign_off
from truc.reconcile.work.roles import Actor, Role
from truc.services import booking
from truc.store.breaks import clock
from truc.store.opened import Transaction

Command = Callable[..., Any]
DAY = click.DateTime(["%Y-%m-%d"])
LANG = click.option(
    "--lang", type=click.Choice(["vi", "en"]), default="vi", show_default=True, help="In which language."
)
REMARK = click.option("--remark", required=True, help="Why, in words; it is kept.")


def acting(*allowed: Role) -> Callable[[Command], Command]:
    """Give a command the options that say who acts and as what; by default the user of this machine."""

    def with_options(command: Command) -> Command:
        choice = click.Choice([one.value for one in allowed])
        command = click.option("--role", type=choice, default=allowed[0].value, show_default=True, help="As what.")(
            command
        )
        return click.option("--actor", default="", help="Who acts; default: the user of this machine.")(command)

    return with_options


@click.command("breaks", help="List breaks, oldest first.")
@click.option("--party", default="", help="Only this party's.")
@click.option("--since", type=DAY, help="Of this day or later.")
@click.option("--until", type=DAY, help="Of this day or earlier.")
@click.option(
    "--class", "break_class", type=click.Choice(list(BREAK_CLASSES)), default=None, help="Only of this class."
)
@click.option("--state", type=click.Choice([*STATES, "unresolved"]), default="unresolved", show_default=True)
@click.option("--assignee", default="", help="Only what is given to this person; - for nobody's.")
@click.option("--bucket", type=click.Choice(list(BUCKETS)), default=None, help="Only of this age, in days.")
@click.option("--text", default="", help="Only where a reference or the id holds this.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 500), help="At most so many.")
@LANG
def breaks_(**given: Any) -> None:
    """Print one line for each, and how many there are."""
    wanted = Wanted(
        party=given["party"],
        since=_day(given["since"]),
        until=_day(given["until"]),
        break_class=given["break_class"] or "",
        state=given["state"],
        assignee=given["assignee"],
        bucket=given["bucket"] or "",
        text=given["text"],
        page_size=given["limit"],
    )
    with reading() as transaction:
        page = reading_breaks.list_breaks(transaction, wanted, today=_today(transaction))
    for line in page.lines:
        click.echo(break_explained.told(line, given["lang"]))
    click.echo(f"{page.found}: {format_vnd(page.at_risk_vnd)}")


@click.command("explain", help="Tell why a break is what it is: class, rule, what was tried, the sides, the steps.")
@click.argument("break_id")
@click.option("--sql", "with_sql", is_flag=True, help="Also print the SQL of the steps that decided.")
@LANG
def explain(break_id: str, *, with_sql: bool, lang: Any) -> None:
    """Print it."""
    with reading() as transaction:
        seen = reading_breaks.get_break(transaction, break_id, today=_today(transaction))
        lines = list(break_explained.explained(transaction, seen, lang, with_sql=with_sql))
    for line in lines:
        click.echo(line)


@click.command("assign", help="Give breaks to somebody; all or none.")
@click.argument("break_ids", nargs=-1, required=True)
@click.option("--to", required=True, help="To whom; an empty text takes them back.")
@click.option("--remark", default="", help="What they should know.")
@acting(Role.CLERK)
def assign(break_ids: tuple[str, ...], to: str, remark: str, actor: str, role: str) -> None:
    """Print how many changed hands."""
    by = _actor(actor, role)
    with writing() as transaction:
        count = work.assign(transaction, break_ids, to=to, by=by, remark=remark)
        _note(transaction, by, "assign breaks", " ".join(break_ids)[:500], f"to {to or 'nobody'}: {count}")
    click.echo(f"{count} given to {to or 'nobody'}")


@click.command("comment", help="Write a remark into a break's life.")
@click.argument("break_id")
@REMARK
@acting(Role.CLERK, Role.APPROVER)
def comment(break_id: str, remark: str, actor: str, role: str) -> None:
    """Print nothing but that it is kept."""
    by = _actor(actor, role)
    with writing() as transaction:
        work.comment(transaction, break_id, by=by, remark=remark)
    click.echo("kept")


@click.command("attach", help="Keep a file with a break, sealed.")
@click.argument("break_id")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@acting(Role.CLERK)
def attach(break_id: str, file: Path, actor: str, role: str) -> None:
    """Print its number."""
    by, body = _actor(actor, role), file.read_bytes()
    with writing() as transaction:
        number = work.attach(transaction, break_id, by=by, name=file.name, body=body)
    click.echo(f"attachment {number}")


@click.command("propose", help="Propose how to end a break.")
@click.argument("break_id")
@click.argument("proposal", type=click.Choice(list(PROPOSALS)))
@click.option("--reason", "reason_code", required=True, type=click.Choice([one for one in REASONS if one != "carried"]))
@REMARK
@acting(Role.CLERK)
def propose(break_id: str, proposal: str, *, actor: str, role: str, **why: str) -> None:
    """Print that a second person approves it."""
    by = _actor(actor, role)
    with writing() as transaction:
        work.propose(
            transaction, break_id, by=by, proposal=proposal, reason_code=why["reason_code"], remark=why["remark"]
        )
    click.echo(f"{proposal}: waits for a second person")


@click.command("carry", help="Say of breaks that they go on to the next day, seen; all or none.")
@click.argument("break_ids", nargs=-1, required=True)
@REMARK
@acting(Role.CLERK)
def carry(break_ids: tuple[str, ...], remark: str, actor: str, role: str) -> None:
    """Print how many."""
    by = _actor(actor, role)
    with writing() as transaction:
        count = work.carry_forward(transaction, break_ids, by=by, remark=remark)
        _note(transaction, by, "carry breaks forward", " ".join(break_ids)[:500], str(count))
    click.echo(f"{count} carried forward")


@click.command("approve", help="Approve a proposal as a second person; what is to be done is done.")
@click.argument("break_id")
@click.option("--remark", default="", help="What is to be kept with it.")
@acting(Role.APPROVER)
def approve(break_id: str, remark: str, actor: str, role: str) -> None:
    """Print what became of it."""
    by = _actor(actor, role)
    with hub_store() as store:
        outcome = deeds.approve(store, break_id, by=by, book=booking.booker(store), remark=remark)
        with store.begin() as transaction:
            _note(transaction, by, "approve break", break_id, outcome.proposal)
    click.echo(f"{outcome.proposal}: {outcome.state}" + (f"; {outcome.done}" if outcome.done else ""))


@click.command("reject", help="Refuse a proposal; the break goes back to who made it.")
@click.argument("break_id")
@REMARK
@acting(Role.APPROVER)
def reject(break_id: str, remark: str, actor: str, role: str) -> None:
    """Print where it is."""
    by = _actor(actor, role)
    with writing() as transaction:
        work.reject(transaction, break_id, by=by, remark=remark)
        _note(transaction, by, "reject break", break_id)
    click.echo("given back")


def of_day(command: Command) -> Command:
    """Give a command the options that name a party's day."""
    command = click.option("--day", "business_on", type=DAY, required=True, help="The business day.")(command)
    return click.option("--party", required=True, help="Whose day.")(command)


@click.command("prepare", help="Prepare a day for signing: its breaks are resolved or carried forward.")
@of_day
@click.option("--open-limit-vnd", default=0, show_default=True, type=click.IntRange(0), help="So much may be open.")
@click.option("--open-limit-count", default=0, show_default=True, type=click.IntRange(0), help="So many may be open.")
@acting(Role.CLERK)
def prepare(party: str, business_on: datetime, actor: str, role: str, **limits: int) -> None:
    """Print the hash that is to be signed."""
    by = _actor(actor, role)
    with writing() as transaction:
        content_hash = sign_off.prepare(
            transaction,
            party,
            business_on.date(),
            by=by,
            open_limit_vnd=limits["open_limit_vnd"],
            open_limit_count=limits["open_limit_count"],
        )
        _note(transaction, by, "prepare day", f"{party} {business_on:%Y-%m-%d}", content_hash)
    click.echo(content_hash)


@click.command("withdraw", help="Take the preparation of a day back.")
@of_day
@REMARK
@acting(Role.CLERK, Role.APPROVER)
def withdraw(party: str, business_on: datetime, remark: str, actor: str, role: str) -> None:
    """Print that it is open again."""
    by = _actor(actor, role)
    with writing() as transaction:
        sign_off.withdraw(transaction, party, business_on.date(), by=by, remark=remark)
        _note(transaction, by, "withdraw day", f"{party} {business_on:%Y-%m-%d}")
    click.echo("open again")


@click.command("sign", help="Sign a prepared day as a second person; it is locked then.")
@of_day
@click.option("--hash", "content_hash", required=True, help="What `prepare` printed: what you sign.")
@acting(Role.APPROVER)
def sign(party: str, business_on: datetime, content_hash: str, actor: str, role: str) -> None:
    """Print that it is signed."""
    from truc.reconcile.report.signed import sign_with_minutes  # no other command of these needs fonts and PDF

    by = _actor(actor, role)
    key = hub_key(settings.load().secrets)
    with writing() as transaction:
        sign_with_minutes(transaction, party, business_on.date(), by=by, content_hash=content_hash, signer=key)
        _note(transaction, by, "sign day", f"{party} {business_on:%Y-%m-%d}", content_hash)
    click.echo(f"{party} {business_on:%Y-%m-%d} is signed by {by.name}")


@click.command("verify", help="Check a signed day against the rows as they are now.")
@of_day
@click.option("--key", default="", help="The public key, 64 hexadecimal digits; default: this installation's.")
def verify(party: str, business_on: datetime, key: str) -> None:
    """Print what holds; end with an error where something does not."""
    used = public_key(key) if key else hub_key(settings.load().secrets).public_key()
    with reading() as transaction:
        found = sign_off.verify(transaction, party, business_on.date(), key=used)
    if not found.holds:
        raise click.ClickException(f"does not hold: {', '.join(found.broken)}")
    click.echo("holds")


work_commands: tuple[click.Command, ...] = (
    breaks_,
    explain,
    assign,
    comment,
    attach,
    propose,
    carry,
    approve,
    reject,
    prepare,
    withdraw,
    sign,
    verify,
)


def _actor(name: str, role: str) -> Actor:
    return roles.actor(name or getpass.getuser(), Role(role))


def _note(transaction: Transaction, by: Actor, action: str, target: str, detail: str = "") -> None:
    """A name at a terminal is only said: the audit log has who was logged in."""
    order = audit.order(by.name, f"at the terminal of {getpass.getuser()}")
    audit.note(transaction, order, action, target, detail)


def _day(given: datetime | None) -> date | None:
    return None if given is None else given.date()


def _today(transaction: Transaction) -> date:
    return local_day(clock(transaction))
