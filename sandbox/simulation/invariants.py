"""What must be true after every run, whatever went wrong in it; each rule names what breaks it."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sandbox.simulation import database, declared
from sandbox.simulation.partner import FEED, Effect
from sandbox.simulation.play import Run
from truc.exchange.inbox import name_of
from truc.exchange.journal.verify import verify
from truc.manifest import OutcomeClass
from truc.messages import Unreadable

FINAL = ("sent", "superseded")
STOPPED = ("refused", "set_aside")
# Reasons that leave open whether the partner has it; with every other one it must not.
MAYBE_ARRIVED = "outcome_unknown"
_OUTBOX = """
    SELECT outbox.*, names.outbox_id IS NOT NULL AS named, body.digest AS body_digest
    FROM outbox LEFT JOIN outbox_names AS names ON names.outbox_id = outbox.id
    LEFT JOIN kept_bodies AS body ON body.id = outbox.body_id ORDER BY outbox.id
"""


def broken(run: Run) -> list[str]:
    """Return every rule that this run breaks, with what breaks it; an empty list when all hold."""
    rows = database.read(run.ground, run.world, _OUTBOX)
    found = [*run.unfinished, *(f"finished: {problem}" for problem in _finished(rows))]
    for rule in (_published, _effects, _order, _bytes, _items, _tallied):
        found += [f"{rule.__name__[1:]}: {problem}" for problem in rule(run, rows)]
    for look in (_received, _booked, _couriers, _noted, _journal):
        found += [f"{look.__name__[1:]}: {problem}" for problem in look(run)]
    for row in rows:
        run.world.note("at the end", row.party, row.external_id, row.state, row.attempts, row.asks, row.reason)
    return found


def _published(run: Run, rows: list[Any]) -> Iterator[str]:
    """What was said to be published is there, for each party; what belongs to one transaction is there wholly."""
    there = {(row.party, row.operation, row.external_id) for row in rows}
    names = database.read(run.ground, run.world, "SELECT party, operation, external_id FROM outbox_names")
    if there != set(map(tuple, names)) or len(rows) != len(there):
        yield f"{len(rows)} messages, {len(names)} names"
    changes = database.read(run.ground, run.world, "SELECT item FROM simulated_changes WHERE cause = 'published'")
    changed = Counter(row.item for row in changes)
    for act in run.story.acts:
        wanted = {
            (party, operation.name, one.external_id)
            for one in act.publications
            for party, manifest in run.story.manifests.items()
            for operation in manifest.operations
            if operation.event is one.event
        }
        known = act.publications[0].external_id in run.acknowledged
        if known and not wanted <= there:
            yield f"lost: {sorted(wanted - there)}"
        if wanted & there not in (wanted, set()):
            yield f"a part of one transaction: {sorted(wanted & there)}"
        if changed[act.publications[0].external_id] != bool(wanted & there):
            yield f"the store changed {changed[act.publications[0].external_id]} times for {sorted(wanted)}"


def _finished(rows: list[Any]) -> Iterator[str]:
    """Every message is final, stopped, or behind one of its key that is stopped."""
    stopped = {(row.party, row.key): row.place for row in reversed(rows) if row.state in STOPPED}
    for row in rows:
        held = stopped.get((row.party, row.key), row.place) < row.place
        if row.state not in (*FINAL, *STOPPED) and not (row.state == "waiting" and held):
            yield f"{row.party} {row.external_id} is left {row.state}"
        if not held and row.leased_by is not None:
            yield f"{row.party} {row.external_id} is left under lease"


def _effects(run: Run, rows: list[Any]) -> Iterator[str]:
    """The partner did once what was sent, never anything twice, and nothing of what is said not to have happened."""
    for row in rows:
        effects = _of(run, row)
        if len(effects) > 1:
            yield f"{row.party} {row.external_id} happened {len(effects)} times"
        if row.state == "sent" and not effects:
            yield f"{row.party} {row.external_id} is sent and never happened"
        maybe = row.state == "set_aside" and row.reason == MAYBE_ARRIVED
        if effects and row.state != "sent" and not maybe:
            yield f"{row.party} {row.external_id} happened and is {row.state} ({row.reason})"
        asked = run.manifest(row.party).operation(row.operation).outcome is not OutcomeClass.NEITHER
        if maybe and asked and row.asks < run.manifest(row.party).limits.attempts_max:
            yield f"{row.party} {row.external_id} was given up after {row.asks} questions"


def _order(run: Run, rows: list[Any]) -> Iterator[str]:
    """The partner did one key's messages in the order in which they were published."""
    places = {(row.party, row.operation, row.external_id): row.place for row in rows}
    for party, partner in run.partners.items():
        last: dict[str, int] = defaultdict(int)
        for effect in partner.effects:
            place = places.get((party, effect.operation, effect.external_id), 0)
            if place < last[effect.key]:
                yield f"{party} {effect.external_id} happened after a later one of {effect.key}"
            last[effect.key] = max(last[effect.key], place)


def _bytes(run: Run, rows: list[Any]) -> Iterator[str]:
    """The partner has the very bytes that were kept."""
    for row in rows:
        for effect in _of(run, row):
            if effect.digest != row.body_digest:
                yield f"{row.party} {row.external_id}: other bytes happened than were kept"


def _items(run: Run, rows: list[Any]) -> Iterator[str]:
    """Exactly the stopped messages have an open item for a person, with a reason."""
    items = database.read(
        run.ground, run.world, "SELECT outbox_id, reason FROM set_aside WHERE state = 'open' AND outbox_id IS NOT NULL"
    )
    found = Counter(item.outbox_id for item in items)
    for row in rows:
        wanted = int(row.state in STOPPED)
        if found.pop(row.id, 0) != wanted:
            yield f"{row.party} {row.external_id} is {row.state} and has not {wanted} open items"
        if wanted and not row.reason:
            yield f"{row.party} {row.external_id} is {row.state} for no reason"
    if found:
        yield f"{len(found)} items of no message"


