"""A province that collects and remits, in one transaction of a store with a dossier of each agency."""

from typing import Any

import pytest

from tests.truc.services.remitting import AGENCIES, Province


@pytest.fixture
def dossiers(office: Any) -> dict[str, str]:
    """A dossier of each agency."""
    return {agency: office.receive(agency_code=agency) for agency in AGENCIES}


@pytest.fixture
def province(office: Any, dossiers: dict[str, str]) -> Any:
    """With terms of remittance; what the database checks at the end of a transaction is checked."""
    with office.store.begin() as transaction:
        made = Province(transaction, dossiers)
        made.agrees()
        yield made
        transaction.sql.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
