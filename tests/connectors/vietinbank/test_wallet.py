"""The eWallet is asked as it expects, and believed only for its signature over all that we read."""

import base64
import json
from pathlib import Path

import jsonschema
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connectors.vietinbank import signatures
from connectors.vietinbank.client import open_client
from connectors.vietinbank.manifest import MANIFEST
from mappings.vietinbank import inquiry
from truc.connections import from_airflow_json
from truc.errors import MalformedError, RejectedError, SetupError, TransientError
from truc.kit.party_check import weak_algorithms
from truc.manifest import Capability, Limits
from truc.transport.rest import Reply
from truc.trust.keys import PemKey
from truc.trust.signing import sign, verify

ROOT = Path(__file__).resolve().parents[3]
QUICK = Limits(timeout_s=0.5, connect_timeout_s=1, body_bytes_max=64 * 1024)


class Answering:
    """Stands where the transport is: keeps what is sent, gives one answer."""

    def __init__(self, body):
        self.sent, self.body = [], body

    def call(self, method, path, *, body, headers, reads):
        self.sent.append((method, path, json.loads(body), headers, reads))
        return Reply(200, {}, self.body)


@pytest.fixture(scope="module")
def wallet(lasting_bank):
    """One bank for a table of cases that do not touch each other, with three transactions in its eWallet."""
    told = [
        {"reference": f"TT-{state}", "amount_vnd": 50_000, "state": state} for state in ("paid", "pending", "failed")
    ]
    lasting_bank.post("wallet", transactions=told)
    return lasting_bank


def read(body):
    (result,) = inquiry.read(body)
    return result


def answering(bank, change):
    """A client that hears this answer of the bank with these changes, rightly signed unless they hold a signature."""
    client = bank.client()
    plain = {
        "providerId": "KHANHHOA",
        "merchantId": "MOTCUA",
        "requestId": "R1",
        "bankTransactionId": "B1",
        "queryTransactionId": "TT-1",
        "amount": "50000",
        "status": {"code": "S1", "message": ""},
    }
    said = plain | change
    names = bank.running.connection["extra"]["answer_signed"].split(",")
    flat = said | {"status.code": said["status"]["code"]}
    key = load_pem_private_key((bank.home / "bank_key.pem").read_bytes(), None)
    raw = key.sign("".join(str(flat.get(one, "")) for one in names).encode(), padding.PKCS1v15(), hashes.SHA256())
    signed = {"signature": base64.b64encode(raw).decode()} | said
    rest = Answering(json.dumps(signed).encode())
    object.__setattr__(client.wallet, "rest", rest)
    return client, rest


