"""OpenPGP files from a partner: opened with our key, and believed only with the signature of the one pinned sender.

The library takes no compressed message, so one never opens to more bytes than it came with: no bomb, but a partner
that uses GnuPG must be told `--compress-algo none`.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pysequoia
from pysequoia.packet import PacketPile, Tag

from truc.errors import MalformedError, SetupError

MESSAGE_BYTES_MAX = 256 * 1024 * 1024
PUBLIC = "BEGIN PGP PUBLIC KEY BLOCK"
# pysequoia raises one class for everything; these are the beginnings of its texts, and what each means to us.
REFUSED = {
    "No key to decrypt message": ("not_for_us", "is not encrypted for our key: tell the partner our certificate"),
    "Unexpected message structure": ("pgp_compressed", "is compressed: ask for it with --compress-algo none"),
    "Signature verification failed": ("signature_wrong", "has no valid signature of the pinned sender"),
}


@dataclass(frozen=True, slots=True)
class Key:
    """A private key of ours; printing it shows its fingerprint."""

    fingerprint: str
    secret: pysequoia.Tsk = field(repr=False)
    passphrase: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A public key, pinned by being the one given."""

    fingerprint: str
    public: pysequoia.Cert = field(repr=False)


def read_key(party: str, text: str, *, passphrase: str = "") -> Key:
    """Return the private key of an armored text; SetupError `setting_malformed` for another text or passphrase."""
    try:
        secret = pysequoia.Tsk.from_bytes(text.encode())
        secret.decryptor(passphrase or None)
    except RuntimeError:
        # What the library says may hold parts of the key, so it goes no further.
        problem = f"{party}: the PGP private key cannot be used: wrong text, wrong passphrase, or expired"
        raise SetupError(problem, reason="setting_malformed") from None
    return Key(secret.extract_certificate().fingerprint, secret, passphrase or None)


def read_certificate(party: str, text: str) -> Certificate:
    """Return the one certificate of an armored text.

    SetupError `setting_malformed` for another text or a private key; `certificate_expired`, `certificate_revoked`.
    """
    try:
        # A private key would be taken as readily: its armor is another.
        [public] = pysequoia.Cert.split_bytes(text.encode()) if PUBLIC in text else []
    except (RuntimeError, ValueError):
        problem = f"{party}: one PGP certificate is needed, as an armored public key"
        raise SetupError(problem, reason="setting_malformed") from None
    if public.is_revoked:
        raise SetupError(f"{party}: the PGP certificate is revoked: ask for the next one", reason="certificate_revoked")
    if public.expiration is not None and public.expiration <= datetime.now(UTC):
        text = f"{party}: the PGP certificate expired on {public.expiration:%Y-%m-%d}: ask for the next one"
        raise SetupError(text, reason="certificate_expired")
    return Certificate(public.fingerprint, public)


def opened(party: str, body: bytes, *, key: Key, sender: Certificate, bytes_max: int = MESSAGE_BYTES_MAX) -> bytes:
    """Return what the sender wrote: decrypted, and signed by exactly this certificate. Armored or binary.

    MalformedError: `not_encrypted` (also for one that is only signed), `not_for_us`, `signature_wrong` (unsigned,
    another's, altered), `pgp_compressed`, `pgp_damaged`, `body_too_large`.
    """
    if len(body) > bytes_max:
        raise MalformedError(f"{party}: PGP message over {bytes_max:,} bytes", reason="body_too_large")
    _refuse_unencrypted(party, body)
    try:
        found = pysequoia.decrypt(body, decryptor=key.secret.decryptor(key.passphrase), store=lambda _: [sender.public])
    except RuntimeError as error:
        raise _refusal(party, str(error)) from None
    signers = {one.certificate for one in found.valid_sigs}
    if found.bytes is None or sender.fingerprint not in signers:
        raise _refusal(party, "Signature verification failed")
    return found.bytes


def closed(body: bytes, *, key: Key, receiver: Certificate) -> bytes:
    """Return the body signed by our key and encrypted for the receiver, armored.

    SetupError `key_of_wrong_kind` when the key cannot sign, or the receiver's cannot encrypt.
    """
    try:
        signer = key.secret.signer(key.passphrase)
        return pysequoia.encrypt(body, recipients=[receiver.public], signer=signer)
    except RuntimeError:
        text = f"no PGP message from {key.fingerprint} to {receiver.fingerprint}: a key cannot sign or encrypt"
        raise SetupError(text, reason="key_of_wrong_kind") from None


def _refuse_unencrypted(party: str, body: bytes) -> None:
    try:
        tags = [packet.tag for packet in PacketPile.from_bytes(body)]
    except RuntimeError:
        raise MalformedError(f"{party}: the file is no whole PGP message", reason="pgp_damaged") from None
    if Tag.SEIP not in tags:
        # The library opens a message that is only signed as readily.
        raise MalformedError(f"{party}: the file is not encrypted with PGP", reason="not_encrypted")


def _refusal(party: str, said: str) -> MalformedError:
    for beginning, (reason, text) in REFUSED.items():
        if said.startswith(beginning):
            return MalformedError(f"{party}: the PGP message {text}", reason=reason)
    return MalformedError(f"{party}: the PGP message is damaged: ask for it again", reason="pgp_damaged")
