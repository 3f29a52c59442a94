"""MoMo's signature as the stand-in computes it, with code of its own (so that a bug of ours is not mirrored)."""

import hashlib
import hmac
from collections.abc import Mapping

# The partner code and keys are dummies of the stand-in.
PARTNER_CODE, ACCESS_KEY, SECRET_KEY = "MOMOSANDBOX", "sandbox-access-key", "sandbox-secret-key"


def signature_of(fields: Mapping[str, object], names: str) -> str:
    """Return the HMAC over `names` (separated by spaces, in their order)."""
    known = {"accessKey": ACCESS_KEY, **fields}
    raw = "&".join(f"{name}={known[name]}" for name in names.split())
    return hmac.new(SECRET_KEY.encode(), raw.encode(), hashlib.sha256).hexdigest()


def is_right(fields: Mapping[str, object], names: str, signature: object) -> bool:
    """Say whether the caller signed these fields with our key."""
    return hmac.compare_digest(signature_of(fields, names), str(signature))


CREATE = "accessKey amount extraData ipnUrl orderId orderInfo partnerCode redirectUrl requestId requestType"
QUERY = "accessKey orderId partnerCode requestId"
IPN = (
    "accessKey amount extraData message orderId orderInfo orderType partnerCode payType requestId responseTime"
    " resultCode transId"
)
REFUND = "accessKey amount description orderId partnerCode requestId transId"
STATEMENT = "accessKey day partnerCode"