@pytest.mark.parametrize("state", ["paid", "pending", "failed"])
def test_a_transaction_is_told_with_its_amount(wallet, state):
    body = wallet.client().get_transaction(f"TT-{state}")
    result = read(body)
    assert (result.our_reference, result.amount_vnd, result.state) == (f"TT-{state}", 50_000, state)
    assert result.partner_reference == f"VTBTT-{state}"
    schema = json.loads((ROOT / "schemas/vietinbank/inquiry_answer.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(json.loads(body)["answer"]), schema)


def test_sha_1_works_where_it_was_chosen_by_name_and_only_then(bank):
    bank.post("wallet", transactions=[{"reference": "TT-1", "amount_vnd": 50_000, "state": "paid"}])
    bank.post("wallet_orders", algorithm="RSA-SHA1")
    assert read(bank.client(signature_algorithm="RSA-SHA1").get_transaction("TT-1")).state == "paid"
    with pytest.raises(MalformedError) as caught:
        bank.client().get_transaction("TT-1")
    assert caught.value.reason == "bad_signature"


def test_a_probe_asks_about_what_cannot_exist_once_the_bank_says_how_it_says_so(bank):
    bank.post("wallet", transactions=[])
    assert "signed by the bank" in bank.client().probe()
    assert "not asked: status_not_found" in bank.client(status_not_found="").probe()
    bank.post("wallet_orders", algorithm="RSA-SHA1")  # the answer of somebody else
    with pytest.raises(MalformedError) as caught:
        bank.client().probe()
    assert caught.value.reason == "bad_signature"


def test_a_question_is_signed_over_its_plain_values_in_the_published_order(wallet):
    client, rest = answering(wallet, {})
    client.get_transaction("TT-1")
    ((method, path, asked, headers, reads),) = rest.sent
    schema = json.loads((ROOT / "schemas/vietinbank/inquiry.json").read_text(encoding="utf-8"))
    jsonschema.validate(asked, schema)
    assert (method, path, reads) == ("POST", "/transactionInquiry", True)
    assert headers["x-ibm-client-id"] == "sandbox-client-id"
    assert headers["x-ibm-client-secret"] == "sandbox-client-secret"
    ours = load_pem_private_key((wallet.home / "hub_key.pem").read_bytes(), None).public_key()
    text = b"TT-1PAYMENTKHANHHOAMOTCUAWEB1.0vi"
    ours.verify(base64.b64decode(asked["signature"]), text, padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize("row", [signatures.INQUIRY_SHA1, signatures.INQUIRY_SHA256])
def test_each_row_is_the_signature_made_by_hand(row):
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    fields = {name: f"{number}é" for number, name in enumerate(row.names)}
    digest = hashes.SHA1() if row.algorithm == "RSA-SHA1" else hashes.SHA256()  # noqa: S303  (all that was seen)
    by_hand = private.sign("0é1é2é3é4é5é6é7é".encode(), padding.PKCS1v15(), digest)
    assert sign(row, fields, PemKey(private)) == base64.b64encode(by_hand).decode()
    other = signatures.answer(row, row.names)
    assert verify(other, fields, private.public_key(), base64.b64encode(by_hand).decode())


def test_the_weak_row_says_why_and_is_no_default():
    assert [(name, why) for name, _, why in weak_algorithms("vietinbank")] == [("INQUIRY_SHA1", signatures.ONLY_SEEN)]
    (setting,) = [one for one in MANIFEST.settings if one.name == "signature_algorithm"]
    assert setting.default == "RSA-SHA256"


def test_a_transaction_it_does_not_have_is_not_found(wallet):
    with pytest.raises(RejectedError) as caught:
        wallet.client().get_transaction("TT-9")
    assert (caught.value.reason, caught.value.code) == ("not_found", "S4")


@pytest.mark.parametrize(("code", "failure"), [("S5", TransientError), ("S6", SetupError), ("S9", MalformedError)])
def test_each_status_code_does_what_the_settings_say(wallet, code, failure):
    wallet.post("wallet_orders", codes=[code])
    with pytest.raises(failure):
        wallet.client().get_transaction("TT-paid")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"signature": "AAAA"}, "bad_signature"),
        ({"signature": 7}, "bad_signature"),
        ({"providerId": "OTHER"}, "answer_of_another"),
        ({"merchantId": "OTHER"}, "answer_of_another"),
        ({"queryTransactionId": "TT-2"}, "answer_of_another"),
        ({"queryTransactionId": "TT-2", "status": {"code": "S4"}}, "answer_of_another"),
        ({"queryTransactionId": None}, "bad_signature"),
        ({"status": {"code": "S1", "a.b": "1"}}, "not_json"),
        ({"status.code": "S1"}, "not_json"),
    ],
)
def test_an_answer_that_is_not_the_banks_about_ours_is_not_believed(wallet, change, reason):
    client, _ = answering(wallet, change)
    with pytest.raises(MalformedError) as caught:
        client.get_transaction("TT-1")
    assert caught.value.reason == reason


@pytest.mark.parametrize("body", [b"", b"[]", b'{"a":1,"a":2}', b"\xff", b"[" * 100_000])
def test_an_answer_that_cannot_be_read_is_malformed(wallet, body):
    client, rest = answering(wallet, {})
    rest.body = body
    with pytest.raises(MalformedError):
        client.get_transaction("TT-1")


def test_a_name_given_twice_is_refused_though_the_last_value_is_the_signed_one(wallet):
    client, rest = answering(wallet, {})
    rest.body = b'{"amount":"90000",' + rest.body[1:]
    with pytest.raises(MalformedError) as caught:
        client.get_transaction("TT-1")
    assert caught.value.reason == "not_json"


