"""Talks to MoMo's payment gateway v2/v3: create, query, and the daily statement."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import uuid4

from connectors.momo import signatures
from connectors.momo.result_codes import MEANING, NOT_FOUND, ON_CREATE, ON_QUERY, Doing
from truc.connections import Connection
from truc.envelope import Answer, Arrival, Envelope, Outgoing, Page, Receipt
from truc.errors import (
    MalformedError,
    OutcomeUnknownError,
    RejectedError,
    SetupError,
    TransientError,
    TrucError,
)
from truc.manifest import Limits
from truc.transport.rest import Rest
from truc.trust.signing import Profile, sign

PARTY = "momo"
CREATE_PATH, QUERY_PATH = "/v2/gateway/api/create", "/v2/gateway/api/query"
REFUSING = (400,)  # a result code may come under it
JSON_HEADERS = {"Content-Type": "application/json; charset=UTF-8"}


@dataclass(frozen=True, slots=True)
class Client:
    """A kept-alive session to MoMo."""

    rest: Rest
    partner_code: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    redirect_url: str
    ipn_url: str
    statement_path: str

    def send_payment(self, outgoing: Outgoing) -> Receipt:
        """Create the order and return MoMo's answer with the pay address.

        OutcomeUnknownError when an order of that name may stand there: ask with `ask_payment`.
        """
        order = self._object(outgoing.body)
        asked = order | {"redirectUrl": self.redirect_url, "ipnUrl": self.ipn_url}
        body = self._signed(asked, signatures.CREATE)
        try:
            reply = self.rest.call("POST", CREATE_PATH, body=body, headers=JSON_HEADERS, accept=REFUSING).body
            answer = self._object(reply)
            code = _result_code(answer)
        except MalformedError as error:
            # The order may well have been made: only the answer cannot be read.
            raise OutcomeUnknownError(f"{PARTY}: create: {error}", reason="answer_unreadable") from error
        if code not in ON_CREATE:
            text = f"{PARTY}: create: unknown result code {code}"
            raise OutcomeUnknownError(text, reason="unknown_result_code")
        if ON_CREATE[code] not in (Doing.ACCEPTED, Doing.PENDING):
            raise _failure(code, ON_CREATE[code])
        if answer.get("orderId") != order["orderId"]:
            text = f"{PARTY}: create: the answer is about another order"
            raise OutcomeUnknownError(text, reason="answer_of_another")
        return Receipt(str(order["orderId"]), reply)

    def ask_payment(self, outgoing: Outgoing) -> Answer:
        """Say whether the order stands at MoMo; the receipt is the query's answer, which has no pay address."""
        order_id = str(self._object(outgoing.body)["orderId"])
        reply = self._query(order_id)
        if _result_code(self._object(reply)) == NOT_FOUND:
            return Answer(Arrival.ABSENT)
        return Answer(Arrival.ARRIVED, Receipt(order_id, reply))

    def get_payment(self, our_reference: str) -> bytes:
        """Return MoMo's word on one order; mappings.momo.query reads it. RejectedError when it knows none."""
        reply = self._query(our_reference)
        if _result_code(self._object(reply)) == NOT_FOUND:
            raise RejectedError(f"{PARTY}: no such order", reason="not_found", code=str(NOT_FOUND))
        return reply

    def fetch_statement(self, day: str) -> Iterator[Page]:
        """Yield the one statement of an ISO business day, or raise TransientError `not_delivered_yet`."""
        if not self.statement_path:
            text = f"{PARTY}: set statement_path: MoMo has not published where its statement lies"
            raise SetupError(text, reason="setting_missing")
        path = self.statement_path.format(day=_day(day))
        fields = {"accessKey": self.access_key, "day": day, "partnerCode": self.partner_code}
        signature = sign(signatures.STATEMENT, fields, self.secret_key)
        headers = {"X-Partner-Code": self.partner_code, "X-Signature": signature}
        try:
            reply = self.rest.call("GET", path, headers=headers)
        except RejectedError as error:
            if error.code != "404":
                raise
            text = f"{PARTY}: no statement of {day} yet"
            raise TransientError(text, reason="not_delivered_yet") from error
        yield Page(Envelope(PARTY, "statement", f"statement-{day}", reply.body, "text/csv"), cursor=day)

    def close(self) -> None:
        """Close the session."""
        self.rest.close()

    def _query(self, order_id: str) -> bytes:
        asked = {"orderId": order_id, "requestId": uuid4().hex, "lang": "vi"}
        body = self._signed(asked, signatures.QUERY)
        reply = self.rest.call("POST", QUERY_PATH, body=body, headers=JSON_HEADERS, reads=True, accept=REFUSING).body
        answer = self._object(reply)
        code = _result_code(answer)
        if code not in MEANING:
            text = f"{PARTY}: query: unknown result code {code}"
            raise MalformedError(text, reason="unknown_result_code")
        if code in ON_QUERY:
            raise _failure(code, ON_QUERY[code])
        if answer.get("orderId") != order_id:
            raise MalformedError(f"{PARTY}: query: the answer is about another order", reason="answer_of_another")
        return reply

    def _signed(self, asked: Mapping[str, Any], profile: Profile) -> bytes:
        whole = {"partnerCode": self.partner_code, **asked}
        as_text = {name: str(value) for name, value in whole.items()} | {"accessKey": self.access_key}
        signed = whole | {"signature": sign(profile, as_text, self.secret_key)}
        return json.dumps(signed, ensure_ascii=False, separators=(",", ":")).encode()

    def _object(self, body: bytes) -> dict[str, Any]:
        try:
            value = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise MalformedError(f"{PARTY}: not JSON", reason="not_json") from error
        if not isinstance(value, dict):
            raise MalformedError(f"{PARTY}: not a JSON object", reason="not_an_object")
        return value


def open_client(connection: Connection, limits: Limits) -> Client:
    """Return the client, or raise SetupError for a setting that is missing or cannot be."""
    statement_path = connection.optional("statement_path")
    rest = statement_path.replace("{day}", "", 1)
    if statement_path and (rest == statement_path or set("{}") & set(rest)):
        raise SetupError(f"{PARTY}: statement_path must hold {{day}} once", reason="setting_malformed")
    return Client(
        rest=Rest(PARTY, connection.required("host"), limits),
        partner_code=connection.required("login"),
        access_key=connection.required("access_key"),
        secret_key=connection.required("password"),
        redirect_url=connection.required("redirect_url"),
        ipn_url=connection.required("ipn_url"),
        statement_path=statement_path,
    )


def _result_code(answer: Mapping[str, Any]) -> int:
    code = answer.get("resultCode")
    if isinstance(code, bool) or not isinstance(code, int):
        raise MalformedError(f"{PARTY}: resultCode is not a number", reason="result_code_missing")
    return code


def _failure(code: int, doing: Doing) -> TrucError:
    text = f"{PARTY}: {code} {MEANING[code]}"
    match doing:
        case Doing.TRANSIENT:
            return TransientError(text, reason=f"momo_{code}")
        case Doing.ASK:
            return OutcomeUnknownError(text, reason=f"momo_{code}")
        case Doing.SETUP:
            return SetupError(text, reason=f"momo_{code}")
        case _:
            return RejectedError(text, reason=f"momo_{code}", code=str(code))


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise SetupError(f"{PARTY}: the business day must be YYYY-MM-DD", reason="day_malformed") from error
