"""What the console vouches for when it answers a waiting run: who approves which day, as what, and until when.

A run sees only that some user answered. The console knows their role and checked it; its voucher carries that to the
run, sealed with a key that both know, so that an answer given past the console signs nothing.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from truc.errors import MalformedError
from truc.reconcile.work.roles import Actor, Role, actor

HOLDS_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's word that one day, seen under one content hash, is to be signed."""

    party: str
    business_on: date
    content_hash: str
    by: Actor


def write(key: bytes, approval: Approval, *, now: datetime) -> str:
    """Return the voucher: what it says, and its seal."""
    said = json.dumps(
        [
            approval.party,
            approval.business_on.isoformat(),
            approval.content_hash,
            approval.by.name,
            sorted(approval.by.roles),
            (now + HOLDS_FOR).astimezone(UTC).isoformat(),
        ],
        ensure_ascii=False,
    )
    return f"{_seal(key, said)} {said}"


def read(key: bytes, voucher: str, *, now: datetime) -> Approval:
    """Return what the voucher says; raise MalformedError for one that is not the console's, or is too old."""
    seal, _, said = voucher.partition(" ")
    if not hmac.compare_digest(_seal(key, said).encode(), seal.encode()):
        text = "voucher: the console did not give it; sign on the console's page of the day"
        raise MalformedError(text, reason="not_by_console")
    party, business_on, content_hash, name, roles, until = json.loads(said)
    if now > datetime.fromisoformat(until):
        raise MalformedError("voucher: is too old; sign on the console's page again", reason="voucher_expired")
    by = actor(name, *(Role(one) for one in roles))
    return Approval(party=party, business_on=date.fromisoformat(business_on), content_hash=content_hash, by=by)


def _seal(key: bytes, said: str) -> str:
    return hmac.new(key, f"approval\0{said}".encode(), hashlib.sha256).hexdigest()