def test_one_value_changed_on_the_way_is_seen(wallet):
    client, rest = answering(wallet, {})
    for name in ("amount", "queryTransactionId", "bankTransactionId"):
        said = json.loads(rest.body)
        changed = Answering(json.dumps(said | {name: "9" + said[name]}).encode())
        object.__setattr__(client.wallet, "rest", changed)
        with pytest.raises(MalformedError) as caught:
            client.get_transaction("TT-1")
        assert caught.value.reason == "bad_signature", name


@pytest.mark.parametrize(
    ("mode", "failure"),
    [
        ("refuse", TransientError),
        ("unavailable", TransientError),
        ("silent_after", TransientError),
        ("error_after", TransientError),
        ("truncated", TransientError),
        ("garbage", MalformedError),
        ("huge", MalformedError),
    ],
)
def test_a_fault_on_the_way_is_that_of_a_question(wallet, mode, failure):
    wallet.post("faults", operation="query", mode=mode, times=1, wait_s=1.0)
    with pytest.raises(failure):
        wallet.client(QUICK).get_transaction("TT-paid")
    assert read(wallet.client().get_transaction("TT-paid")).state == "paid"


def test_one_answer_may_not_be_as_long_as_a_statement(wallet):
    wallet.fault("query", "huge")
    with pytest.raises(MalformedError) as caught:
        wallet.client(MANIFEST.limits).get_transaction("TT-paid")
    assert caught.value.reason == "body_too_large"


@pytest.mark.parametrize("wrong", [{"client_id": "x"}, {"client_secret": "wrong on purpose"}, {"merchant_id": "x"}])
def test_who_is_not_the_merchant_needs_a_person(wallet, wrong):
    with pytest.raises((SetupError, MalformedError)) as caught:
        wallet.client(**wrong).get_transaction("TT-paid")
    assert "wrong on purpose" not in str(caught.value)
    assert caught.value.reason in ("unauthorised", "answer_of_another")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"client_secret": ""}, "client_secret"),
        ({"wallet_private_key": ""}, "wallet_private_key"),
        ({"wallet_private_key": "file:/nowhere"}, "wallet_private_key"),
        ({"bank_certificate": "file:/nowhere"}, "bank_certificate"),
        ({"signature_algorithm": "MD5"}, "signature_algorithm"),
        ({"answer_signed": ""}, "answer_signed"),
        ({"answer_signed": "requestId,providerId,merchantId,queryTransactionId,status.code"}, "amount"),
        ({"answer_signed": "amount,providerId,merchantId,queryTransactionId"}, "status.code"),
        ({"answer_amount": "total"}, "total"),
        ({"answer_reference": ""}, "answer_reference"),
        ({"status_paid": ""}, "status_paid"),
        ({"status_pending": "S1"}, "status codes"),
        ({"status_not_found": "S3"}, "status codes"),
        ({"wallet_url": "http://bank.example/v1/ewallet"}, "https"),
    ],
)
def test_settings_that_cannot_be_are_refused_at_once(wallet, settings, named):
    with pytest.raises(SetupError, match=named):
        wallet.client(**settings)


def test_without_its_address_the_ewallet_is_not_used_and_the_statement_is(bank):
    bank.deposit()
    client = bank.client(wallet_url="", bank_certificate="", wallet_private_key="")
    assert list(client.fetch_statement("2025-06-03"))
    with pytest.raises(SetupError, match="wallet_url"):
        client.get_transaction("TT-1")
    client.close()


def test_no_secret_of_the_ewallet_is_shown(wallet):
    key = (wallet.home / "hub_key.pem").read_text()
    shown = repr(wallet.client(wallet_private_key=key))
    assert "sandbox-client-secret" not in shown
    assert "PRIVATE KEY" not in shown


def test_the_core_is_told_to_ask_the_bank_about_no_payment():
    """A transfer is not in the eWallet: its «no such transaction» would end a payment that was made."""
    assert not {Capability.SAY_PAYMENT, Capability.TAKE_PAYMENTS} & MANIFEST.capabilities
    assert MANIFEST.payments is None


def test_a_connection_that_knows_no_ewallet_opens():
    extra = {"host_key": "ssh-ed25519 AAAA", "file_name": "{day}.txt"}
    connection = from_airflow_json("vietinbank", {"host": "h", "login": "l", "password": "p", "extra": extra})
    assert open_client(connection, Limits()).wallet is None
