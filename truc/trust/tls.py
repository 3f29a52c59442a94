"""One TLS context per party: who may answer is pinned, who we are is shown, and no check can be left out.

Settings of a connection, all of them optional:
    ca_file       the partner's certificate authority (a path, or any reference of truc.trust.keys); without it
                  `ca.pem` in the party's folder of `certs/`, without that the public authorities (certifi's)
    client_cert   our certificate and what it was issued by, where the partner asks for one
    client_key    its private key, and `client_key_passphrase` its passphrase
"""

import os
import ssl
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from truc.connections import Connection
from truc.errors import SetupError
from truc.trust import keys

PINNED = "ca.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who we are to one partner: the certificate (with its chain) and the reference of its key."""

    certificate: str
    key: str = field(repr=False)
    passphrase: str = field(default="", repr=False)


def folder() -> Path:
    """Return where public trust material lies: `certs/` of this installation."""
    return Path(os.environ.get("TRUC_HOME", ".")) / "certs"


def context(connection: Connection) -> ssl.SSLContext:
    """Return the TLS context for the party's endpoint, made of its connection's settings.

    SetupError for a file that is missing or unusable, a certificate without its key, and a key inside a token:
    Python's ssl takes keys from memory only.
    """
    pinned = authorities(connection)
    certificate, key = connection.optional("client_cert"), connection.optional("client_key")
    if bool(certificate) != bool(key):
        text = f"{connection.party}: client_cert and client_key go together: set both or none"
        raise SetupError(text, reason="setting_missing")
    if not pinned and not certificate:
        return _public(connection.party)
    made = _context(pinned, connection.party)
    if certificate:
        passphrase = connection.optional("client_key_passphrase")
        _show(made, connection.party, Identity(certificate=certificate, key=key, passphrase=passphrase))
    return made


def authorities(connection: Connection) -> str:
    """Return the reference of the pinned authority, "" when the public ones are trusted."""
    kept = folder() / connection.party / PINNED
    return connection.optional("ca_file") or (str(kept) if kept.is_file() else "")


@cache
def _public(party: str) -> ssl.SSLContext:
    """Return the context of a party that pins nobody; to read all public authorities takes longer than a call."""
    return _context("", party)


def _context(pinned: str, party: str) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks chain and host name
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.hostname_checks_common_name = False
    if not pinned:
        made.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
        return made
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an intermediate or the server's own may be pinned too
    found = keys.certificates(pinned, setting=f"{party} ca_file")
    made.load_verify_locations(cadata="".join(one.public_bytes(Encoding.PEM).decode() for one in found))
    return made


def _show(made: ssl.SSLContext, party: str, identity: Identity) -> None:
    chain = keys.certificates(identity.certificate, setting=f"{party} client_cert")
    key = keys.pem_key(identity.key, secret=identity.passphrase, setting=f"{party} client_key")
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    whole = plain + b"".join(one.public_bytes(Encoding.PEM) for one in chain)
    # Python loads certificates from files only: from one in memory, so that an open key never lies on a disk.
    with os.fdopen(os.memfd_create("truc-client-key", os.MFD_CLOEXEC), "wb") as memory:
        memory.write(whole)
        memory.flush()
        try:
            made.load_cert_chain(f"/proc/self/fd/{memory.fileno()}")
        except ssl.SSLError as error:
            text = f"{party}: client_cert and client_key do not belong together, or are too weak for TLS"
            raise SetupError(text, reason="key_of_another_certificate") from error
