"""`truc remittance …`: terms, orders to the State Treasury, what a person does about one, what is not settled."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import click

from truc.domain import remittance_terms
from truc.domain.calendar import local_day
from truc.domain.money import format_vnd
from truc.domain.remittance import AgencyDay, State, agency_days
from truc.operating import audit
from truc.operating.showing import at as told_at
from truc.operating.terminal import order, ordered, reading, writing
from truc.services import clearing, settlements
from truc.services import remittance as service
from truc.services.clearing import Unsettled
from truc.store import remittance as store
from truc.store.opened import Transaction
from truc.store.remittance import Order

DAY = click.DateTime(["%Y-%m-%d"])
FILE = click.Path(dir_okay=False, path_type=Path, exists=True)
AMOUNT = click.IntRange(min=1)
STATES = click.Choice([one.value for one in State])


@click.group(help="Money collected for agencies: orders to the State Treasury, and what is not settled.")
def remittance() -> None:
    """Group the commands."""


@remittance.command("terms", help="Have the terms of a TOML file hold: accounts, sub-items, fees, banks.")
@click.argument("file", type=FILE)
@ordered
def terms_(file: Path, why: str, actor: str) -> None:
    """Print how many rows of each hold then."""
    by, given = order(actor, why), remittance_terms.read(file.read_text(encoding="utf-8"))
    counts = f"{len(given.accounts)} accounts, {len(given.sub_items)} sub-items, {len(given.fees)} fee rules"
    with writing() as transaction:
        service.keep_terms(transaction, given, local_day(datetime.now(UTC)))
        audit.note(transaction, by, "terms of remittance", file.name, counts)
    click.echo(f"{counts}, {len(given.banks)} banks")


@remittance.command("owed", help="Show what each agency is owed of a day and the days before, and no order pays.")
@click.option("--day", type=DAY, required=True, help="Business day, YYYY-MM-DD.")
def owed(day: datetime) -> None:
    """Print one line for each agency and business day, for agencies that have an account at the treasury."""
    with reading() as transaction:
        terms = store.terms(transaction)
        items = store.open_items(transaction, day.date(), sorted(terms.agencies))
        without = store.without_terms(transaction, day.date(), sorted(terms.agencies))
    _print(
        [_owed(one) for one in agency_days(items, terms)]
        + [f"{one.agency_code:<16} {format_vnd(one.vnd):>18}  no account at the treasury" for one in without]
    )


@remittance.command("list", help="List orders of a day, or those in a state.")
@click.option("--day", type=DAY, help="Of this business day.")
@click.option("--state", type=STATES, help="In this state.")
def list_(day: datetime | None, state: str | None) -> None:
    """Print one line for each."""
    with reading() as transaction:
        found = store.orders(
            transaction, business_on=None if day is None else day.date(), states=[state] if state else []
        )
    _print([told(one) for one in found])


@remittance.command("show", help="Show one order: what it pays, every word on it.")
@click.argument("reference")
def show(reference: str) -> None:
    """Print it."""
    with reading() as transaction:
        lines = list(_shown(transaction, reference))
    _print(lines)


@remittance.command("release", help="Let what a refused order was to pay be ordered again.")
@click.argument("reference")
@ordered
def release(reference: str, why: str, actor: str) -> None:
    """Print where it stands then."""
    by = order(actor, why)
    with writing() as transaction:
        service.release(transaction, reference, remark=by.reason)
        audit.note(transaction, by, "release remittance", reference)
    click.echo(f"{reference}: the next order of its agency pays what it was for")


@remittance.command("decide", help="End the doubt about an order, as you found it at the treasury.")
@click.argument("reference")
@click.argument("state", type=click.Choice(["confirmed", "refused"]))
@ordered
def decide(reference: str, state: Literal["confirmed", "refused"], why: str, actor: str) -> None:
    """Print where it stands then."""
    by = order(actor, why)
    with writing() as transaction:
        service.decide(transaction, reference, state, remark=by.reason, at=datetime.now(UTC))
        audit.note(transaction, by, f"decide remittance {state}", reference)
    click.echo(f"{reference}: {state}")


@remittance.command("identify", help="Say whose money a credit on our account was that no statement explains.")
@click.option("--bank", required=True, help="The party at which our account is.")
@click.option("--party", required=True, help="Whose money it was.")
@click.option("--as", "as_what", type=click.Choice(["payout", "fee_cover"]), required=True, help="What it was.")
@click.option("--amount", type=AMOUNT, required=True, help="Whole đồng.")
@click.option("--reference", required=True, help="The bank's own reference of the credit.")
@click.option("--on", type=DAY, required=True, help="The day of the credit.")
@ordered
def identify(why: str, actor: str, on: datetime, amount: int, **credit: Any) -> None:
    """Print whether it was booked, or was before."""
    by = order(actor, why)
    with writing() as transaction:
        booked = settlements.identify(transaction, amount_vnd=amount, on=on.date(), **credit)
        if booked:
            audit.note(transaction, by, f"identify {credit['as_what']} of {credit['party']}", credit["reference"])
    click.echo("booked" if booked else "was booked before")


@remittance.command("clearing", help="Show every account that is not zero, and what stands behind it.")
@click.option("--most", default=10, show_default=True, type=click.IntRange(1, 1000), help="Causes of each account.")
def clearing_(most: int) -> None:
    """Print the account with its balance, then its oldest causes and its breaks."""
    with reading() as transaction:
        found = clearing.report(transaction, most=most)
    _print([line for one in found for line in _unsettled(one)] or ["every account is zero"])


def told(one: Order) -> str:
    """Return an order as a line."""
    doubt = f" ({one.doubt})" if one.doubt else ""
    released = ", released" if one.released_at is not None else ""
    return (
        f"{one.remittance_reference} {one.business_on} {one.agency_code:<16} {one.chapter}/{one.sub_item}"
        f" {format_vnd(one.amount_vnd):>18} {one.state}{doubt}{released} since {told_at(one.state_at)}"
    )


def _shown(transaction: Transaction, reference: str) -> Iterator[str]:
    one = store.get(transaction, reference)
    yield told(one)
    yield f"  to {one.beneficiary}, account {one.account} at {one.treasury}, through {one.party} from {one.paid_from}"
    for line in store.summed(transaction, one.id):
        yield f"  {line.party:<18} {line.business_on} {line.what:<8} {line.items:>6} {format_vnd(line.vnd):>18}"
    for word in store.words(transaction, one.id):
        amount = "" if word.amount_vnd is None else f" {format_vnd(word.amount_vnd)}"
        remark = f" ({word.remark})" if word.remark else ""
        under = f" [{word.treasury_reference}]" if word.treasury_reference else ""
        yield f"  {told_at(word.heard_at)} {word.said}{amount}: {word.state_after}{under}{remark}"


def _owed(one: AgencyDay) -> str:
    kinds = ", ".join(f"{kind} {format_vnd(vnd)}" for kind, vnd in one.collected)
    less = f"; back {format_vnd(one.refunded_vnd)}, fees {format_vnd(one.fees_vnd)}"
    sign = "-" if one.owed_vnd < 0 else ""
    return f"{one.agency_code:<16} {_on(one.business_on)} {sign + format_vnd(abs(one.owed_vnd)):>18}  {kinds}{less}"


def _unsettled(one: Unsettled) -> Iterator[str]:
    yield f"{one.account:<32} {_signed(one.balance_vnd):>20}"
    for cause in one.behind:
        yield f"  {_on(cause.business_on)} {cause.cause:<40} {_signed(cause.vnd):>18}  {cause.why}"
    if one.causes > len(one.behind):
        yield f"  … and {one.causes - len(one.behind)} more"
    for found in one.breaks:
        at_risk = format_vnd(found.at_risk_vnd)
        yield f"  break {found.break_id} {found.break_class} {found.our_reference} {at_risk}"


def _on(day: date) -> str:
    return f"{day:%Y-%m-%d}"


def _signed(vnd: int) -> str:
    return ("-" if vnd < 0 else "") + format_vnd(abs(vnd))


def _print(lines: list[str]) -> None:
    for line in lines or ["nothing"]:
        click.echo(line)
