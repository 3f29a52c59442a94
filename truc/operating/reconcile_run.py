"""`truc reconcile run`: reconciles a party's day from the stores, and says what was found."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import cast

import click

from truc.domain.money import format_vnd
from truc.errors import MalformedError
from truc.operating.terminal import hub_store
from truc.reconcile import gate
from truc.reconcile.daily import day as reconcile_day
from truc.reconcile.daily.day import Reconciled
from truc.reconcile.words import BREAK_CLASSES, Lang, Words, said
from truc.store.opened import Store

TEXT: Mapping[str, Words] = {
    "new": Words("phiên bản {version}", "version {version}"),
    "same": Words("phiên bản {version}, dữ liệu không đổi", "version {version}, nothing new came"),
    "matched": Words("Khớp", "Matched"),
    "breaks": Words("Chênh lệch", "Breaks"),
    "none": Words("không có", "none"),
    "difference": Words("Sổ của ta trừ sao kê", "Our books less the statement"),
    "waits": Words("chưa đối soát được", "cannot be reconciled yet"),
}


@click.command(help="Reconcile a party's day: its ledger, statement, receipts and remittance.")
@click.option("--party", required=True, help="Whose day.")
@click.option("--day", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The business day, e.g. 2026-11-20.")
@click.option("--lang", type=click.Choice(["vi", "en"]), default="vi", show_default=True, help="In which language.")
def run(*, party: str, day: datetime, lang: str) -> None:
    """Print what was found; end with 1 and the reason where the statement is not whole, or the day is signed."""
    with hub_store() as store:
        found = reconcile(store, party, day.date(), cast(Lang, lang))
    for line in told(found, cast(Lang, lang)):
        click.echo(line)


def reconcile(store: Store, party: str, business_on: date, lang: Lang) -> Reconciled:
    """Reconcile the day where its gate is open. Raise ClickException with the reason where it is not, or is signed."""
    waits = f"{party} {business_on:%d/%m/%Y} {said(TEXT, 'waits', lang)}"
    try:
        with store.begin() as transaction:
            judged = gate.judge(transaction, party, business_on)
            found = reconcile_day.reconcile(transaction, party, business_on) if judged.is_open else None
    except MalformedError as error:
        raise click.ClickException(f"{waits} [{error.reason}] {error}") from error
    if found is None:
        raise click.ClickException(f"{waits} [{judged.reason}] {judged.text}")
    return found


def told(found: Reconciled, lang: Lang) -> Iterator[str]:
    """Yield what was found, line by line."""
    version = said(TEXT, "new" if found.new else "same", lang).format(version=found.version)
    yield f"{found.party} {found.business_on:%d/%m/%Y}, {version}"
    yield f"  {said(TEXT, 'matched', lang)}: {found.matched}"
    yield f"  {said(TEXT, 'breaks', lang)}: {sum(found.breaks.values()) or said(TEXT, 'none', lang)}"
    for break_class, count in found.breaks.items():
        yield f"    {said(BREAK_CLASSES, break_class, lang)} [{break_class}]: {count}"
    yield f"  {said(TEXT, 'difference', lang)}: {format_vnd(found.difference_vnd)}"
