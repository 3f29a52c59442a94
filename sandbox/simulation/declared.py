"""The simulated parties: what they declare in one run, and their mappings, registered where truc.parties looks."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from random import Random
from types import ModuleType

from sandbox.simulation.partner import FEED
from truc import parties
from truc.errors import MalformedError, SetupError
from truc.manifest import Callback, Event, Feed, Limits, Manifest, Operation, OutcomeClass, Retention
from truc.messages import Inbound, Outbound, PaymentResult, Unreadable

SHORT = Retention(bodies_months=12, metadata_months=60)
CALLBACK = "result"
PAID_AT = datetime(2026, 3, 1, tzinfo=UTC)
UNWRITABLE, BREAKS_MAPPING = "unwritable", "breaks the mapping"
OPERATIONS = {
    # An order over two operations of one key.
    "portal": (
        Operation(name="dossier", event=Event.DOSSIER_RECEIVED, outcome=OutcomeClass.ASK),
        Operation(name="progress", event=Event.STATUS_CHANGED, outcome=OutcomeClass.ASK),
    ),
    "post": (
        Operation(
            name="order",
            event=Event.POSTAL_REQUESTED,
            outcome=OutcomeClass.IDEMPOTENCY_KEY,
            batch_max=3,
            retention=SHORT,
        ),
    ),
    "phone": (Operation(name="notice", event=Event.NOTICE_DUE, outcome=OutcomeClass.NEITHER),),
    "board": (Operation(name="standing", event=Event.STATUS_CHANGED, outcome=OutcomeClass.ASK, latest_wins=True),),
    "wall": (
        Operation(name="standing", event=Event.STATUS_CHANGED, outcome=OutcomeClass.IDEMPOTENCY_KEY, latest_wins=True),
    ),
    "bank": (Operation(name="notice", event=Event.NOTICE_DUE, outcome=OutcomeClass.ASK, batch_max=3),),
}
# In the hours in which runs begin; Asia/Ho_Chi_Minh.
CLOSED_DAILY = ((time(23, 20), time(23, 30)), (time(6, 55), time(7, 5)))
READ_RECEIPTS = frozenset({"order"})


def everyone() -> dict[str, Manifest]:
    """Return what all parties declare where no seed changes it."""
    return {party: _manifest(party, Limits()) for party in sorted(OPERATIONS)}


def drawn(random: Random) -> dict[str, Manifest]:
    """Return one to three parties with the limits of this run."""
    chosen = random.sample(sorted(OPERATIONS), random.choice((1, 1, 1, 2, 2, 3)))
    return {party: _manifest(party, _limits(random)) for party in sorted(chosen)}


@contextmanager
def installed(manifests: dict[str, Manifest]) -> Iterator[None]:
    """Have truc.parties know these parties, and no other, until the end."""
    before, names, manifest = dict(sys.modules), parties.names, parties.manifest
    for party, one in manifests.items():
        for kind in (*(operation.name for operation in one.operations), FEED, CALLBACK):
            sys.modules[f"mappings.{party}.{kind}"] = _mapping(f"mappings.{party}.{kind}", kind)

    def known(party: str) -> Manifest:
        if party not in manifests:
            raise SetupError(f"{party!r} is no party of this run", reason="unknown_party")
        return manifests[party]

    # A module's functions are no variables to mypy; `restore` puts the real ones back.
    setattr(parties, "names", lambda: tuple(sorted(manifests)))  # noqa: B010  (as above)
    setattr(parties, "manifest", known)  # noqa: B010  (as above)
    try:
        yield
    finally:
        parties.names, parties.manifest = names, manifest
        for name in set(sys.modules) - set(before):
            if name.startswith("mappings."):
                del sys.modules[name]


def write(message: Outbound) -> bytes:
    """Write a partner's bytes, unless the message is one that cannot be written."""
    flaw = getattr(message, "note", getattr(message, "text", ""))
    if flaw == UNWRITABLE:
        raise MalformedError("simulated: cannot be written", reason="not_writable")
    if flaw == BREAKS_MAPPING:
        raise ZeroDivisionError("simulated bug")
    return json.dumps({"partner's": message.model_dump(mode="json")}, sort_keys=True).encode()


def read(body: bytes) -> Iterable[Inbound]:
    """Read a page, a callback or a receipt: a list of references, of which "!…" cannot be read."""
    for item in json.loads(body):
        if item.startswith("!"):
            yield Unreadable(item=item, reason="simulated", text="simulated: cannot be read")
        else:
            yield _result(item)


def _result(item: str) -> PaymentResult:
    return PaymentResult(
        our_reference=item, partner_reference=item, amount_vnd=1000 + len(item), state="paid", occurred_at=PAID_AT
    )


def _mapping(name: str, kind: str) -> ModuleType:
    made = ModuleType(name)
    verbs: dict[str, Callable[..., object]] = {"write": write}
    if kind in (FEED, CALLBACK) or kind in READ_RECEIPTS:
        verbs["read"] = read
    made.__dict__.update(verbs)
    return made


def _manifest(party: str, limits: Limits) -> Manifest:
    return Manifest(
        party=party,
        title=party,
        title_vi=party,
        transport="rest",
        capabilities=frozenset(),
        settings=(),
        operations=OPERATIONS[party],
        feeds=(Feed(name=FEED),),
        callbacks=(Callback(name=CALLBACK),),
        limits=limits,
    )


def _limits(random: Random) -> Limits:
    closed = CLOSED_DAILY if random.random() < 0.1 else ()
    return Limits(
        timeout_s=5.0,
        connect_timeout_s=1.0,
        concurrency=random.choice((1, 2, 3)),
        attempts_max=random.choice((3, 6)),
        backoff_s=1.0,
        backoff_max_s=30.0,
        settle_s=random.choice((5.0, 30.0, 60.0, 300.0)),
        calls_max=2,
        rate_per_s=random.choice((None, None, None, 0.5, 5.0)),
        closed_daily=closed,
    )
