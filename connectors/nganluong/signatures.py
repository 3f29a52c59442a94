"""What Ngân Lượng hashes with the merchant's password: MD5, since its interface knows nothing else (partners.md §6)."""

from truc.trust.signing import Profile

ONLY_MD5 = "Ngân Lượng's interface takes MD5 alone (partners.md §6); TLS is what protects the call"

# merchant_password of a call: the digest of the password and nothing more.
MERCHANT_PASSWORD = Profile(algorithm="MD5", parts="value", key_place="suffix", weak_because=ONLY_MD5)

# secure_code of a browser that comes back from Checkout 2.0; a blank stands before the first value.
CHECKOUT_RETURN = Profile(
    algorithm="MD5",
    names=(
        "transaction_info",
        "order_code",
        "price",
        "payment_id",
        "payment_type",
        "error_text",
        "merchant_site_code",
    ),
    parts="value",
    separator=" ",
    key_place="last",
    lead=" ",
    weak_because=ONLY_MD5,
)
