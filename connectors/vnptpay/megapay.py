"""Makes the form that opens MegaPay, as the sealed address of a page of ours that posts it (partners.md §5.1).

MegaPay is opened by a form, and a citizen is sent by an address. The page shows sum and purpose, and posts only what
bears our seal, only to the connection's own address.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from connectors.vnptpay import signatures
from connectors.vnptpay.manifest import TERMS
from truc.connections import Connection
from truc.envelope import Receipt
from truc.errors import SetupError
from truc.trust.signing import sign, sign_bytes, text_to_sign

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
TIME_FORMAT = "%Y%m%d%H%M%S"
PAY_TYPES = ("IC", "DC", "VA", "QR", "EW", "NO")

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MegaPay:
    """One merchant (merId) of MegaPay."""

    encode_key: str = field(repr=False)
    of_every_order: Fields
    pay_page: str

    def order(self, fields: Fields) -> Receipt:
        """Return {"reference", "payUrl"}: nothing is called, and the same order gives the same address."""
        form = {**self.of_every_order, **fields}
        if form["payType"] == "VA":
            form |= _account_lives(form["timeStamp"])
        form["merchantToken"] = sign(signatures.REQUEST, form, self.encode_key)
        query = text_to_sign(signatures.PAY_PAGE, form).removeprefix(signatures.PAY_PAGE.lead.encode())
        seal = sign_bytes(signatures.PAY_PAGE, signatures.PAY_PAGE.lead.encode() + query, self.encode_key)
        pay_url = f"{self.pay_page}?{query.decode()}&{signatures.SEAL}={seal}"
        return Receipt(fields["merTrxId"], json.dumps({"reference": fields["merTrxId"], "payUrl": pay_url}).encode())

    def close(self) -> None:
        """There is no session: nothing is called."""


def open_megapay(connection: Connection) -> MegaPay:
    """Return the maker of forms, or raise SetupError for a setting that is missing or cannot be."""
    pay_type = connection.optional("pay_type", "NO")
    if pay_type not in PAY_TYPES:
        raise SetupError(f"vnptpay: pay_type must be one of {', '.join(PAY_TYPES)}", reason="setting_malformed")
    fields = {
        "merId": connection.required("login"),
        "currency": "VND",
        "payType": pay_type,
        "callBackUrl": connection.required("return_url"),
        "notiUrl": connection.required("notification_url"),
        "reqDomain": connection.required("req_domain"),
        "userLanguage": connection.optional("language", "VN"),
        "bankCode": connection.optional("bank_code"),
        "windowColor": connection.optional("window_color"),
    }
    return MegaPay(
        encode_key=connection.required("password"),
        of_every_order={name: value for name, value in fields.items() if value},
        pay_page=_safe(connection.required("pay_page")),
    )


def _account_lives(time_stamp: str) -> dict[str, str]:
    """Return how long the virtual account of an order takes money, on Vietnam's clock (payType VA)."""
    since = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(time_stamp))
    until = since + timedelta(seconds=TERMS.lives_s)
    return {
        "vaStartDt": f"{since.astimezone(VIETNAM):{TIME_FORMAT}}",
        "vaEndDt": f"{until.astimezone(VIETNAM):{TIME_FORMAT}}",
    }


def _safe(url: str) -> str:
    parts = urlsplit(url)
    in_clear = parts.scheme != "https" and (parts.scheme, parts.hostname) != ("http", "127.0.0.1")
    if in_clear or parts.query or parts.fragment:
        text = "vnptpay: pay_page must be https (http only on 127.0.0.1), without ? and #"
        raise SetupError(text, reason="setting_malformed")
    return url
