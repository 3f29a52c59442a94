"""Compares what the hub's store says should have happened at each partner with the partner's own record of it."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import text

from bench.grounds import StandIn
from truc.exchange import bodies
from truc.store.opened import Store, Transaction

PUSHES = (
    ("national_portal", "dossier"),
    ("national_portal", "progress"),
    ("vnpost", "order"),
    ("momo", "payment"),
    ("sms", "message"),
)
PROGRESS = "CapNhatTienDoHoSoMC"  # the portal's name for a step
STOPPED = ("refused", "set_aside")
EXAMPLES = 5

# What the store changes ask for: (operation's name for it, the partner's name for it, key), in the order of the key.
_WANTED = {
    ("national_portal", "dossier"): "SELECT code, code, code FROM dossiers ORDER BY code",
    ("national_portal", "progress"): """
        SELECT dossier_code || '/' || number, dossier_code || '|' || to_status || '|'
            || to_char(changed_at AT TIME ZONE 'Asia/Ho_Chi_Minh', 'YYYYMMDDHH24MISS'), dossier_code
        FROM dossier_history WHERE number > 1 ORDER BY dossier_code, number
    """,
    ("vnpost", "order"): "SELECT order_number, order_number, order_number FROM shipments ORDER BY order_number",
    ("momo", "payment"): "SELECT our_reference, our_reference, our_reference FROM payments ORDER BY our_reference",
}
_STATES = text("SELECT external_id, state FROM outbox WHERE party = :party AND operation = :operation")
_NOTICES = text("SELECT external_id, body_id FROM outbox WHERE party = 'sms' AND body_id IS NOT NULL")


@dataclass(frozen=True, slots=True)
class Wish:
    """One effect that a store change asks for: our name for it, the partner's, and the key whose order counts."""

    ours: str
    theirs: str
    key: str


@dataclass(slots=True)
class Compared:
    """What was found of one operation. `examples` names a few of what is wrong."""

    wanted: int = 0
    arrived: int = 0
    stopped: int = 0  # refused or set aside: a person decides
    held: int = 0  # behind one that was stopped
    lost: int = 0
    doubled: int = 0
    disordered: int = 0
    strangers: int = 0  # effects that no committed store change asked for
    examples: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Nothing lost, doubled, out of order, or sent without a store change."""
        return not (self.lost or self.doubled or self.disordered or self.strangers)

    def wrong(self, word: str, what: str) -> None:
        """Count one violation."""
        setattr(self, word, getattr(self, word) + 1)
        if len(self.examples) < EXAMPLES:
            self.examples.append(f"{word}: {what}")


def compare(store: Store, partners: Mapping[str, StandIn]) -> dict[tuple[str, str], Compared]:
    """Return what was found, by (party, operation)."""
    found = {}
    for party, operation in PUSHES:
        with store.begin() as transaction:
            wanted = _wanted(transaction, party, operation)
            rows = transaction.sql.execute(_STATES, {"party": party, "operation": operation})
            states = {str(row.external_id): str(row.state) for row in rows}
        found[party, operation] = compared(wanted, states, _times(partners[party], party, operation))
        if operation == "progress":
            for key in out_of_order(wanted, partners[party].asked("order", operation=PROGRESS)):
                found[party, operation].wrong("disordered", f"the steps of {key}")
    return found


def _wanted(transaction: Transaction, party: str, operation: str) -> list[Wish]:
    if party == "sms":
        return _wanted_notices(transaction)
    return [Wish(*map(str, row)) for row in transaction.sql.execute(text(_WANTED[party, operation]))]


def _wanted_notices(transaction: Transaction) -> list[Wish]:
    """The store keeps no list of notices; the partner knows each by its receiver and its text."""
    rows = transaction.sql.execute(_NOTICES).all()
    kept = bodies.read_many(transaction, [row.body_id for row in rows])
    wishes = []
    for row in rows:
        sent = json.loads(kept[row.body_id])
        name = f"{sent['ReceiverID']}:{hashlib.sha256(sent['Content'].encode()).hexdigest()}"
        wishes.append(Wish(str(row.external_id), name, str(row.external_id)))
    return wishes


def _times(partner: StandIn, party: str, operation: str) -> dict[str, int]:
    """How often each effect happened, as the partner counts it.

    The portal's dossiers are counted by its coverage: a second push of one is an update of the same dossier there.
    """
    if (party, operation) == ("national_portal", "dossier"):
        return dict.fromkeys(partner.asked("coverage"), 1)
    name = PROGRESS if operation == "progress" else operation
    return {one["external_id"]: int(one["times"]) for one in partner.asked("effects", operation=name)}


def compared(wanted: Sequence[Wish], states: Mapping[str, str], times: Mapping[str, int]) -> Compared:
    """Compare what was wanted, in the order of each key, with the outbox (ours → state) and the partner's own counts.

    `times` is theirs → how often it happened. What waits behind a stopped one of its key is held.
    """
    found = Compared(wanted=len(wanted))
    stopped_keys: set[str] = set()
    for wish in wanted:
        state, happened = states.get(wish.ours, "not in the outbox"), times.get(wish.theirs, 0)
        found.arrived += happened > 0
        if happened > 1:
            found.wrong("doubled", f"{wish.ours} happened {happened} times")
        if state in STOPPED:
            found.stopped += 1
            stopped_keys.add(wish.key)
        elif state == "waiting" and wish.key in stopped_keys:
            found.held += 1
        elif happened == 0:
            found.wrong("lost", f"{wish.ours} is {state} here and unknown there")
        elif state != "sent":
            found.wrong("lost", f"{wish.ours} arrived there and is {state} here")
    for name in times.keys() - {wish.theirs for wish in wanted}:
        found.wrong("strangers", f"{name} was never asked for")
    return found


def out_of_order(wanted: Sequence[Wish], happened: Sequence[tuple[str, str]]) -> list[str]:
    """Return the keys whose effects, as (key, theirs) in the order they happened, are in another order than wanted."""
    place = {wish.theirs: number for number, wish in enumerate(wanted)}
    places: dict[str, list[int]] = defaultdict(list)
    for key, theirs in happened:
        places[key].append(place.get(theirs, -1))
    return [key for key, found in places.items() if found != sorted(found)]


def stopped_why(store: Store) -> Counter[str]:
    """Return (party, operation, reason) → how many wait for a person."""
    with store.begin() as transaction:
        rows = transaction.sql.execute(
            text("SELECT party, kind, reason, count(*) AS times FROM set_aside WHERE state = 'open' GROUP BY 1, 2, 3")
        ).all()
    return Counter({f"{row.party} {row.kind} {row.reason}": int(row.times) for row in rows})


def stopped_though_sent(store: Store) -> int:
    """Return how many messages wait for a person though they are known to have arrived."""
    query = """
        SELECT count(*) FROM set_aside JOIN outbox ON outbox.id = set_aside.outbox_id
        WHERE set_aside.state = 'open' AND outbox.state IN ('sent', 'superseded')
    """
    with store.begin() as transaction:
        return int(transaction.sql.execute(text(query)).scalar_one())
