"""Says where a dossier or a payment stands, for whoever handed it over; nothing of the person is told."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select

from truc.connections import Connection
from truc.domain.payment_states import State
from truc.domain.status import Status
from truc.domain.vietqr import VietQr, build
from truc.store.opened import Transaction
from truc.store.tables.dossiers import DOSSIERS
from truc.store.tables.money import PAYMENTS, RECEIPTS


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierStanding:
    """One dossier now."""

    dossier_code: str
    portal_code: str
    status: int
    status_name: str
    status_at: datetime
    due_at: datetime | None
    fee_vnd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStanding:
    """One payment now. `receipt` is series/year/number, "" before it is issued; `pay_url` is "" unless it is pending.

    `dossier_code` is "" for an obligation, which `kind` and `obligation_code` name. `doubt`, `next_step` and `owner`
    are "" unless the state is in_doubt. `vietqr` is the text of a transfer QR where the party has an account for it.
    """

    our_reference: str
    dossier_code: str
    party: str
    amount_vnd: int
    state: str
    pay_url: str
    paid_at: datetime | None
    receipt: str
    kind: str = "fees"
    obligation_code: str = ""
    refunded_vnd: int = 0
    doubt: str = ""
    next_step: str = ""
    owner: str = ""
    vietqr: str = ""


def of_dossier(transaction: Transaction, code: str) -> DossierStanding | None:
    """Return where the dossier stands, None for an unknown code."""
    row = transaction.sql.execute(select(DOSSIERS).where(DOSSIERS.c.code == code)).one_or_none()
    if row is None:
        return None
    return DossierStanding(
        dossier_code=row.code,
        portal_code=row.portal_code or "",
        status=row.status,
        status_name=Status(row.status).vietnamese,
        status_at=row.status_at,
        due_at=row.due_at,
        fee_vnd=row.fee_vnd,
    )


def of_payment(transaction: Transaction, our_reference: str) -> PaymentStanding | None:
    """Return where the payment stands, None for an unknown reference."""
    row = transaction.sql.execute(
        select(PAYMENTS, RECEIPTS.c.series, RECEIPTS.c.year, RECEIPTS.c.number)
        .outerjoin(RECEIPTS, RECEIPTS.c.payment_id == PAYMENTS.c.id)
        .where(PAYMENTS.c.our_reference == our_reference)
    ).one_or_none()
    if row is None:
        return None
    return PaymentStanding(
        our_reference=row.our_reference,
        dossier_code=row.dossier_code or "",
        party=row.party,
        amount_vnd=row.amount_vnd,
        state=row.state,
        pay_url=row.pay_url or "" if row.state == State.PENDING else "",
        paid_at=row.paid_at,
        receipt="" if row.number is None else f"{row.series}/{row.year}/{row.number}",
        kind=row.kind,
        obligation_code=row.obligation_code,
        refunded_vnd=row.refunded_vnd,
        doubt=row.doubt or "",
        next_step=row.next_step or "",
        owner=row.owner or "",
    )


def with_vietqr(standing: PaymentStanding, connection: Connection) -> PaymentStanding:
    """Return it with the text of a transfer QR, where it can be paid and the connection has `bank_bin` and `account`.

    Raise MalformedError when these settings are none of a QR.
    """
    bank_bin, account = connection.optional("bank_bin"), connection.optional("account")
    if not (bank_bin and account) or standing.state not in (State.CREATED, State.PENDING):
        return standing
    reference = standing.our_reference
    qr = VietQr(bank_bin=bank_bin, number=account, amount_vnd=standing.amount_vnd, purpose=reference)
    return replace(standing, vietqr=build(qr))
