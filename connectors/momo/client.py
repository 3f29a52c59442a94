"""Talks to MoMo's payment gateway v2/v3: create, query, refund, and the daily statement."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import uuid4

from connectors.momo import signatures
from connectors.momo.result_codes import CODES
from truc.connections import Connection
from truc.envelope import Answer, Arrival, Envelope, Order, Outgoing, Page, Receipt, RefundOrder
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError, TransientError
from truc.manifest import Limits
from truc.result_codes import Doing
from truc.transport import unknown_order
from truc.transport.rest import Rest
from truc.trust import tls
from truc.trust.signing import Profile, sign

PARTY = "momo"
CREATE_PATH, QUERY_PATH = "/v2/gateway/api/create", "/v2/gateway/api/query"
REFUND_PATH = "/v2/gateway/api/refund"
STANDS = (Doing.ACCEPTED, Doing.PENDING)
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
    refund_profile: Profile | None
    refund_query_path: str

    def send_payment(self, outgoing: Outgoing) -> Receipt:
        """Create the order and return MoMo's answer with the pay address.

        OutcomeUnknownError when an order of that name may stand there: ask with `ask_payment`.
        """
        order = self._object(outgoing.body)
        asked = order | {"redirectUrl": self.redirect_url, "ipnUrl": self.ipn_url}
        return self._written("send_payment", CREATE_PATH, asked, signatures.CREATE)

    def ask_payment(self, outgoing: Outgoing) -> Answer:
        """Say whether the order stands at MoMo; the receipt is the query's answer, which has no pay address."""
        return self._asked_about("ask_payment", QUERY_PATH, str(self._object(outgoing.body)["orderId"]))

    def get_payment(self, order: Order) -> bytes:
        """Return MoMo's word on one order; mappings.momo.query reads it. RejectedError when it knows none."""
        doing, reply = self._query("get_payment", QUERY_PATH, order.our_reference)
        if doing is Doing.ABSENT:
            raise RejectedError(f"{PARTY}: no such order", reason="not_found", code=_result_code(self._object(reply)))
        return reply

    def send_refund(self, outgoing: Outgoing) -> Receipt:
        """Ask for money to go back, wholly or in part, and return MoMo's answer; mappings.momo.refund reads it.

        RejectedError until `refund_signed` says which fields MoMo signs: the published order could not be read.
        """
        if self.refund_profile is None:
            # Nothing was called. Not SetupError: that would hold up the payments, which do not need it.
            raise _not_set("refund_signed")
        return self._written("send_refund", REFUND_PATH, self._object(outgoing.body), self.refund_profile)

    def ask_refund(self, outgoing: Outgoing) -> Answer:
        """Say whether MoMo has a refund of that name; the receipt tells what became of it.

        NOT_SAID until `refund_query_path` says where to ask: a person finds out.
        """
        if not self.refund_query_path:
            return Answer(Arrival.NOT_SAID)
        order_id = str(self._object(outgoing.body)["orderId"])
        return self._asked_about("ask_refund", self.refund_query_path, order_id)

    def get_refund(self, refund: RefundOrder) -> bytes:
        """Return MoMo's word on one refund; mappings.momo.refund reads it.

        RejectedError when it knows none, and `setting_missing` until `refund_query_path` says where to ask.
        """
        if not self.refund_query_path:
            raise _not_set("refund_query_path")
        doing, reply = self._query("get_refund", self.refund_query_path, refund.refund_reference)
        if doing is Doing.ABSENT:
            raise RejectedError(f"{PARTY}: no such refund", reason="not_found", code=_result_code(self._object(reply)))
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

    def probe(self) -> str:
        """Ask MoMo about an order that cannot exist; who is not known or signs wrongly hears 11 or 13 (SetupError)."""
        unknown_order.is_not_found(PARTY, self.get_payment)
        return "gateway v2; 42 for an order that cannot exist"

    def close(self) -> None:
        """Close the session."""
        self.rest.close()

    def _written(self, verb: str, path: str, asked: Mapping[str, Any], profile: Profile) -> Receipt:
        body = self._signed(asked, profile)
        try:
            reply = self.rest.call("POST", path, body=body, headers=JSON_HEADERS, accept=REFUSING).body
            answer = self._object(reply)
            code = _result_code(answer)
        except MalformedError as error:
            # It may well have been made: only the answer cannot be read.
            raise OutcomeUnknownError(f"{PARTY}: {verb}: {error}", reason="answer_unreadable") from error
        if CODES.doing(verb, code) not in STANDS:
            raise CODES.failure(verb, code)
        if answer.get("orderId") != asked["orderId"]:
            raise OutcomeUnknownError(f"{PARTY}: {verb}: the answer is about another", reason="answer_of_another")
        return Receipt(str(asked["orderId"]), reply)

    def _asked_about(self, verb: str, path: str, order_id: str) -> Answer:
        doing, reply = self._query(verb, path, order_id)
        if doing is Doing.ABSENT:
            return Answer(Arrival.ABSENT)
        return Answer(Arrival.ARRIVED, Receipt(order_id, reply))

    def _query(self, verb: str, path: str, order_id: str) -> tuple[Doing, bytes]:
        """Return whether it stands there (ACCEPTED or PENDING) or not (ABSENT), and the answer."""
        asked = {"orderId": order_id, "requestId": uuid4().hex, "lang": "vi"}
        body = self._signed(asked, signatures.QUERY)
        reply = self.rest.call("POST", path, body=body, headers=JSON_HEADERS, reads=True, accept=REFUSING).body
        answer = self._object(reply)
        code = _result_code(answer)
        doing = CODES.doing(verb, code)
        if doing not in (*STANDS, Doing.ABSENT):
            raise CODES.failure(verb, code)
        if doing in STANDS and answer.get("orderId") != order_id:
            raise MalformedError(f"{PARTY}: {verb}: the answer is about another", reason="answer_of_another")
        return doing, reply

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
        rest=Rest(PARTY, connection.required("host"), limits, tls=tls.context(connection)),
        partner_code=connection.required("login"),
        access_key=connection.required("access_key"),
        secret_key=connection.required("password"),
        redirect_url=connection.required("redirect_url"),
        ipn_url=connection.required("ipn_url"),
        statement_path=statement_path,
        refund_profile=_refund_profile(connection.optional("refund_signed")),
        refund_query_path=connection.optional("refund_query_path"),
    )


def _refund_profile(listed: str) -> Profile | None:
    names = tuple(name.strip() for name in listed.split(",") if name.strip())
    if names and not {"amount", "orderId", "transId"} <= set(names):
        text = f"{PARTY}: refund_signed must name amount, orderId and transId among what is signed"
        raise SetupError(text, reason="setting_malformed")
    return Profile(names=names) if names else None


def _not_set(setting: str) -> RejectedError:
    text = f"{PARTY}: set {setting}: confirm it with MoMo"
    return RejectedError(text, reason="setting_missing", code="setting_missing")


def _result_code(answer: Mapping[str, Any]) -> str:
    code = answer.get("resultCode")
    if isinstance(code, bool) or not isinstance(code, int):
        raise MalformedError(f"{PARTY}: resultCode is not a number", reason="result_code_missing")
    return str(code)


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise SetupError(f"{PARTY}: the business day must be YYYY-MM-DD", reason="day_malformed") from error
