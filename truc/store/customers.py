"""The store of customers: people and organisations, sealed, found again by the blind index of their identifier."""

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from truc.messages import Person
from truc.store.opened import Transaction
from truc.store.tables.people import CUSTOMERS

INDEX_CONTEXT = "customers.identifier"


def keep(transaction: Transaction, person: Person) -> int:
    """Return the customer's id: the known one of this identifier, or a new one.

    Without an identifier nobody can be told apart from a namesake, so each is a new customer. What is
    known of a customer (name, phone, address) is the latest they gave.
    """
    index = _index(transaction, person)
    if index is None:
        return _insert(transaction, _sealed(transaction, person))
    known = select(CUSTOMERS.c.id).where(CUSTOMERS.c.identifier_index == index).with_for_update()
    found = transaction.sql.execute(known).scalar()
    if found is None:
        # Somebody else may be booking the same person at this moment.
        values = {**_sealed(transaction, person), "identifier_index": index}
        new = upsert(CUSTOMERS).values(values).on_conflict_do_nothing(index_elements=["identifier_index"])
        created = transaction.sql.execute(new.returning(CUSTOMERS.c.id)).scalar()
        if created is not None:
            return int(created)
        found = transaction.sql.execute(known).scalar_one()
    _renew(transaction, int(found), person)
    return int(found)


def read(transaction: Transaction, customer_id: int) -> Person:
    """Return the customer in the clear; raise LookupError for an unknown id."""
    row = transaction.sql.execute(select(CUSTOMERS).where(CUSTOMERS.c.id == customer_id)).one_or_none()
    if row is None:
        raise LookupError(f"no customer {customer_id}")
    names = ("name", "phone", "email", "address")
    clear = {
        name: transaction.sealer.unseal_text(getattr(row, f"{name}_sealed"), context=f"customers.{name}")
        for name in names
    }
    identifier = transaction.sealer.unseal_text(row.identifier_sealed, context=INDEX_CONTEXT)
    return Person(kind=row.kind, personal_id=identifier, province_code=row.province_code or "", **clear)


def _renew(transaction: Transaction, customer_id: int, person: Person) -> None:
    """Take over what differs; what was not given this time stays, and no difference writes nothing."""
    before = read(transaction, customer_id)
    changed = [name for name, given in person if given and given != getattr(before, name)]
    if not changed:
        return
    latest = before.model_copy(update={name: getattr(person, name) for name in changed})
    values = _sealed(transaction, latest)
    transaction.sql.execute(update(CUSTOMERS).where(CUSTOMERS.c.id == customer_id).values(values))


def _index(transaction: Transaction, person: Person) -> str | None:
    if not person.personal_id:
        return None
    return transaction.sealer.blind_index(person.personal_id, context=INDEX_CONTEXT)


def _sealed(transaction: Transaction, person: Person) -> dict[str, object]:
    seal = transaction.sealer.seal_text
    return {
        "kind": person.kind,
        "identifier_sealed": seal(person.personal_id, context=INDEX_CONTEXT),
        "name_sealed": seal(person.name, context="customers.name"),
        "phone_sealed": seal(person.phone, context="customers.phone"),
        "email_sealed": seal(person.email, context="customers.email"),
        "address_sealed": seal(person.address, context="customers.address"),
        "province_code": person.province_code or None,
    }


def _insert(transaction: Transaction, values: dict[str, object]) -> int:
    created = transaction.sql.execute(insert(CUSTOMERS).values(values).returning(CUSTOMERS.c.id)).scalar_one()
    return int(created)
