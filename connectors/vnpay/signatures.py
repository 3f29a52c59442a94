"""What VNPAY 2.1.0 signs, in which order: HMAC-SHA512 in lower-case hex (partners.md §2).

Queries are signed as sorted form pairs, JSON bodies as values between bars. The MD5 and SHA-256 of 2.0.x have no row
here: what is signed so is refused.
"""

from truc.trust.signing import Profile

HASH, HASH_TYPE = "vnp_SecureHash", "vnp_SecureHashType"

# The pay address, the IPN and the browser's return.
QUERY_STRING = Profile(algorithm="HMAC-SHA512", apart=(HASH, HASH_TYPE), encoding="form", empties="left_out")


def _values(*names: str) -> Profile:
    """Return the row of a JSON body; a name that is absent stands as an empty value between its bars."""
    full = tuple(f"vnp_{name}" for name in names)
    return Profile(algorithm="HMAC-SHA512", names=full, parts="value", separator="|", missing="empty")


QUERY = _values(
    "RequestId",
    "Version",
    "Command",
    "TmnCode",
    "TxnRef",
    "TransactionDate",
    "CreateDate",
    "IpAddr",
    "OrderInfo",
)
REFUND = _values(
    "RequestId",
    "Version",
    "Command",
    "TmnCode",
    "TransactionType",
    "TxnRef",
    "Amount",
    "TransactionNo",
    "TransactionDate",
    "CreateBy",
    "CreateDate",
    "IpAddr",
    "OrderInfo",
)
_ANSWERED = (
    "ResponseId",
    "Command",
    "ResponseCode",
    "Message",
    "TmnCode",
    "TxnRef",
    "Amount",
    "BankCode",
    "PayDate",
    "TransactionNo",
    "TransactionType",
    "TransactionStatus",
    "OrderInfo",
)
QUERY_ANSWER = _values(*_ANSWERED, "PromotionCode", "PromotionAmount")
REFUND_ANSWER = _values(*_ANSWERED)
