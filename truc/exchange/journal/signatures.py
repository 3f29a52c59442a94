"""The hub's Ed25519 key that signs closes, and the fingerprint by which others know its public half."""

import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from truc import secrets_file
from truc.errors import MalformedError
from truc.exchange.journal.records import Close

KEY_FILE = "journal_signing.key"


def hub_key(secrets: Path) -> Ed25519PrivateKey:
    """Return the hub's key; raise SetupError when there is none."""
    return Ed25519PrivateKey.from_private_bytes(secrets_file.read_key(secrets, KEY_FILE))


def public_key(digits: str) -> Ed25519PublicKey:
    """Return the public key written in 64 hexadecimal digits, or raise MalformedError."""
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(digits))
    except ValueError as error:
        raise MalformedError("a public key is 64 hexadecimal digits", reason="key_malformed") from error


def key_id(key: Ed25519PublicKey) -> str:
    """Return the key's fingerprint: SHA-256 of its 32 bytes, 64 hexadecimal digits."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def is_signed(close: Close, key: Ed25519PublicKey) -> bool:
    """Tell whether the close bears a signature of this key."""
    try:
        key.verify(bytes.fromhex(close.signature), close.signed)
    except InvalidSignature:
        return False
    return True
