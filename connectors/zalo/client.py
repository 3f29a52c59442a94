"""Sends one template message through ZNS."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.zalo import token_file
from connectors.zalo.result_codes import CODES, TOKEN_INVALID
from connectors.zalo.token import Token
from truc.connections import Connection
from truc.envelope import Outgoing, Receipt
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError
from truc.manifest import Limits
from truc.result_codes import Doing
from truc.transport.rest import Rest
from truc.trust import tls

PATH = "/message/template"
MAPPED_FIELDS = {"phone", "notice", "template_data", "tracking_id"}
TEMPLATE = re.compile(r"\s*([a-z0-9_]+)\s*=\s*([A-Za-z0-9_-]+)\s*")


@dataclass(frozen=True, slots=True)
class Client:
    """One Official Account."""

    rest: Rest
    token: Token
    template_ids: dict[str, str]
    mode: str

    def send_message(self, outgoing: Outgoing) -> Receipt:
        """Send one message by the template of its kind. The receipt is the answer, named by Zalo's msg_id.

        RejectedError code "-118" when no Zalo account has this number, and "template_missing" for a kind without a
        template: another channel may reach the citizen.
        """
        body = self._asked(_mapped(outgoing.body))
        token = self.token.value()
        headers = {"Content-Type": "application/json", "access_token": token}
        try:
            reply = self.rest.call("POST", PATH, body=body, headers=headers).body
            code, message_id = _answer(reply)
        except MalformedError as error:
            raise OutcomeUnknownError("zalo: the answer cannot be read", reason="answer_unreadable") from error
        if code == TOKEN_INVALID:
            self.token.forget(token)
        if CODES.doing("send_message", code) is not Doing.ACCEPTED:
            raise CODES.failure("send_message", code)
        return Receipt(external_id=message_id, body=reply)

    def probe(self) -> str:
        """Ask for an access token where the next message would; SetupError `unsupported` while the kept one is good.

        No call that only reads is known, and to renew before time would spend a refresh token, good for one use.
        """
        kept = token_file.read(self.token.path)
        if self.token.value() == kept.access_token:
            text = f"zalo: nothing was asked: the token of token_file is good until {kept.ends_at:%Y-%m-%d %H:%M} UTC"
            raise SetupError(text, reason="unsupported")
        return "a new access token"

    def close(self) -> None:
        """Close the kept connections."""
        self.rest.close()
        self.token.rest.close()

    def _asked(self, mapped: dict[str, Any]) -> bytes:
        notice = mapped.pop("notice")
        if notice not in self.template_ids:
            # Nothing was called. Not SetupError: that would hold up the kinds that have a template.
            text = f"zalo: template_ids of the connection has no template for {notice!r}"
            raise RejectedError(text, reason="template_missing", code="template_missing")
        asked = mapped | {"template_id": self.template_ids[notice]} | ({"mode": self.mode} if self.mode else {})
        return json.dumps(asked, ensure_ascii=False).encode()


def open_client(connection: Connection, limits: Limits) -> Client:
    """Return a client for the connection's account, or raise SetupError naming the missing or wrong setting."""
    context = tls.context(connection)
    oauth_host = connection.optional("oauth_host", "https://oauth.zaloapp.com")
    token = Token(
        rest=Rest(connection.party, oauth_host, limits, tls=context),
        path=Path(connection.required("token_file")),
        app_id=connection.required("login"),
        secret_key=connection.required("password"),
        # Whoever holds the lock makes one call.
        wait_s=limits.connect_timeout_s + 2 * limits.timeout_s,
    )
    rest = Rest(connection.party, connection.required("host"), limits, tls=context)
    return Client(rest, token, _template_ids(connection.required("template_ids")), connection.optional("mode"))


def _template_ids(listed: str) -> dict[str, str]:
    """Read "received=123, ready=125"."""
    found = [TEMPLATE.fullmatch(one) for one in listed.split(",")]
    read = {one[1]: one[2] for one in found if one is not None}
    if len(read) != len(found):
        text = "zalo: template_ids must be KIND=ID, …, each kind once, such as received=123, ready=125"
        raise SetupError(text, reason="setting_malformed")
    return read


def _mapped(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or set(fields) != MAPPED_FIELDS:
        raise MalformedError("zalo: the body must be what mappings.zalo.message writes", reason="not_by_mapping")
    return fields


def _answer(body: bytes) -> tuple[str, str]:
    """Return `error` as text, and the msg_id of a sent message ("" where there is none)."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedError("zalo: not JSON", reason="not_json") from error
    code = found.get("error") if isinstance(found, dict) else None
    if isinstance(code, bool) or not isinstance(code, int):
        raise MalformedError("zalo: error is not a number", reason="result_code_missing")
    data = found.get("data")
    message_id = data.get("msg_id") if isinstance(data, dict) else None
    return str(code), message_id if isinstance(message_id, str) else ""
