"""What VietinBank's eWallet signs: RSA, in Base64, over values written one after the other (partners.md §7)."""

from truc.errors import SetupError
from truc.trust.signing import Algorithm, Profile

ONLY_SEEN = "RSA with SHA-1 is all that was seen of the bank; set signature_algorithm to RSA-SHA256 once it agrees"
INQUIRY_FIELDS = (
    "queryTransactionId",
    "queryType",
    "providerId",
    "merchantId",
    "channel",
    "version",
    "language",
    "mac",
)

INQUIRY_SHA1 = Profile(
    algorithm="RSA-SHA1",
    names=INQUIRY_FIELDS,
    parts="value",
    separator="",
    output="base64",
    weak_because=ONLY_SEEN,
)
INQUIRY_SHA256 = Profile(algorithm="RSA-SHA256", names=INQUIRY_FIELDS, parts="value", separator="", output="base64")
INQUIRIES: dict[str, Profile] = {one.algorithm: one for one in (INQUIRY_SHA1, INQUIRY_SHA256)}


def inquiry(algorithm: str) -> Profile:
    """Return the row of transactionInquiry; SetupError for an algorithm that is none of the two."""
    if algorithm not in INQUIRIES:
        text = f"vietinbank: signature_algorithm must be {' or '.join(INQUIRIES)}"
        raise SetupError(text, reason="setting_malformed")
    return INQUIRIES[algorithm]


def answer(asked: Profile, names: tuple[str, ...]) -> Profile:
    """Return the row of an answer: which fields the bank signs, and in which order, comes from the connection."""
    algorithm: Algorithm = asked.algorithm
    return Profile(
        algorithm=algorithm,
        names=names,
        parts="value",
        separator="",
        missing="empty",  # a transaction that is not there has no amount
        output="base64",
        weak_because=asked.weak_because,
    )
