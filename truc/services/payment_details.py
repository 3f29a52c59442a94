"""What a payment is for, as its party is told: the dossier's fees unless the caller says otherwise."""

from sqlalchemy import select

from truc.domain.areas import province_name
from truc.domain.calendar import local_day
from truc.domain.payment_kinds import FeeDetails, Payer, PaymentDetails, lines_vnd, obligation_code
from truc.errors import MalformedError
from truc.store import catalogue, customers
from truc.store.opened import Transaction
from truc.store.tables.catalogue import PROCEDURE_VERSIONS
from truc.store.tables.dossiers import DOSSIERS

# ASCII: what a citizen reads on a bank's page, which may know no accents.
PURPOSES = {
    "fees": "Phi ho so",
    "fine": "Nop phat QD",
    "tax": "Nop thue",
    "insurance": "Nop bao hiem",
    "electricity": "Tien dien",
    "court_fee": "Tam ung an phi",
}


def of_dossier(transaction: Transaction, dossier_code: str) -> FeeDetails:
    """Return the fees of the dossier, paid by its applicant; raise MalformedError for an unknown dossier."""
    row = transaction.sql.execute(
        select(DOSSIERS, PROCEDURE_VERSIONS.c.procedure_key, PROCEDURE_VERSIONS.c.name)
        .join(PROCEDURE_VERSIONS, PROCEDURE_VERSIONS.c.id == DOSSIERS.c.procedure_version_id)
        .where(DOSSIERS.c.code == dossier_code)
    ).one_or_none()
    if row is None:
        raise MalformedError(f"dossier_code: no dossier {dossier_code!r}", reason="unknown_dossier")
    applicant = customers.read(transaction, row.applicant_id)
    payer = Payer(
        name=applicant.name,
        personal_id=applicant.personal_id,
        address=applicant.address[:500],
        province=_province(applicant.province_code),
    )
    return FeeDetails(
        payer=payer,
        dossier_code=dossier_code,
        procedure_code=row.procedure_key,
        procedure_name=row.name[:500],
        collecting_code=row.agency_code,
        collecting_name=catalogue.agency_name(transaction, row.agency_code, local_day(row.received_at)),
    )


def checked(
    transaction: Transaction, details: PaymentDetails | None, *, dossier_code: str, amount_vnd: int
) -> PaymentDetails:
    """Return the details, made from the dossier where none are given.

    Raise MalformedError when they name another dossier, or their lines do not add up to the amount.
    """
    if details is None:
        return of_dossier(transaction, dossier_code)
    if isinstance(details, FeeDetails) and details.dossier_code != dossier_code:
        raise MalformedError("details.dossier_code: must be the payment's own dossier", reason="details_of_another")
    total_vnd = lines_vnd(details)
    if total_vnd not in (None, amount_vnd):
        problem = f"details.lines: add up to {total_vnd:,} đồng, the payment is {amount_vnd:,}"
        raise MalformedError(problem, reason="lines_differ")
    return details


def purpose(details: PaymentDetails) -> str:
    """Return what the citizen reads where they pay, at most 150 characters."""
    return f"{PURPOSES[details.kind]} {obligation_code(details)}"[:150]


def _province(code: str) -> str:
    """A code that no list of today holds is told as it is: it is of the payer, and no reason to refuse a payment."""
    try:
        return province_name(code) if code else ""
    except MalformedError:
        return code
