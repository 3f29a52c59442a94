"""What ViettelPay's gateway 2.0 signs, in which order: values without anything between them (partners.md §4).

`access_code` is signed and never sent. Algorithm and encoding are each merchant's own: `Agreed` puts them into a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from truc.connections import Connection
from truc.errors import SetupError
from truc.trust.signing import WEAK, Algorithm, Profile, sign, verify

OLD = "gateway 2.0 is published with HMAC-SHA1; a merchant whose contract says HMAC-SHA256 sets `algorithm`"
Encoding = Literal["base64", "hex", "HEX"]
Chosen = TypeVar("Chosen")

ALGORITHMS: dict[str, Algorithm] = {"HMAC-SHA1": "HMAC-SHA1", "HMAC-SHA256": "HMAC-SHA256"}
ENCODINGS: dict[str, Encoding] = {"base64": "base64", "hex": "hex", "HEX": "HEX"}


def _values(*names: str) -> Profile:
    return Profile(algorithm="HMAC-SHA1", names=names, parts="value", separator="", output="base64", weak_because=OLD)


PAYMENT = _values("access_code", "billcode", "command", "merchant_code", "order_id", "trans_amount", "version")
INQUIRY = _values("access_code", "cmd", "merchant_code", "order_id", "version")
REFUND = _values(
    "access_code",
    "cmd",
    "merchant_code",
    "order_id",
    "originalRequestId",
    "refundType",
    "trans_amount",
    "version",
)
VERIFY = _values("access_code", "billcode", "merchant_code", "order_id", "trans_amount")
VERIFY_ANSWER = _values("access_code", "billcode", "error_code", "merchant_code", "order_id", "trans_amount")
RESULT = _values(
    "access_code",
    "billcode",
    "cust_msisdn",
    "error_code",
    "merchant_code",
    "order_id",
    "payment_status",
    "trans_amount",
    "vt_transaction_id",
)
# What a newer client of the gateway verifies: neither the telephone number nor the error code is signed.
RESULT_NEWER = _values(
    "access_code",
    "billcode",
    "merchant_code",
    "order_id",
    "payment_status",
    "trans_amount",
    "vt_transaction_id",
)
RESULT_ANSWER = _values("access_code", "error_code", "merchant_code", "order_id")
RESULTS = {"all": RESULT, "newer": RESULT_NEWER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What one merchant's contract says of its checksums: exactly one algorithm, one encoding each way."""

    merchant_code: str
    access_code: str = field(repr=False)
    secret: str = field(repr=False)
    algorithm: Algorithm
    encoding: Encoding  # of what we send and ask
    callback_encoding: Encoding  # of what calls us, and of our answers
    result: Profile

    def check_sum(self, row: Profile, fields: Mapping[str, str]) -> str:
        """Return the checksum of a message that we send."""
        return sign(self._as_agreed(row, self.encoding), self._all(fields), self.secret)

    def answer_check_sum(self, row: Profile, fields: Mapping[str, str]) -> str:
        """Return the checksum of our answer to a call."""
        return sign(self._as_agreed(row, self.callback_encoding), self._all(fields), self.secret)

    def is_right(self, row: Profile, fields: Mapping[str, str], check_sum: str) -> bool:
        """Say whether a call bears the checksum of its fields; MalformedError where one of them is missing."""
        return verify(self._as_agreed(row, self.callback_encoding), self._all(fields), self.secret, check_sum)

    def _all(self, fields: Mapping[str, str]) -> dict[str, str]:
        return {**fields, "access_code": self.access_code}

    def _as_agreed(self, row: Profile, encoding: Encoding) -> Profile:
        why = OLD if self.algorithm in WEAK else ""
        return replace(row, algorithm=self.algorithm, output=encoding, weak_because=why)


def agreed(connection: Connection) -> Agreed:
    """Return what the connection says of checksums, or raise SetupError for a word that is none of ours."""
    encoding = connection.optional("encoding", "base64")
    callback_encoding = connection.optional("callback_encoding", encoding)
    return Agreed(
        merchant_code=connection.required("login"),
        access_code=connection.required("access_key"),
        secret=connection.required("password"),
        algorithm=_chosen("algorithm", connection.required("algorithm"), ALGORITHMS),
        encoding=_chosen("encoding", encoding, ENCODINGS),
        callback_encoding=_chosen("callback_encoding", callback_encoding, ENCODINGS),
        result=_chosen("result_fields", connection.optional("result_fields", "all"), RESULTS),
    )


def _chosen(name: str, word: str, known: Mapping[str, Chosen]) -> Chosen:
    if word not in known:
        raise SetupError(f"viettelpay: {name} must be one of {', '.join(known)}", reason="setting_malformed")
    return known[word]
