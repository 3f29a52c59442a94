"""What is agreed with Vietcombank alone: files closed with PGP, and a profile of the file's form."""

import pytest
import requests

from mappings.vietcombank import statement
from truc.errors import MalformedError, SetupError

DAY = "2025-06-03"


def fetch(client):
    (page,) = client.fetch_statement(DAY)
    return page


@pytest.mark.parametrize(
    "settings",
    [
        {"profile": "form = "},
        {"pgp_private_key": "half of what is needed"},
        {"pgp_private_key": "no key", "pgp_sender_certificate": "no certificate"},
    ],
)
def test_settings_that_cannot_be_are_refused_at_once(bank, settings):
    with pytest.raises(SetupError):
        bank.client(**settings)


@pytest.fixture
def pgp(bank):
    keys = requests.get(f"{bank.running.control_url}/_control/pgp", timeout=10).json()
    return {"pgp_private_key": keys["hub_private_key"], "pgp_sender_certificate": keys["bank_certificate"]}


def test_a_file_closed_with_pgp_arrives_opened(bank, pgp):
    bank.deposit(pgp=True)
    client = bank.client(**pgp)
    (read,) = statement.read(fetch(client).envelope.body)
    assert read.amount_declared_vnd == 231_500
    assert "PRIVATE KEY" not in repr(client)


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"pgp": True, "signer": "other"}, "signature_wrong"),
        ({}, "pgp_damaged"),
    ],
)
def test_with_pgp_agreed_only_the_bank_s_own_file_is_taken(bank, pgp, order, reason):
    bank.deposit(**order)
    with pytest.raises(MalformedError) as caught:
        fetch(bank.client(**pgp))
    assert caught.value.reason == reason


def test_a_closed_file_nobody_can_open_is_refused_by_the_reading(bank):
    bank.deposit(pgp=True)
    body = fetch(bank.client()).envelope.body
    with pytest.raises(MalformedError):
        list(statement.read(body))


PROFILE = """
form = "delimited"
party = "vietcombank"
delimiter = "|"
line = ["mark", "line_no", "our_reference", "partner_reference", "kind", "amount_vnd", "-fee", "state", "occurred_at",
        "-settled"]
header = ["mark", "-bank", "business_on"]
trailer = ["mark", "count", "amount_vnd"]
header_mark = "H"
line_mark = "D"
trailer_mark = "T"
[means]
kinds = {TT = "fee"}
states = {00 = "paid"}
"""


def test_the_configured_profile_travels_with_the_file_and_is_what_it_is_read_by(bank):
    bank.deposit()
    neutral, agreed = (fetch(bank.client(profile=profile)).envelope for profile in ("", PROFILE))
    assert agreed.body.endswith(neutral.body)
    assert agreed.digest != neutral.digest
    (read,) = statement.read(agreed.body)
    assert [line.kind for line in read.lines] == ["fee", "fee"]
