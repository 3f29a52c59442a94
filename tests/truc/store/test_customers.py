"""Nothing that names a citizen lies in the store in the clear, and a citizen is found again all the same."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from truc.errors import MalformedError
from truc.messages import Person
from truc.store import customers
from truc.store.opened import Store, Transaction, open_store
from truc.trust.sealing import Sealer

SOMEBODY = Person(
    name="Lê Hoàng Đức Thịnh",
    personal_id="056098765432",
    phone="0912345678",
    email="thinh@example.invalid",
    address="45 Nguyễn Thiện Thuật",
    province_code="56",
)


def test_what_is_kept_comes_back_as_it_was_given(empty_store: Store) -> None:
    with empty_store.begin() as transaction:
        assert customers.read(transaction, customers.keep(transaction, SOMEBODY)) == SOMEBODY


def test_no_column_of_the_row_holds_the_clear_text(empty_store: Store) -> None:
    with empty_store.begin() as transaction:
        customers.keep(transaction, SOMEBODY)
        row = transaction.sql.exec_driver_sql("SELECT * FROM customers").mappings().one()
        as_text = str(transaction.sql.exec_driver_sql("SELECT c::text FROM customers c").scalar_one())
    stored = b"\0".join(bytes(value) for value in row.values() if isinstance(value, bytes | memoryview))
    assert len(stored) > 5 * 29  # five sealed columns, each with version, nonce and tag
    for name in ("name", "personal_id", "phone", "email", "address"):
        clear = getattr(SOMEBODY, name)
        for word in (clear, clear[-6:], clear[:6]):
            assert word.encode() not in stored, name
            assert word not in as_text, name
            assert word.encode().hex() not in as_text, name


def test_nothing_of_a_received_dossier_lies_in_the_clear_anywhere_in_the_store(office: Any) -> None:
    office.receive(applicant=SOMEBODY, wants_postal_return=True, wants_sms=True)
    tables = office.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    queries = [f"SELECT t::text FROM {table} t" for (table,) in tables]  # noqa: S608  (the names are the schema's own)
    everything = "\n".join(str(row[0]) for query in queries for row in office.sql(query))
    assert "H32.01-260304-0001" in everything  # the search does look
    for clear in (SOMEBODY.name, SOMEBODY.personal_id, SOMEBODY.phone, SOMEBODY.email, SOMEBODY.address):
        assert clear not in everything
        assert clear.encode().hex() not in everything


def test_the_same_identifier_is_the_same_customer_and_the_latest_word_counts(empty_store: Store) -> None:
    moved = SOMEBODY.model_copy(update={"phone": "0987654321", "email": ""})
    with empty_store.begin() as transaction:
        first, again = customers.keep(transaction, SOMEBODY), customers.keep(transaction, moved)
        assert first == again
        # No e-mail this time is not the word that there is none.
        assert customers.read(transaction, first) == SOMEBODY.model_copy(update={"phone": "0987654321"})


def test_a_known_customer_who_says_nothing_new_is_not_written_again(empty_store: Store) -> None:
    with empty_store.begin() as transaction:
        customers.keep(transaction, SOMEBODY)
        before = transaction.sql.exec_driver_sql("SELECT ctid, xmin::text FROM customers").one()
    with empty_store.begin() as transaction:
        customers.keep(transaction, SOMEBODY)
        assert transaction.sql.exec_driver_sql("SELECT ctid, xmin::text FROM customers").one() == before


def test_people_without_an_identifier_are_never_taken_for_one_another(empty_store: Store) -> None:
    nameless = SOMEBODY.model_copy(update={"personal_id": ""})
    with empty_store.begin() as transaction:
        assert customers.keep(transaction, nameless) != customers.keep(transaction, nameless)


def test_one_citizen_at_many_counters_at_once_is_one_customer(empty_store: Store) -> None:
    def keep(_: int) -> int:
        with empty_store.begin() as transaction:
            return customers.keep(transaction, SOMEBODY)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(keep, range(16)))) == 1


def test_another_key_neither_opens_nor_finds(empty_store: Store) -> None:
    url = empty_store.engine.url.render_as_string(hide_password=False)
    stranger = open_store(url, Sealer(seal_key=bytes([1] * 32), index_key=bytes([2] * 32)))
    with empty_store.begin() as transaction:
        known = customers.keep(transaction, SOMEBODY)
    with stranger.begin() as transaction:
        with pytest.raises(MalformedError) as caught:
            customers.read(transaction, known)
        assert customers.keep(transaction, SOMEBODY) != known
    stranger.close()
    assert caught.value.reason == "seal_broken"
    assert SOMEBODY.name not in str(caught.value)


def test_a_value_moved_to_another_column_does_not_open(empty_store: Store) -> None:
    with empty_store.begin() as transaction:
        known = customers.keep(transaction, SOMEBODY)
        transaction.sql.exec_driver_sql("UPDATE customers SET phone_sealed = email_sealed")
        _does_not_open(transaction, known)


def test_a_changed_byte_does_not_open(empty_store: Store) -> None:
    with empty_store.begin() as transaction:
        known = customers.keep(transaction, SOMEBODY)
        change = "UPDATE customers SET name_sealed = set_byte(name_sealed, 20, get_byte(name_sealed, 20) # 1)"
        transaction.sql.exec_driver_sql(change)
        _does_not_open(transaction, known)


def test_an_unknown_customer_is_an_error(empty_store: Store) -> None:
    with empty_store.begin() as transaction, pytest.raises(LookupError, match="77"):
        customers.read(transaction, 77)


def test_an_error_of_the_database_never_shows_what_was_being_written(empty_store: Store) -> None:
    query = "INSERT INTO officers (agency_code, name, title, department) VALUES ('H32', %s, '', '')"
    with empty_store.begin() as transaction, pytest.raises(IntegrityError) as caught:
        transaction.sql.exec_driver_sql(query, ("Trần Thị Bí Mật",))
    assert "Bí Mật" not in str(caught.value)


def _does_not_open(transaction: Transaction, customer_id: int) -> None:
    with pytest.raises(MalformedError) as caught:
        customers.read(transaction, customer_id)
    assert caught.value.reason == "seal_broken"
