"""Asks a party about one transaction of its own, and shows it beside our order: for a person; nothing is booked."""

from collections.abc import Iterator
from contextlib import closing
from typing import Protocol, cast

from truc import parties
from truc.connections import Connection
from truc.domain.money import format_vnd
from truc.errors import SetupError
from truc.messages import PaymentResult
from truc.operating import doubts
from truc.store import payments
from truc.store.opened import Transaction

GIVEN = "transaction"
KIND = "inquiry"  # mappings.<party>.inquiry reads what the client gives


class SaysTransactions(Protocol):
    """A client that can be asked about one transaction."""

    def get_transaction(self, transaction_id: str) -> bytes:
        """Return the party's word as its mapping reads it; RejectedError `not_found` where it knows none."""


def ask(connection: Connection, transaction_id: str) -> PaymentResult:
    """Return the party's word on its transaction. SetupError `unsupported` for a party that says nothing of one."""
    with closing(parties.open_client(connection)) as client:
        if not parties.gives(client, GIVEN):
            raise SetupError(f"{connection.party}: says nothing of single transactions", reason="unsupported")
        body = cast(SaysTransactions, client).get_transaction(transaction_id)
    (result,) = parties.reader(connection.party, KIND)(body)
    if not isinstance(result, PaymentResult):
        raise TypeError(f"mappings.{connection.party}.{KIND} reads no PaymentResult")
    return result


def shown(transaction: Transaction, party: str, result: PaymentResult) -> Iterator[str]:
    """Yield the word and, below it, our order with what does not agree."""
    amount = format_vnd(result.amount_vnd)
    yield f"{party} says {result.state} {amount} of {result.our_reference}, its transaction {result.partner_reference}"
    row = payments.find_named(transaction, result.our_reference)
    if row is None:
        yield "  no payment of ours has that reference"
        return
    yield f"  ours: {doubts.told(row)}"
    if row.party != party:
        yield "  it was ordered through another party"
    if row.amount_vnd != result.amount_vnd:
        yield "  the amount is not our order's"
