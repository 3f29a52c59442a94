"""Sealing of personal data at rest: AES-256-GCM under the hub's key, and a keyed blind index to look it up.

A sealed value is `version byte · 12-byte nonce · ciphertext and tag`. The context (table and column) is
authenticated with it, so a value copied into another column does not open.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from truc.errors import MalformedError

VERSION = b"\x01"
NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals, unseals and indexes. Both keys are 32 bytes; they never show in a repr."""

    seal_key: bytes = field(repr=False)
    index_key: bytes = field(repr=False)

    def seal(self, value: bytes, *, context: str) -> bytes:
        """Return `value` sealed for `context`; two seals of one value differ."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return VERSION + nonce + AESGCM(self.seal_key).encrypt(nonce, value, context.encode())

    def unseal(self, sealed: bytes, *, context: str) -> bytes:
        """Return the value; raise MalformedError when key, context or bytes do not fit."""
        if sealed[:1] != VERSION:
            raise MalformedError(f"{context}: sealed with an unknown version", reason="seal_broken")
        nonce, text = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return AESGCM(self.seal_key).decrypt(nonce, text, context.encode())
        except (InvalidTag, ValueError) as error:  # ValueError: too short to hold a nonce
            raise MalformedError(f"{context}: key or bytes do not fit", reason="seal_broken") from error

    def seal_text(self, text: str, *, context: str) -> bytes | None:
        """Seal a text; an empty one is stored as NULL."""
        return self.seal(text.encode(), context=context) if text else None

    def unseal_text(self, sealed: bytes | None, *, context: str) -> str:
        """Return the text; NULL is the empty text."""
        return "" if sealed is None else self.unseal(sealed, context=context).decode()

    def blind_index(self, value: str, *, context: str) -> str:
        """Return HMAC-SHA256 of the value for look-up, 64 hex digits; without the key it tells nothing."""
        return hmac.new(self.index_key, f"{context}\0{value}".encode(), hashlib.sha256).hexdigest()
