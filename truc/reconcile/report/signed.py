"""Signs a prepared day together with its minutes: the one way in which pages, runs and commands sign."""

from datetime import date

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from truc.reconcile.report.minutes import sealed_digest
from truc.reconcile.report.stored import from_store
from truc.reconcile.work import sign_off
from truc.reconcile.work.roles import Actor
from truc.store.opened import Transaction


def sign_with_minutes(
    transaction: Transaction,
    party: str,
    business_on: date,
    *,
    by: Actor,
    content_hash: str,
    signer: Ed25519PrivateKey,
) -> None:
    """Sign the day as sign_off.approve does; the seal is also over the digest of the minutes that the approver saw."""
    digest = sealed_digest(from_store(transaction, party, business_on))
    sign_off.approve(
        transaction, party, business_on, by=by, content_hash=content_hash, signer=signer, report_digest=digest
    )
