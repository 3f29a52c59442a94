"""What VNPT's gateway signs, in which order (partners.md §5): MegaPay's tokens, the INIT hash, and our own page's seal.

MegaPay hashes values without anything between them, the merchant's key at the end. Which of the notification's rows
holds is said by its fee, and by the merchant's contract for payToken.
"""

from truc.trust.signing import Profile


def _token(*names: str) -> Profile:
    return Profile(algorithm="SHA-256", names=names, parts="value", separator="", key_place="suffix")


REQUEST = _token("timeStamp", "merTrxId", "merId", "amount")
_NOTIFIED = ("resultCd", "timeStamp", "merTrxId", "trxId", "merId", "amount")
NOTIFICATION = _token(*_NOTIFIED)
NOTIFICATION_WITH_FEE = _token(*_NOTIFIED, "userFee")
NOTIFICATION_WITH_TOKEN = _token(*_NOTIFIED, "payToken")
NOTIFICATION_WITH_BOTH = _token(*_NOTIFIED, "userFee", "payToken")

# The address of our page that posts the form: MegaPay's own token covers the amount, and not what the citizen reads.
SEAL = "seal"
PAY_PAGE = Profile(algorithm="HMAC-SHA256", apart=(SEAL,), encoding="form", lead="pay_page?")

# Recalled, and confirmed by nothing public (partners.md §5.2).
SECURE_CODE = "SECURE_CODE"
INIT = Profile(
    algorithm="SHA-256",
    names=(
        "ACTION",
        "VERSION",
        "MERCHANT_SERVICE_ID",
        "MERCHANT_ORDER_ID",
        "AMOUNT",
        "AMOUNT_DETAIL",
        "SERVICE_ID",
        "DEVICE",
        "LOCALE",
        "CURRENCY_CODE",
        "PAYMENT_METHOD",
        "DESCRIPTION",
        "CREATE_DATE",
        "CLIENT_IP",
    ),
    parts="value",
    separator="|",
    missing="empty",
    key_place="last",
)
