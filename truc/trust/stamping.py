"""Time-stamps of an outside authority (RFC 3161): what is asked, and whether an answer proves the time of some bytes.

An authority's answer (TimeStampResp, DER) is kept whole: `openssl ts -verify -in` reads the same file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import rfc3161_client as tsp
from cryptography import x509

from truc.errors import MalformedError, SetupError

QUERY_TYPE = "application/timestamp-query"
ANSWER_TYPE = "application/timestamp-reply"


@dataclass(frozen=True, slots=True)
class Query:
    """What is sent to the authority, and the nonce that its answer must repeat."""

    body: bytes
    nonce: int


def query(content: bytes) -> Query:
    """Return the question for a time-stamp of the content: only its SHA-256 leaves us."""
    asked = (
        tsp.TimestampRequestBuilder()
        .data(content)
        .hash_algorithm(tsp.HashAlgorithm.SHA256)
        .cert_request(cert_request=True)
    ).build()
    if asked.nonce is None:
        raise SetupError("rfc3161-client made a query without a nonce", reason="nonce_missing")
    return Query(asked.as_bytes(), asked.nonce)


def read_roots(ca_file: Path) -> tuple[x509.Certificate, ...]:
    """Return the authorities' root certificates of a PEM file, or raise SetupError."""
    try:
        return tuple(x509.load_pem_x509_certificates(ca_file.read_bytes()))
    except (OSError, ValueError) as error:
        raise SetupError(f"{ca_file} holds no PEM certificates", reason="ca_file_unusable") from error


def verify(answer: bytes, content: bytes, roots: Sequence[x509.Certificate], *, nonce: int | None = None) -> datetime:
    """Return the time (UTC) that the authority's answer proves for the content.

    Raise MalformedError when it is no answer, refuses, is altered, stamps other bytes, does not lead to one of the
    roots by certificates that were valid at its time and made for time-stamping, or repeats another nonce.
    """
    try:
        read = tsp.decode_timestamp_response(answer)
        tsp.VerifierBuilder(roots=list(roots), nonce=nonce).build().verify_message(read, content)
        stamped_at = read.tst_info.gen_time
    except (tsp.VerificationError, ValueError) as error:
        why = str(error).partition(":")[0]  # what follows is OpenSSL's own list of places in its code
        raise MalformedError(f"the time-stamp does not verify: {why}", reason="stamp_broken") from error
    return stamped_at
