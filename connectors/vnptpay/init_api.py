"""Calls the INIT API of VNPT Pay: every name in it is recalled and confirmed by nothing public (partners.md §5.2)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.vnptpay import signatures
from truc.connections import Connection
from truc.envelope import Receipt
from truc.errors import OutcomeUnknownError, SetupError
from truc.manifest import Limits
from truc.transport.rest import Rest
from truc.trust import tls
from truc.trust.signing import sign

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class InitApi:
    """One merchant service of VNPT Pay."""

    rest: Rest
    path: str
    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    of_every_order: Fields
    success_code: str

    def order(self, fields: Fields) -> Receipt:
        """Return {"reference", "answer"}: the answer holds the address of the pay page.

        OutcomeUnknownError on any other code than the one of the connection: no list of codes is published.
        """
        asked = {**self.of_every_order, **fields}
        asked[signatures.SECURE_CODE] = sign(signatures.INIT, asked, self.secret)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.api_key}"}
        reply = self.rest.call("POST", self.path, body=json.dumps(asked).encode(), headers=headers).body
        answer, code = _read(reply)
        if code != self.success_code:
            text = f"vnptpay: INIT: result code {code[:20]!r} is not the one of success"
            raise OutcomeUnknownError(text, reason="unknown_result_code")
        kept = {"reference": fields["MERCHANT_ORDER_ID"], "answer": answer}
        return Receipt("", json.dumps(kept, ensure_ascii=False).encode())

    def close(self) -> None:
        """Close the session."""
        self.rest.close()


def open_init_api(connection: Connection, limits: Limits) -> InitApi:
    """Return the caller, or raise SetupError for a setting that is missing or cannot be."""
    given = _texts(connection.optional("init_fields", "{}"))
    return InitApi(
        rest=Rest("vnptpay", connection.required("host"), limits, tls=tls.context(connection)),
        path=connection.required("path"),
        api_key=connection.required("api_key"),
        secret=connection.required("password"),
        of_every_order={**given, "ACTION": "INIT", "MERCHANT_SERVICE_ID": connection.required("login")},
        success_code=connection.required("success_code"),
    )


def _read(reply: bytes) -> tuple[str, str]:
    """Return the answer as text, and its RESPONSE_CODE."""
    try:
        answer = reply.decode()
        found = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise OutcomeUnknownError("vnptpay: INIT: the answer is not JSON", reason="not_json") from error
    code = found.get("RESPONSE_CODE") if isinstance(found, dict) else None
    if not isinstance(code, str):
        raise OutcomeUnknownError("vnptpay: INIT: the answer has no RESPONSE_CODE", reason="field_missing")
    return answer, code


def _texts(text: str) -> dict[str, str]:
    problem = "vnptpay: init_fields must be a JSON object of texts with names of the INIT message"
    try:
        found = json.loads(text)
    except ValueError as error:
        raise SetupError(problem, reason="setting_malformed") from error
    known = isinstance(found, dict) and set(found) <= set(signatures.INIT.names)
    if not known or not all(isinstance(value, str) for value in found.values()):
        raise SetupError(problem, reason="setting_malformed")
    return dict(found)
