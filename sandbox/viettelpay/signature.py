"""ViettelPay's checksums as the stand-in computes them, with code of its own (so that a bug of ours is not mirrored).

As the published code base does: HMAC-SHA1, Base64 in what merchants send, hex in what the gateway calls with.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping

# Merchant, access code and secret are dummies of the stand-in.
MERCHANT, ACCESS_CODE, SECRET = "TRUCTEST", "sandbox-access-code", "sandbox-secret-key"

PAYMENT = "billcode command merchant_code order_id trans_amount version"
INQUIRY = "cmd merchant_code order_id version"
REFUND = "cmd merchant_code order_id originalRequestId refundType trans_amount version"
VERIFY = "billcode merchant_code order_id trans_amount"
VERIFY_ANSWER = "billcode error_code merchant_code order_id trans_amount"
RESULT = "billcode cust_msisdn error_code merchant_code order_id payment_status trans_amount vt_transaction_id"
RESULT_ANSWER = "error_code merchant_code order_id"


def is_right(fields: Mapping[str, str], names: str) -> bool:
    """Say whether a merchant's message bears the checksum of its fields, in Base64."""
    if any(name not in fields for name in names.split()):
        return False
    right = base64.b64encode(_mac(fields, names)).decode()
    return hmac.compare_digest(right.encode(), fields.get("check_sum", "").encode())


def of_call(fields: Mapping[str, str], names: str) -> str:
    """Return the checksum of a call of ours, or of a merchant's answer to it, in hex."""
    return _mac(fields, names).hex()


def _mac(fields: Mapping[str, str], names: str) -> bytes:
    text = ACCESS_CODE + "".join(str(fields.get(name, "")) for name in names.split())
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha1).digest()
