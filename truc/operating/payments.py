"""`truc payments …`: where payments stand, which are in doubt, and what a person does about it."""

from datetime import UTC, datetime
from typing import Any

import click

from truc import connections
from truc.domain.payment_states import State
from truc.operating import doubts, inquiry
from truc.operating.commands import Instant
from truc.operating.doubts import Verdict
from truc.operating.terminal import order, ordered, reading, writing
from truc.services import refunds
from truc.services.refunds import RefundWish

STATES = click.Choice([one.value for one in State])
VERDICTS = click.Choice([one.value for one in Verdict])
LIMIT = click.IntRange(1, 10_000)


@click.group(help="Payments, their doubts and their refunds.")
def payments() -> None:
    """Group the commands."""


@payments.command("list", help="Count payments by party and state, or list those of one state.")
@click.option("--party", default="", help="Only this party's.")
@click.option("--state", type=STATES, help="List the payments in this state, newest first.")
@click.option("--limit", default=50, show_default=True, type=LIMIT, help="At most so many.")
def list_(party: str, state: str | None, limit: int) -> None:
    """Print one line for each."""
    with reading() as transaction:
        if state is None:
            lines = [doubts.counted(one) for one in doubts.counts(transaction, party)]
        else:
            lines = [doubts.told(one) for one in doubts.of_state(transaction, state, party=party, limit=limit)]
    _print(lines, "no payment")


@payments.command("show", help="Show one payment: its state, every word said of it, its refunds.")
@click.argument("reference")
def show(reference: str) -> None:
    """Print it."""
    with reading() as transaction:
        lines = list(doubts.shown(transaction, reference))
    _print(lines, "")


@payments.command("doubts", help="Show the payments in doubt, with the next step and its owner, oldest first.")
@click.option("--party", default="", help="Only this party's.")
@click.option("--owner", default="", help="Only what waits for this owner: hub, finance, or a name.")
@click.option("--limit", default=50, show_default=True, type=LIMIT, help="At most so many.")
def doubts_(party: str, owner: str, limit: int) -> None:
    """Print one line for each."""
    with reading() as transaction:
        lines = [doubts.told(one) for one in doubts.in_doubt(transaction, party=party, owner=owner, limit=limit)]
    _print(lines, "no payment is in doubt")


@payments.command("ask", help="Have the party asked about a payment in the next run, not only when it is due.")
@click.argument("reference")
@ordered
def ask(reference: str, why: str, actor: str) -> None:
    """Print that it is due now."""
    with writing() as transaction:
        doubts.ask_now(transaction, reference, order(actor, why))
    click.echo(f"{reference} is due: the next run of its party's ask_payments asks")


@payments.command("inquire", help="Ask a party about one transaction of its own, and show it beside our order.")
@click.argument("party")
@click.argument("transaction_id")
def inquire(party: str, transaction_id: str) -> None:
    """Print its word; nothing is booked."""
    result = inquiry.ask(connections.read(party), transaction_id)
    with reading() as transaction:
        lines = list(inquiry.shown(transaction, party, result))
    _print(lines, "")


@payments.command("resolve", help="End a doubt, as a person found out, or say what comes next and who does it.")
@click.argument("reference")
@click.argument("verdict", type=VERDICTS)
@click.option("--owner", default="", help="With next steps: who does it.")
@click.option("--partner-reference", default="", help="With paid or refunded: the partner's transaction.")
@click.option("--at", "at", type=Instant(), help="With paid or refunded: when the money moved.")
@ordered
@click.option("--dry-run", is_flag=True, help="Only show what it would become.")
def resolve(reference: str, verdict: str, *, why: str, actor: str, dry_run: bool, **proof: Any) -> None:
    """Print what it became."""
    found = doubts.Finding(reference=reference, verdict=Verdict(verdict), **proof)
    if dry_run:
        with reading() as transaction:
            click.echo(f"{reference}: would become {doubts.check(transaction, found)}")
        click.echo("a dry run: nothing was changed")
        return
    with writing() as transaction:
        state = doubts.resolve(transaction, found, order(actor, why))
    click.echo(f"{reference} is {state}")


@payments.command("refund", help="Give money back, wholly or in part, through the party that took it.")
@click.argument("reference")
@click.argument("amount_vnd", type=click.IntRange(1))
@ordered
@click.option("--as", "name", default="", help="The refund's name: one goes once; default: payment and amount.")
@click.option("--dry-run", is_flag=True, help="Only check it.")
def refund(reference: str, amount_vnd: int, *, why: str, actor: str, name: str, dry_run: bool) -> None:
    """Print the refund's reference."""
    by = order(actor, why)
    wish = RefundWish(
        source="truc payments",
        source_reference=name or f"{reference}/{amount_vnd}",
        our_reference=reference,
        amount_vnd=amount_vnd,
        actor=by.actor,
        reason=by.reason,
        requested_at=datetime.now(UTC),
    )
    if dry_run:
        with reading() as transaction:
            refunds.check(transaction, wish)
        click.echo(f"{reference}: {amount_vnd} đồng can go back; a dry run: nothing was changed")
        return
    with writing() as transaction:
        made, new = doubts.refund(transaction, wish, by)
    click.echo(f"{made}: {'asked for' if new else 'was asked for before; nothing was changed'}")


def _print(lines: list[str], nothing: str) -> None:
    for line in lines or [nothing]:
        click.echo(line)
