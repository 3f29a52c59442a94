"""When a partner is not to be called: windows known ahead, and lines that a person holds."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from truc import parties
from truc.errors import MalformedError
from truc.exchange import outbox
from truc.operating import audit
from truc.operating.audit import Order
from truc.store.opened import Transaction, as_storable

# A window that is over says nothing any more to a courier; it stays to be looked up.
_ADD = text(
    """
    INSERT INTO maintenance (party, from_at, until_at, reason)
    SELECT :party, coalesce(CAST(:from_at AS timestamptz), now()), CAST(:until_at AS timestamptz), :reason
    WHERE CAST(:until_at AS timestamptz) IS NULL
        OR CAST(:until_at AS timestamptz) > greatest(now(), coalesce(CAST(:from_at AS timestamptz), now()))
    RETURNING id
    """
)
_END = text(
    """
    UPDATE maintenance SET until_at = greatest(now(), from_at)
    WHERE id = ANY(CAST(:ids AS bigint[])) AND (until_at IS NULL OR until_at > greatest(now(), from_at))
    RETURNING id, party, from_at <= now() AS begun
    """
)
_STANDING = text(
    """
    SELECT id, party, from_at, until_at, reason, from_at <= now() AS now
    FROM maintenance WHERE until_at IS NULL OR until_at > greatest(now(), from_at) ORDER BY party, from_at, id
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time in which a party is not called. `until_at` None: until a person ends it. `now`: it has begun."""

    id: int
    party: str
    from_at: datetime
    until_at: datetime | None
    reason: str
    now: bool


def add(
    transaction: Transaction,
    by: Order,
    party: str,
    *,
    from_at: datetime | None = None,
    until_at: datetime | None = None,
) -> int:
    """Keep couriers off the party from `from_at` (now) until `until_at` (until it is ended); return the window's id.

    What a courier has in its hands is still sent. Raise SetupError for an unknown party, MalformedError for a window
    that is over before it begins.
    """
    parties.manifest(party)
    values = {"party": party, "from_at": from_at, "until_at": until_at, "reason": by.reason}
    window = transaction.sql.execute(_ADD, values).scalar()
    if window is None:
        raise MalformedError("until: must lie in the future, and after the beginning", reason="window_over")
    audit.note(transaction, by, "maintenance_add", party, f"window {window}, until {until_at or 'it is ended'}")
    return int(window)


def end(transaction: Transaction, by: Order, window: int) -> None:
    """End one window now; raise MalformedError when there is none that stands."""
    ended = transaction.sql.execute(_END, {"ids": [window]}).one_or_none()
    if ended is None:
        raise MalformedError(f"no window {window} stands", reason="no_such_window")
    if ended.begun:
        outbox.wake(transaction, ended.party)
    audit.note(transaction, by, "maintenance_end", ended.party, f"window {window}")


def release(transaction: Transaction, by: Order, party: str) -> int:
    """End what keeps couriers off the party at this moment, and return how many windows that were.

    Windows that lie ahead stay. Raise MalformedError when nothing holds the party.
    """
    parties.manifest(party)
    begun = [one.id for one in windows(transaction) if one.party == party and one.now]
    if not begun:
        raise MalformedError(f"nothing holds {as_storable(party)}", reason="not_held")
    transaction.sql.execute(_END, {"ids": begun})
    outbox.wake(transaction, party)
    audit.note(transaction, by, "release", party, "windows " + ", ".join(map(str, begun)))
    return len(begun)


def windows(transaction: Transaction) -> list[Window]:
    """Return the windows that stand or lie ahead, in order of party and beginning."""
    return [Window(**row._mapping) for row in transaction.sql.execute(_STANDING)]
