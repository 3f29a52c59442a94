"""Asks VietinBank's eWallet about one transaction: transactionInquiry, signed both ways (partners.md §7).

What the bank has not published comes from the connection: what its answer signs, its status codes, and under which
names it tells our transaction and the amount.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.vietinbank import signatures
from truc.connections import Connection
from truc.errors import MalformedError, RejectedError, SetupError
from truc.manifest import Limits
from truc.result_codes import Doing, ResultCodes
from truc.transport import unknown_order
from truc.transport.rest import Rest
from truc.trust import keys, tls
from truc.trust.signing import PrivateKey, Profile, PublicKey, sign, verify

PARTY = "vietinbank"
INQUIRY_PATH = "/transactionInquiry"
ANSWER_BYTES_MAX = 1024 * 1024
# Setting → what a status code named there says: of the transaction, or of the question.
STATES = {"status_paid": "paid", "status_pending": "pending", "status_failed": "failed"}
DOINGS = {"status_not_found": Doing.ABSENT, "status_later": Doing.TRANSIENT, "status_setup": Doing.SETUP}

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """How the bank's answer is to be read, as agreed with it; mappings.vietinbank.inquiry reads by it."""

    reference: str  # names in the answer, a dot before a name inside an object
    amount: str
    states: Fields  # status code → paid, pending, failed


@dataclass(frozen=True, slots=True)
class Wallet:
    """One merchant of the eWallet, behind the bank's API gateway."""

    rest: Rest
    client_id: str
    client_secret: str = field(repr=False)
    of_every_call: Fields
    asked: Profile
    answered: Profile
    key: PrivateKey
    bank_key: PublicKey
    reading: Reading
    codes: ResultCodes

    def get_transaction(self, transaction_id: str) -> bytes:
        """Return the bank's word on one transaction, with how to read it.

        RejectedError `not_found` when the bank has none; MalformedError for an answer that is not the bank's, or is
        about another transaction, or has a status code that the connection does not name.
        """
        fields = {"queryTransactionId": transaction_id, **self.of_every_call}
        body = json.dumps({**fields, "signature": sign(self.asked, fields, self.key)}, ensure_ascii=False).encode()
        reply = self.rest.call("POST", INQUIRY_PATH, body=body, headers=self._headers(), reads=True).body
        said = self._verified(reply)
        code = said.get("status.code", "")
        doing = self.codes.doing("get_transaction", code)
        if doing not in (Doing.ACCEPTED, Doing.PENDING, Doing.ABSENT):
            raise self.codes.failure("get_transaction", code)
        if said.get(self.reading.reference) != transaction_id:
            raise MalformedError(f"{PARTY}: the answer is about another", reason="answer_of_another")
        if doing is Doing.ABSENT:
            raise RejectedError(f"{PARTY}: no such transaction", reason="not_found", code=code)
        return self._kept(reply)

    def probe(self) -> str:
        """Ask about a transaction that cannot exist, once the connection says how the bank says so."""
        if Doing.ABSENT not in self.codes.on["get_transaction"].values():
            return "not asked: status_not_found is not set"
        unknown_order.is_not_found(PARTY, lambda order: self.get_transaction(order.our_reference))
        return f"version {self.of_every_call['version']}; its answer is signed by the bank"

    def close(self) -> None:
        """Close the session."""
        self.rest.close()

    def _headers(self) -> dict[str, str]:
        """Return what the bank's API gateway asks of every call."""
        return {
            "Content-Type": "application/json; charset=UTF-8",
            "x-ibm-client-id": self.client_id,
            "x-ibm-client-secret": self.client_secret,
        }

    def _verified(self, reply: bytes) -> Fields:
        """Return the answer's fields, each value as it came, once the bank's signature over them is right."""
        said = _flat(reply)
        if not verify(self.answered, said, self.bank_key, said.get("signature", "")):
            raise MalformedError(f"{PARTY}: the signature of the answer is wrong", reason="bad_signature")
        for name in ("providerId", "merchantId"):
            if said.get(name) != self.of_every_call[name]:
                raise MalformedError(f"{PARTY}: {name} of the answer is not ours", reason="answer_of_another")
        return said

    def _kept(self, reply: bytes) -> bytes:
        reading = {"reference": self.reading.reference, "amount": self.reading.amount, "states": self.reading.states}
        return json.dumps({"reading": reading, "answer": reply.decode()}, ensure_ascii=False).encode()


