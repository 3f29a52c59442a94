"""The books of both sides: what the hub says it sent, what each partner says it did, and how far the two agree."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from sandbox.day.channels import CHANNELS
from sandbox.day.notices import PARTIES, mail_name, sms_name
from sandbox.day.partners import Partner
from sandbox.day.stage import Stage
from truc.domain.calendar import BUSINESS_ZONE
from truc.exchange import bodies
from truc.exchange.outbox import CONTEXT
from truc.messages import NoticeDue, PostalCancelled, StatusChanged
from truc.store.tables import METADATA
from truc.store.tables.exchange import OUTBOX

# What one of our messages makes at a partner: (party, operation) → the stand-in's name for the effect.
EFFECTS = {
    ("national_portal", "dossier"): "DongBoHoSoMC",
    ("national_portal", "progress"): "CapNhatTienDoHoSoMC",
    ("vnpost", "order"): "order",
    ("vnpost", "cancel"): "cancel",
    ("treasury", "remittance"): "remittance",
    **{(party, "message"): "message" for party in PARTIES},
    **{(one.party, "payment"): "payment" for one in CHANNELS},
}
UNFINISHED = ("waiting", "sending", "unknown")


@dataclass(slots=True)
class Exchange:
    """One kind of message, both sides. Every list holds the partner's names of things."""

    sent: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)  # refused or set aside, each with its reason
    silent: int = 0  # stopped without a reason: a message nobody could find again
    waiting: int = 0
    at_partner: dict[str, int] = field(default_factory=dict)  # name → how often it was done

    @property
    def lost(self) -> int:
        """Messages we hold as sent that the partner does not have, and those that vanished."""
        return len(set(self.sent) - self.at_partner.keys()) + self.silent

    @property
    def doubled(self) -> int:
        """Effects beyond the one that each message may have."""
        return sum(times - 1 for times in self.at_partner.values()) + len(self.sent) - len(set(self.sent))

    @property
    def unexplained(self) -> int:
        """Effects at the partner that no message of ours accounts for."""
        return len(self.at_partner.keys() - set(self.sent) - set(self.stopped))


def exchanges(stage: Stage) -> dict[str, Exchange]:
    """Return "party.operation" → both sides, for everything we send."""
    names = _portal_names(stage)
    return {
        f"{party}.{operation}": _exchange(stage, party, operation, names)
        for party, operation in EFFECTS
        if party in stage.partners
    }


def count_tables(stage: Stage) -> dict[str, int]:
    """Return the rows of every table of the core."""
    with stage.store.begin() as transaction:
        return {
            table.name: int(transaction.sql.execute(select(func.count()).select_from(table)).scalar_one())
            for table in METADATA.sorted_tables
        }


def count_effects(partners: Mapping[str, Partner]) -> dict[str, int]:
    """Return how often each partner did what we asked it for."""
    return {
        f"{party}.{effect}": sum(one["times"] for one in partners[party].effects(effect))
        for (party, _), effect in EFFECTS.items()
        if party in partners
    }


def coverage(stage: Stage) -> tuple[int, int]:
    """Return how many of our dossiers stand at the portal as they stand here, and how many there are."""
    there = stage.partners["national_portal"].ask("coverage")
    ours = stage.rows("SELECT code, portal_code, status FROM dossiers")
    return sum(there.get(one.portal_code or one.code) == str(one.status) for one in ours), len(ours)


def _exchange(stage: Stage, party: str, operation: str, names: dict[str, str]) -> Exchange:
    found = Exchange()
    for row, name in _ours(stage, party, operation, names):
        if row.state in ("sent", "superseded"):
            found.sent.append(name)
        elif row.state in UNFINISHED:
            found.waiting += 1
        else:
            found.stopped.append(name)
            found.silent += not row.reason
    effects = stage.partners[party].effects(EFFECTS[party, operation])
    found.at_partner = {one["external_id"]: one["times"] for one in effects}
    return found


def _ours(stage: Stage, party: str, operation: str, names: dict[str, str]) -> Iterator[tuple[Any, str]]:
    """Yield each of our messages with the name its effect has at the partner."""
    columns = (OUTBOX.c.external_id, OUTBOX.c.state, OUTBOX.c.reason, OUTBOX.c.message_id)
    with stage.store.begin() as transaction:
        query = select(*columns).where(OUTBOX.c.party == party, OUTBOX.c.operation == operation)
        for row in transaction.sql.execute(query):
            if row.reason == "other_way":  # it was refused, and another party told the citizen: see notices.expect
                continue
            if (party, operation) not in NAMED_BY_CONTENT:
                yield row, names.get(row.external_id, row.external_id)
                continue
            message, name = NAMED_BY_CONTENT[party, operation]
            yield row, name(message.model_validate_json(bodies.read(transaction, row.message_id, context=CONTEXT)))


def cancelled_name(cancelled: PostalCancelled) -> str:
    """Return how the post's stand-in names a cancel: the order's number."""
    return cancelled.order_number


def step_name(step: StatusChanged) -> str:
    """Return how the portal's stand-in names a step: code|status|yyyyMMddHHmmss."""
    at = step.changed_at.astimezone(BUSINESS_ZONE)
    return f"{step.portal_code or step.dossier_code}|{step.status}|{at:%Y%m%d%H%M%S}"


# Effects that the partner has no name of ours for.
NAMED_BY_CONTENT: dict[tuple[str, str], tuple[Any, Callable[[Any], str]]] = {
    ("vnpost", "cancel"): (PostalCancelled, cancelled_name),
    ("sms", "message"): (NoticeDue, sms_name),
    ("email", "message"): (NoticeDue, mail_name),
    ("national_portal", "progress"): (StatusChanged, step_name),
}


def _portal_names(stage: Stage) -> dict[str, str]:
    """Our code → the portal's, for the dossiers that came from it."""
    rows = stage.rows("SELECT code, portal_code FROM dossiers WHERE portal_code IS NOT NULL")
    return {row.code: row.portal_code for row in rows}
