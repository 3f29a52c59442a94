"""Whose signatures are taken: certificates pinned one by one, or issued below roots that we name.

Revocation is not asked about: nothing here reaches a network. A signer that must no longer be taken is withdrawn from
the pinned set, or its issuer from the roots.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import verification

from truc.errors import MalformedError, SetupError
from truc.trust.signing import PublicKey

RSA_BITS_MIN = 2048
CHAIN_MAX = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Which signers are taken. SetupError when it names nobody.

    `signers` are taken as they are; a certificate below `roots` is taken when it may sign, by way of `intermediates`
    or of those that the message carries. `skew` is how far ahead of ours a signer's clock may be; a signing time
    that lies further back than `age_max` is refused, where it is given.
    """

    signers: tuple[x509.Certificate, ...] = ()
    roots: tuple[x509.Certificate, ...] = ()
    intermediates: tuple[x509.Certificate, ...] = ()
    skew: timedelta = timedelta(minutes=5)
    age_max: timedelta | None = None

    def __post_init__(self) -> None:
        if not self.signers and not self.roots:
            raise SetupError("a trust needs pinned signers or roots", reason="nobody_trusted")


def check(trust: Trust, certificate: x509.Certificate, sent_along: Sequence[x509.Certificate], at: datetime) -> None:
    """Return for a certificate that was valid at `at` and is trusted; else raise MalformedError."""
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise MalformedError(
            "the signer's certificate was not valid at the signing time", reason="certificate_out_of_date"
        )
    public_key(certificate)
    if certificate not in trust.signers:
        _check_chain(trust, certificate, sent_along, at)


def check_time(trust: Trust, said_at: datetime, now: datetime) -> None:
    """Return for a signing time that can be believed at `now`; else raise MalformedError."""
    if said_at > now + trust.skew:
        raise MalformedError("the signing time lies in the future", reason="signing_time_unbelievable")
    if trust.age_max is not None and said_at < now - trust.age_max - trust.skew:
        raise MalformedError("the signing time lies too far back", reason="signing_time_unbelievable")


def public_key(certificate: x509.Certificate) -> PublicKey:
    """Return the key of a certificate; MalformedError for one that is neither RSA of 2,048 bits nor elliptic."""
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_BITS_MIN:
        return key
    raise MalformedError(f"the certificate's key is neither RSA of {RSA_BITS_MIN} bits nor EC", reason="key_too_weak")


def _check_chain(
    trust: Trust, certificate: x509.Certificate, sent_along: Sequence[x509.Certificate], at: datetime
) -> None:
    if not trust.roots:
        raise MalformedError("the signer is none of the pinned ones", reason="signer_unknown")
    builder = (
        verification.PolicyBuilder().store(verification.Store(list(trust.roots))).time(at).max_chain_depth(CHAIN_MAX)
    )
    verifier = builder.extension_policies(ee_policy=_of_signers(), ca_policy=_of_issuers()).build_client_verifier()
    try:
        verifier.verify(certificate, [*trust.intermediates, *sent_along])
    except verification.VerificationError as error:
        raise MalformedError("the signer's certificate leads to none of the roots", reason="signer_unknown") from error


def _of_signers() -> verification.ExtensionPolicy:
    """What a signer's certificate must hold: a key usage that lets it sign data (RFC 5280, 4.2.1.3)."""
    anything = verification.ExtensionPolicy.permit_all()
    return anything.require_present(x509.KeyUsage, verification.Criticality.AGNOSTIC, _may_sign)


def _of_issuers() -> verification.ExtensionPolicy:
    """What an issuer's must hold: that it is one (cryptography reads the rest of that), and may sign certificates.

    Not the profile of the web, which asks for key identifiers that older roots lack.
    """
    anything = verification.ExtensionPolicy.permit_all()
    issuer = anything.require_present(x509.BasicConstraints, verification.Criticality.AGNOSTIC, None)
    return issuer.require_present(x509.KeyUsage, verification.Criticality.AGNOSTIC, _may_issue)


def _may_sign(_policy: verification.Policy, _certificate: x509.Certificate, usage: x509.KeyUsage) -> None:
    if not (usage.digital_signature or usage.content_commitment):
        raise ValueError("the key usage lets it sign nothing")


def _may_issue(_policy: verification.Policy, _certificate: x509.Certificate, usage: x509.KeyUsage) -> None:
    if not usage.key_cert_sign:
        raise ValueError("the key usage lets it issue nothing")
