"""VNPAY's checksums as the stand-in computes them, with code of its own (so that a bug of ours is not mirrored)."""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlencode

# The terminal and its secret are dummies of the stand-in.
TERMINAL, SECRET = "TRUCTEST", "sandbox-hash-secret"

QUERY = "RequestId Version Command TmnCode TxnRef TransactionDate CreateDate IpAddr OrderInfo"
REFUND = (
    "RequestId Version Command TmnCode TransactionType TxnRef Amount TransactionNo TransactionDate CreateBy CreateDate"
    " IpAddr OrderInfo"
)
REFUND_ANSWER = (
    "ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate TransactionNo TransactionType"
    " TransactionStatus OrderInfo"
)
QUERY_ANSWER = REFUND_ANSWER + " PromotionCode PromotionAmount"


def query_string(fields: Mapping[str, str]) -> str:
    """Return the fields that are not empty as sorted form pairs, with their checksum at the end."""
    raw = _raw(fields)
    return f"{raw}&vnp_SecureHash={_hash(raw)}"


def query_is_right(fields: Mapping[str, str]) -> bool:
    """Say whether a query string was signed with our secret."""
    return hmac.compare_digest(_hash(_raw(fields)), fields.get("vnp_SecureHash", ""))


def body_hash(fields: Mapping[str, object], names: str) -> str:
    """Return the checksum over the values between bars, in the order of `names`; what is absent is empty."""
    return _hash("|".join(str(fields.get(f"vnp_{name}", "")) for name in names.split()))


def body_is_right(fields: Mapping[str, object], names: str) -> bool:
    """Say whether a JSON body was signed with our secret."""
    return hmac.compare_digest(body_hash(fields, names), str(fields.get("vnp_SecureHash", "")))


def _raw(fields: Mapping[str, str]) -> str:
    signed = {name: value for name, value in fields.items() if value and not name.startswith("vnp_SecureHash")}
    return urlencode(sorted(signed.items()))


def _hash(raw: str) -> str:
    return hmac.new(SECRET.encode(), raw.encode(), hashlib.sha512).hexdigest()
