"""What a pipeline does, one step each: called by the DAGs, the CLI and the tests alike."""

import logging
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from functools import partial
from pathlib import Path

from truc import parties
from truc.connections import Connection
from truc.domain.procedure import Procedure
from truc.envelope import Envelope, Receipt
from truc.errors import MalformedError, SetupError
from truc.exchange import correspondence, courier, inbox
from truc.exchange.inbox import Book, Origin
from truc.exchange.journal import closes, signatures, stamps
from truc.exchange.journal.chain import chain
from truc.exchange.outcomes import Claimed
from truc.manifest import Capability
from truc.messages import Inbound, Statement
from truc.parties import Client
from truc.reconcile import gate as reconcile_gate
from truc.reconcile.daily import stored_rows
from truc.reference import reading
from truc.reference.reading import SetAside
from truc.services import (
    asking,
    asking_parcels,
    booking,
    notice_daily,
    notice_round,
    postage_check,
    remittance,
    settlements,
    shipments,
)
from truc.settings import Settings
from truc.store import catalogue, statements
from truc.store.opened import Store, Transaction
from truc.store.reconciliation import is_signed

log = logging.getLogger(__name__)

PAGES_MAX = 10_000  # a feed longer than this loops


@dataclass(slots=True)
class Loaded:
    """What a load of the catalogue did. `unread` counts reasons why a wording has no value."""

    procedures: int = 0
    new_versions: int = 0
    set_aside: tuple[tuple[str, str], ...] = ()  # (item, reason) of what could not be read at all
    unread: Counter[str] = field(default_factory=Counter)


def load_catalogue(store: Store, path: Path | None = None) -> Loaded:
    """Load the shipped catalogue, or the file at `path` (our form or the national export's)."""
    if path is not None:
        return _load_procedures(store, reading.read_catalogue(path.read_bytes()), source="file")
    with store.begin() as transaction:
        catalogue.keep_agencies(transaction, reading.read_agencies())
        catalogue.keep_swapped_days(transaction, reading.read_swapped_days())
    return _load_procedures(store, reading.read_procedures(), source="shipped")


def deliver(store: Store, connection: Connection, operations: tuple[str, ...]) -> dict[str, int]:
    """Send what waits for the party and return outcome → count; an absent party is no failure of the step."""
    book = booking.booker(store)

    def on_receipt(transaction: Transaction, one: Claimed, receipt: Receipt) -> None:
        """A receipt that says something to us is kept and booked like any other message."""
        if not parties.reads_receipts(one.party, one.operation):
            return
        envelope = Envelope(one.party, one.operation, one.external_id, receipt.body, receipt.content_type)
        inbox.book_now(transaction, envelope, book=book)

    with closing(parties.open_client(connection)) as client:
        done = courier.deliver(store, client, connection.party, operations, on_receipt=on_receipt)
    asking.take_stock(store, connection.party)  # a payment whose request was stopped is in doubt from now on
    store.run(partial(shipments.take_stock, party=connection.party))
    store.run(partial(remittance.take_stock, party=connection.party))
    return {**done.counts, "unreachable": int(done.unreachable)}


def ask_payments(store: Store, connection: Connection, kinds: tuple[str, ...]) -> dict[str, int]:
    """Ask the party about payments that are due, book its answers, and return outcome → count.

    `kinds` names the one mapping that reads the answers. An absent party is no failure of the step.
    """
    [kind] = kinds
    with closing(parties.open_client(connection)) as client:
        done = asking.ask(store, client, connection.party, kind, book=booking.booker(store))
    return {**done.counts, "unreachable": int(done.unreachable)}


def ask_parcels(store: Store, connection: Connection, kinds: tuple[str, ...]) -> dict[str, int]:
    """Ask the post about open parcels one by one, book its answers, and return outcome → count.

    `kinds` names the one mapping that reads the answers. An absent party is no failure of the step.
    """
    [kind] = kinds
    with closing(parties.open_client(connection)) as client:
        done = asking_parcels.ask(store, client, connection.party, kind, book=booking.booker(store))
    return {**done.counts, "unreachable": int(done.unreachable)}


def check_postage(store: Store, connection: Connection, kinds: tuple[str, ...], on: date) -> dict[str, int]:
    """Hold the post's own prices against the fees we charge on that day, and return "from-to" → whole đồng.

    `kinds` names the one mapping of prices. Raise MalformedError ("postage_differs") for another price than ours.
    """
    [kind] = kinds
    with store.begin() as transaction:
        asked = postage_check.questions(transaction, on)
    with closing(parties.open_client(connection)) as client:
        return postage_check.check(client, connection.party, kind, asked, on)


def fetch(store: Store, connection: Connection, feeds: tuple[str, ...]) -> dict[str, int]:
    """Fetch what is new of feeds read by cursor, keep it page by page, then book what is kept."""
    try:
        with closing(parties.open_client(connection)) as client:
            for feed in feeds:
                _keep_new_pages(store, client, connection.party, feed)
    finally:  # what was kept before a failure is booked all the same
        booked = book_kept(store, connection.party, feeds)
    return booked


def fetch_day(store: Store, connection: Connection, feeds: tuple[str, ...], business_on: date) -> dict[str, int]:
    """Fetch the files of one business day, keep them, then book what is kept.

    Raise TransientError while a file has not been delivered.
    """
    kept: list[int] = []
    with closing(parties.open_client(connection)) as client:
        for feed in feeds:
            for page in parties.fetcher(client, feed)(business_on.isoformat()):
                with store.begin() as transaction:
                    kept.append(inbox.keep(transaction, page.envelope).inbox_id)
                    statements.asked_for(transaction, connection.party, business_on, kept[-1])
    # Only what this run asked for: a file of another day is the business of that day's run.
    return asdict(inbox.book_these(store, connection.party, kept, book=_of_day(business_on, booking.booker(store))))


