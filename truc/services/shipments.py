"""Orders the post at once when a citizen registers for it, and books what the post tells."""

from datetime import datetime

from sqlalchemy import select

from truc.domain.areas import province_name
from truc.domain.calendar import local_day
from truc.domain.postage import postage_vnd
from truc.errors import MalformedError
from truc.exchange import outbox
from truc.manifest import Event
from truc.messages import Person, PostalRequested
from truc.store import shipments
from truc.store.opened import Transaction
from truc.store.tables.catalogue import AGENCIES


def request_return(
    transaction: Transaction,
    dossier_code: str,
    *,
    agency_code: str,
    agency_name: str,
    applicant: Person,
    requested_at: datetime,
) -> str:
    """Book the return of a dossier's result by post and order it; return the order number.

    Raise MalformedError when the applicant gave no address or province, or one that no province has or had.
    """
    if not applicant.address or not applicant.province_code:
        raise MalformedError(
            "applicant: a postal return needs `address` and `province_code`", reason="postal_address_missing"
        )
    home = home_province(transaction, agency_code)
    fee_vnd = postage_vnd(applicant.province_code, home, ordered_on=local_day(requested_at))
    order_number = f"{dossier_code}-R1"
    shipments.create(
        transaction,
        order_number=order_number,
        dossier_code=dossier_code,
        direction="return",
        fee_vnd=fee_vnd,
        requested_at=requested_at,
    )
    # An office is found by its name and province; the catalogue holds no street.
    address = f"{agency_name}, {province_name(home)}"
    sender = Person(kind="organisation", name=agency_name, address=address, province_code=home)
    message = PostalRequested(
        order_number=order_number,
        dossier_code=dossier_code,
        direction="return",
        sender=sender,
        receiver=applicant,
        fee_vnd=fee_vnd,
    )
    outbox.publish(transaction, Event.POSTAL_REQUESTED, message, key=order_number, external_id=order_number)
    return order_number


def home_province(transaction: Transaction, agency_code: str) -> str:
    """Return the area code of the province at the top of the agency's identifier."""
    root, _, _ = agency_code.partition(".")
    found = transaction.sql.execute(select(AGENCIES.c.area_code).where(AGENCIES.c.code == root)).scalar()
    if found is None:
        raise MalformedError(f"agency_code: {root!r} has no area code in the catalogue", reason="unknown_agency")
    return str(found)