def open_wallet(connection: Connection, limits: Limits) -> Wallet | None:
    """Return the wallet, None where the connection has no wallet_url; SetupError for what is missing or cannot be."""
    if not connection.optional("wallet_url"):
        return None
    asked = signatures.inquiry(connection.optional("signature_algorithm", "RSA-SHA256"))
    reading = _reading(connection)
    bank = connection.required("bank_certificate")
    return Wallet(
        rest=Rest(PARTY, connection.required("wallet_url"), _short(limits), tls=tls.context(connection)),
        client_id=connection.required("client_id"),
        client_secret=connection.required("client_secret"),
        of_every_call={
            "queryType": connection.required("query_type"),
            "providerId": connection.required("provider_id"),
            "merchantId": connection.required("merchant_id"),
            "channel": connection.required("channel"),
            "version": connection.required("api_version"),
            "language": connection.optional("language", "vi"),
            "mac": connection.optional("mac"),
        },
        asked=asked,
        answered=signatures.answer(asked, _signed(connection, reading)),
        key=keys.signing_key(connection, "wallet_private_key"),
        bank_key=keys.public_key(bank, setting=f"{PARTY} bank_certificate"),
        reading=reading,
        codes=_codes(connection, reading),
    )


def _short(limits: Limits) -> Limits:
    """Return the limits for one transaction's answer: those of the party are for a file of statements."""
    return replace(limits, body_bytes_max=min(limits.body_bytes_max, ANSWER_BYTES_MAX))


def _flat(reply: bytes) -> dict[str, str]:
    """Return a JSON object's values as text in the digits they came with, names inside an object after a dot."""
    try:
        found = json.loads(reply.decode(), parse_int=str, parse_float=str, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"{PARTY}: not JSON, or a name appears twice", reason="not_json") from error
    if not isinstance(found, dict):
        raise MalformedError(f"{PARTY}: not a JSON object", reason="not_an_object")
    inner = {
        f"{name}.{key}": one for name, value in found.items() if isinstance(value, dict) for key, one in value.items()
    }
    return {name: value for name, value in (found | inner).items() if isinstance(value, str)}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name given twice could be verified with one value and read with the other."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name appears twice")
    if any("." in name for name in found):
        raise ValueError("a name holds a dot")  # it could stand for a name inside an object
    return found


def _reading(connection: Connection) -> Reading:
    states = {code: state for name, state in STATES.items() for code in _listed(connection, name)}
    return Reading(connection.required("answer_reference"), connection.required("answer_amount"), states)


def _signed(connection: Connection, reading: Reading) -> tuple[str, ...]:
    """Return the fields that the bank signs: without these among them, an answer would prove nothing."""
    connection.required("answer_signed")
    names = _listed(connection, "answer_signed")
    needed = ("status.code", "providerId", "merchantId", reading.reference, reading.amount)
    if missing := [name for name in needed if name not in names]:
        text = f"{PARTY}: answer_signed must name what is believed: {', '.join(missing)}"
        raise SetupError(text, reason="setting_malformed")
    return names


def _codes(connection: Connection, reading: Reading) -> ResultCodes:
    on = {code: Doing.PENDING if state == "pending" else Doing.ACCEPTED for code, state in reading.states.items()}
    meaning = dict(reading.states)
    for name, doing in DOINGS.items():
        for code in _listed(connection, name):
            on[code], meaning[code] = doing, name.removeprefix("status_")
    named = [code for name in (*STATES, *DOINGS) for code in _listed(connection, name)]
    if len(named) != len(on) or "paid" not in reading.states.values():
        text = f"{PARTY}: name the bank's status codes, each once, and those of a paid transaction in status_paid"
        raise SetupError(text, reason="setting_malformed")
    return ResultCodes(party=PARTY, meaning=meaning, on={"get_transaction": on})


def _listed(connection: Connection, name: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in connection.optional(name).split(",") if one.strip())