def _tallied(run: Run, rows: list[Any]) -> Iterator[str]:
    """What was counted as arrived is what arrived."""
    query = "SELECT party, kind, times FROM tallies WHERE outcome IN ('sent', 'asked_arrived')"
    counted: Counter[tuple[str, str]] = Counter()
    for tally in database.read(run.ground, run.world, query):
        counted[tally.party, tally.kind] += int(tally.times)
    sent = Counter((row.party, row.operation) for row in rows if row.state == "sent")
    if counted != sent:
        yield f"counted {dict(counted)}, sent {dict(sent)}"


def _received(run: Run) -> Iterator[str]:
    """What we said we have is kept once, and each receipt that is read is kept once for its message."""
    names = database.read(
        run.ground,
        run.world,
        "SELECT one.party, one.kind, one.external_id, one.digest, count(inbox.id) AS rows FROM inbox_names AS one "
        "LEFT JOIN inbox ON inbox.id = one.inbox_id GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
    )
    there = {(name.party, name.external_id, name.digest) for name in names}
    if missing := run.told - there:
        yield f"lost: {sorted(missing)}"
    for name in names:
        if name.rows != 1:
            yield f"{name.external_id} is kept {name.rows} times"
    for party, partner in run.partners.items():
        told = {item for page in _pages(run, party) for item in page}
        if told != set(partner.news):
            yield f"{party}: {len(told)} of {len(partner.news)} news came"
    incidents = Counter((name.party, name.kind, name.external_id) for name in names)
    noted = database.read(run.ground, run.world, "SELECT item FROM set_aside WHERE reason = 'same_id_other_bytes'")
    if len(noted) != sum(times - 1 for times in incidents.values()):
        yield f"{len(noted)} incidents noted of {sum(times - 1 for times in incidents.values())}"


def _booked(run: Run) -> Iterator[str]:
    """Every kept message is booked: each of its items once, or set aside with a reason, once."""
    for row, items in _inbox(run):
        if row.state == "kept":
            yield f"{row.party} {row.external_id} is not booked"
        booked = Counter(name for name in items if name[0] not in "!?")
        if Counter(row.booked) != booked:
            yield f"{row.party} {row.external_id}: booked {sorted(row.booked)} of {sorted(booked)}"
        aside = [name for name in items if name[0] in "!?"]
        if sorted(row.aside) != sorted(aside):
            yield f"{row.party} {row.external_id}: set aside {row.aside} of {aside}"
        if row.state != ("set_aside" if aside and not booked else "booked"):
            yield f"{row.party} {row.external_id} is {row.state}"


def _couriers(run: Run) -> Iterator[str]:
    """No courier that is gone keeps its slots beyond its lease."""
    query = "SELECT worker, slots FROM couriers WHERE leased_until > now()"
    if kept := database.read(run.ground, run.world, query):
        yield f"{len(kept)} couriers keep slots"


def _noted(run: Run) -> Iterator[str]:
    """One entry in the journal for every decision, and not one more."""
    query = """
        SELECT id, state AS outcome FROM outbox WHERE state IN ('sent', 'superseded', 'refused', 'set_aside')
        UNION ALL SELECT id, state FROM inbox WHERE state <> 'kept'
        UNION ALL SELECT outbox_id, CASE WHEN reason = 'refused_by_partner' THEN 'refused' ELSE 'set_aside' END
        FROM set_aside WHERE state = 'resolved' AND outbox_id IS NOT NULL
    """
    decided = Counter(map(tuple, database.read(run.ground, run.world, query)))
    noted = Counter(map(tuple, database.read(run.ground, run.world, "SELECT exchange_id, outcome FROM journal")))
    for decision in sorted(set(decided) | set(noted)):
        if decided[decision] != noted[decision]:
            yield f"exchange {decision}: {noted[decision]} entries for {decided[decision]} decisions"


def _journal(run: Run) -> Iterator[str]:
    """The journal verifies, and nothing is pending."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    store = database.still_store(run.world, run.ground)
    report = verify(store, public_key=key)
    if report.bad:
        yield str(report.first)
    if pending := database.read(run.ground, run.world, "SELECT id FROM journal_pending"):
        yield f"{len(pending)} receipts pending"


def _of(run: Run, row: Any) -> list[Effect]:
    return [
        effect
        for effect in run.partners[row.party].effects
        if (effect.operation, effect.external_id) == (row.operation, row.external_id)
    ]


def _inbox(run: Run) -> Iterator[tuple[Any, list[str]]]:
    """Yield each kept message beside the items its bytes hold."""
    query = """
        SELECT inbox.*, body.sealed,
            ARRAY(SELECT item FROM simulated_changes WHERE cause = 'inbox ' || inbox.id) AS booked,
            ARRAY(SELECT item FROM set_aside
                  WHERE inbox_id = inbox.id AND reason IN ('simulated', 'not_bookable')) AS aside
        FROM inbox JOIN kept_bodies AS body ON body.id = inbox.body_id ORDER BY inbox.id
    """
    for row in database.read(run.ground, run.world, query):
        body = run.ground.sealer.unseal(bytes(row.sealed), context="kept_bodies")
        items = [item.item if isinstance(item, Unreadable) else name_of(item) for item in declared.read(body)]
        yield row, items


def _pages(run: Run, party: str) -> Iterator[list[str]]:
    for row, _ in _inbox(run):
        if row.party == party and row.kind == FEED:
            yield json.loads(run.ground.sealer.unseal(bytes(row.sealed), context="kept_bodies"))
