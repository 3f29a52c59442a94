"""The hashes of VNPT's gateway as the stand-in computes them, with code of its own (so that a bug of ours shows)."""

import hashlib
import hmac
from collections.abc import Mapping

# Merchant, keys and codes are dummies of the stand-in: which codes the gateway has is not published.
MERCHANT, ENCODE_KEY, API_KEY = "TRUCTEST", "sandbox-encode-key", "sandbox-api-key"
PAID, FAILED, TAKEN = "S_PAID", "S_FAILED", "S_TAKEN"

REQUEST = "timeStamp merTrxId merId amount"
NOTIFICATION = "resultCd timeStamp merTrxId trxId merId amount"
INIT = (
    "ACTION VERSION MERCHANT_SERVICE_ID MERCHANT_ORDER_ID AMOUNT AMOUNT_DETAIL SERVICE_ID DEVICE LOCALE CURRENCY_CODE"
    " PAYMENT_METHOD DESCRIPTION CREATE_DATE CLIENT_IP"
)


def token(fields: Mapping[str, str], names: str) -> str:
    """Return MegaPay's token: the values without anything between them, the key at the end."""
    text = "".join(fields.get(name, "") for name in names.split()) + ENCODE_KEY
    return hashlib.sha256(text.encode()).hexdigest()


def secure_code(fields: Mapping[str, str]) -> str:
    """Return the hash of an INIT call: its values between bars, the secret last."""
    text = "|".join([*(fields.get(name, "") for name in INIT.split()), ENCODE_KEY])
    return hashlib.sha256(text.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Compare in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())