def book_kept(store: Store, party: str, kinds: tuple[str, ...]) -> dict[str, int]:
    """Book every kept message of these kinds that is not booked yet."""
    return asdict(inbox.book_kept(store, party, kinds, book=booking.booker(store)))


def sweep(store: Store) -> dict[str, int]:
    """Chain what the journal has pending: receipts of what came in, and of couriers that ended before they could."""
    return {"chained": chain(store)}


def follow_notices(store: Store) -> dict[str, int]:
    """Bring on every notice that may go on and return outcome → count (truc.services.notice_round)."""
    return dict(notice_round.follow(store))


def remind_citizens(store: Store, today: date) -> dict[str, int]:
    """Give the notices of this day and return `kind.outcome` → count (truc.services.notice_daily)."""
    return dict(notice_daily.remind(store, today))


def close_day(store: Store, here: Settings) -> int:
    """Close the last business day that is over in every channel of the journal; return how many channels.

    Closes are time-stamped when an authority is configured. Raise TransientError while it does not answer: they
    are closed all the same, and the next run stamps them.
    """
    stamp = None
    if here.tsa_url:
        if here.tsa_ca_file is None:
            raise SetupError("TRUC_TSA_URL needs TRUC_TSA_CA_FILE: its answers are checked", reason="setting_missing")
        stamp = stamps.stamper(here.tsa_url, here.tsa_ca_file)
    return closes.close_day(store, signatures.hub_key(here.secrets), closes.last_day(store), stamp=stamp)


def in_use(store: Store, party: str) -> bool:
    """Tell whether this hub has had anything to do with the party: a message either way, a payment, a statement."""
    with store.begin() as transaction:
        return correspondence.exists_with(transaction, party) or stored_rows.in_use(transaction, party)


def to_reconcile(store: Store, business_on: date) -> list[str]:
    """Return the parties that deliver statements and that this hub has had anything to do with.

    Whose day is signed is not among them: it is never run again.
    """
    giving = [one.party for one in parties.with_capability(Capability.FETCH_STATEMENT)]
    with store.begin() as transaction:
        used = [one for one in giving if stored_rows.in_use(transaction, one)]
        return [one for one in used if not is_signed(transaction, one, business_on)]


def reconcile(store: Store, party: str, business_on: date) -> dict[str, object]:
    """Reconcile one party's day and return what was found.

    Raise TransientError with the gate's reason, which is kept, while the day's statement is not whole.
    """
    from truc.reconcile.daily import day as reconcile_day  # its engines take longer to import than most tasks run

    with store.begin() as transaction:
        gate = reconcile_gate.judge(transaction, party, business_on)
        found = reconcile_day.reconcile(transaction, party, business_on) if gate.is_open else None
    checks = " ".join(f"{one.name}={one.state}" for one in gate.checks)
    log.info("%s %s: statement version %d: %s", party, business_on, gate.version, checks or "no check made")
    if found is None:
        raise gate.waiting()
    log.info("%s %s: %d matched, breaks %s", party, business_on, found.matched, found.breaks)
    return {**asdict(found), "business_on": business_on.isoformat()}


def book_settlements(store: Store, business_on: date) -> int:
    """Have the ledger say what statements up to that day say of fees and payouts; return how many days it changed for.

    The days of the last month are looked at again: what came late may tell whose payout an older credit was.
    """
    with store.begin() as transaction:
        told = settlements.recent(transaction, business_on)
    return sum(store.run(partial(settlements.book, party=party, day=day)) for party, day in told)


def remit_collections(store: Store, business_on: date, at: datetime) -> dict[str, object]:
    """Order what is owed to agencies of that day; return the orders and, for what is held, agency and reason."""
    done = store.run(partial(remittance.order_day, business_on=business_on, at=at))
    for one in done.held:
        log.info("%s: %s is not remitted: %s", business_on, one.agency_code, one.reason)
    held = [asdict(one) for one in done.held]
    return {"orders": list(done.references), "amount_vnd": done.amount_vnd, "held": held}


def _keep_new_pages(store: Store, client: Client, party: str, feed: str) -> None:
    with store.begin() as transaction:
        cursor = inbox.cursor(transaction, party, feed)
    for number, page in enumerate(parties.fetcher(client, feed)(cursor), start=1):
        with store.begin() as transaction:
            inbox.keep_page(transaction, feed, page)
        if number >= PAGES_MAX:
            raise RuntimeError(f"{party} {feed}: over {PAGES_MAX} pages in one fetch")


def _of_day(business_on: date, book: Book) -> Book:
    """Refuse a file that is of another day than the one it was asked for."""

    def checked(transaction: Transaction, origin: Origin, item: Inbound) -> None:
        if isinstance(item, Statement) and item.business_on != business_on:
            raise MalformedError(
                f"business_on: the file is of {item.business_on}, {business_on} was asked for", reason="wrong_day"
            )
        book(transaction, origin, item)

    return checked


def _load_procedures(store: Store, items: Iterable[Procedure | SetAside], *, source: str) -> Loaded:
    loaded, aside, unread = Loaded(), [], Counter[str]()
    with store.begin() as transaction:
        for found in items:
            if isinstance(found, SetAside):
                aside.append((found.item, found.reason))
                continue
            loaded.procedures += 1
            loaded.new_versions += catalogue.keep_procedure(transaction, found, source=source)
            for terms in found.channels:
                unread.update(reason for reason in (terms.time_limit_reason, terms.fee_reason) if reason)
    loaded.set_aside, loaded.unread = tuple(aside), unread
    return loaded
