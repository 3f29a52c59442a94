"""How the table-driven signer compares with calling hmac and cryptography by hand for the same message."""

import base64
import hmac
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bench.figures import Figure, show
from truc.trust.keys import PemKey
from truc.trust.signing import Profile, sign, sign_bytes, text_to_sign, verify, verify_bytes

BAR = 0.8  # of the speed by hand
ROUNDS, ROUND_S = 41, 0.02
SECRET = "K951B6PE1waDMi640xX08PD3vg6EkVlz"  # noqa: S105  (MoMo's public test key)
KEY = SECRET.encode()
NAMES = ("accessKey", "amount", "extraData", "message", "orderId", "orderInfo", "partnerCode", "payType", "requestId")
FIXED = Profile(names=NAMES)
SORTED = Profile(algorithm="HMAC-SHA512", apart=("vnp_SecureHash",), encoding="form", empties="left_out")
RSA = replace(FIXED, algorithm="RSA-SHA256", output="base64")
Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Pair:
    """One thing to do, by the signer and by hand; both give the same answer."""

    name: str
    ours: Call
    by_hand: Call


def run() -> list[Figure]:
    """Measure every pair for a message of 300 bytes and of 2 kB."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pairs = [pair for size in (300, 2000) for pair in (*_secrets(size), *_form(size), *_key_pair(size, private))]
    return [_measured(pair) for pair in pairs]


def _fields(size: int, names: tuple[str, ...]) -> Mapping[str, str]:
    """Return fields that make a text of about `size` bytes; one in three has blanks and colons."""
    each = size // len(names) - 12
    return {
        name: ("noi dung: " * each)[:each] if i % 3 == 2 else ("2026112" * each)[:each] for i, name in enumerate(names)
    }


def _secrets(size: int) -> list[Pair]:
    fields = _fields(size, NAMES)
    text, right = text_to_sign(FIXED, fields), sign(FIXED, fields, SECRET)

    def written() -> bytes:
        return "&".join(f"{name}={fields[name]}" for name in NAMES).encode()

    return [
        Pair(
            f"HMAC-SHA256, sign {len(text)} bytes",
            lambda: sign_bytes(FIXED, text, SECRET),
            lambda: hmac.digest(KEY, text, "sha256").hex(),
        ),
        Pair(
            f"HMAC-SHA256, verify {len(text)} bytes",
            lambda: verify_bytes(FIXED, text, SECRET, right),
            lambda: hmac.compare_digest(hmac.digest(KEY, text, "sha256").hex(), right),
        ),
        Pair(
            f"HMAC-SHA256, sign {len(NAMES)} fields, {len(text)} bytes",
            lambda: sign(FIXED, fields, SECRET),
            lambda: hmac.digest(KEY, written(), "sha256").hex(),
        ),
        Pair(
            f"HMAC-SHA256, verify {len(NAMES)} fields, {len(text)} bytes",
            lambda: verify(FIXED, fields, SECRET, right),
            lambda: hmac.compare_digest(hmac.digest(KEY, written(), "sha256").hex(), right),
        ),
    ]


def _form(size: int) -> list[Pair]:
    names = tuple(f"vnp_Field{number}" for number in range(12))
    fields = {**_fields(size, names), "vnp_SecureHash": "0" * 128}
    text, right = text_to_sign(SORTED, fields), sign(SORTED, fields, SECRET)

    def by_hand() -> str:
        kept = sorted((name, value) for name, value in fields.items() if value and name != "vnp_SecureHash")
        return hmac.digest(KEY, urlencode(kept).encode(), "sha512").hex()

    what = f"12 sorted form fields, {len(text)} bytes"
    return [
        Pair(f"HMAC-SHA512, sign {what}", lambda: sign(SORTED, fields, SECRET), by_hand),
        Pair(
            f"HMAC-SHA512, verify {what}",
            lambda: verify(SORTED, fields, SECRET, right),
            lambda: hmac.compare_digest(by_hand(), right),
        ),
    ]


def _key_pair(size: int, private: rsa.RSAPrivateKey) -> list[Pair]:
    fields, public, ours = _fields(size, NAMES), private.public_key(), PemKey(private)
    text, right = text_to_sign(RSA, fields), sign(RSA, fields, ours)

    def by_hand() -> bool:
        public.verify(base64.b64decode(right), text, padding.PKCS1v15(), hashes.SHA256())
        return True

    return [
        Pair(
            f"RSA-2048-SHA256, sign {len(text)} bytes",
            lambda: sign_bytes(RSA, text, ours),
            lambda: base64.b64encode(private.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode(),
        ),
        Pair(f"RSA-2048-SHA256, verify {len(text)} bytes", lambda: verify_bytes(RSA, text, public, right), by_hand),
    ]


def _measured(pair: Pair) -> Figure:
    """Take rounds in turn; both do the same number of calls in each."""
    assert pair.ours() == pair.by_hand(), pair.name
    calls = _calls(pair.by_hand)
    taken = [(_taken_s(pair.ours, calls), _taken_s(pair.by_hand, calls)) for _ in range(ROUNDS)]
    ours, floor = (statistics.median(side) for side in zip(*taken, strict=True))
    speed = statistics.median(by_hand / one for one, by_hand in taken)
    word = "met" if speed >= BAR else "missed"
    note = f"**{speed:.2f}** of the speed by hand ({BAR} {word}); {ours / calls * 1e6:.1f} µs a call"
    return Figure(pair.name, ours, f"by hand, {calls:,} calls", floor, note)


def _calls(call: Call) -> int:
    return max(20, round(ROUND_S / min(_taken_s(call, 50) / 50 for _ in range(5))))


def _taken_s(call: Call, times: int) -> float:
    """Return the processor time: what else runs on the machine does not count."""
    begun = time.process_time()
    for _ in range(times):
        call()
    return time.process_time() - begun


if __name__ == "__main__":
    show(run())
