"""What a connector declares about itself: data only, imported by every DAG parse, so it stays light."""

from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo


class OutcomeClass(StrEnum):
    """What may be done after silence, when nobody knows whether a send had its effect."""

    IDEMPOTENCY_KEY = "idempotency_key"  # resend with the same key: the partner answers the first result
    ASK = "ask"  # query the partner first
    NEITHER = "neither"  # a person decides


class Event(StrEnum):
    """What happens in the core that a partner may want to hear of; see truc.messages."""

    DOSSIER_RECEIVED = "dossier_received"
    STATUS_CHANGED = "status_changed"
    POSTAL_REQUESTED = "postal_requested"
    POSTAL_CANCELLED = "postal_cancelled"
    PAYMENT_REQUESTED = "payment_requested"
    REFUND_REQUESTED = "refund_requested"
    REMITTANCE_ORDERED = "remittance_ordered"
    NOTICE_DUE = "notice_due"


class Capability(StrEnum):
    """What a party can do for us. Shared suites per capability come with the partner kit."""

    PUSH_DOSSIERS = "push_dossiers"
    PUSH_STATUS = "push_status"
    GIVE_DOSSIERS = "give_dossiers"
    TAKE_PAYMENTS = "take_payments"
    CALL_BACK = "call_back"
    REFUND = "refund"
    SAY_PAYMENT = "say_payment"
    FETCH_STATEMENT = "fetch_statement"
    SHIP = "ship"
    TRACK = "track"
    NOTIFY = "notify"
    REMIT = "remit"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long a kind is kept, in whole months after its own; digests and names stay for ever."""

    bodies_months: int = 24  # the bytes, which hold citizens' data
    metadata_months: int = 120  # who, what, when, what became of it


KEPT = Retention()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentTerms:
    """How a payment through this party lives, from the order to its end.

    `ask_after_s`: seconds after the order at which it is asked about (`client.get_payment`), the last one repeated
    until `lives_s`; once more after that. Empty: the party cannot be asked. `refund_ask_after_s` is the same of a
    refund that the party took (`client.get_refund`), until `refund_within_s`; one without an end is in doubt then.
    """

    lives_s: int  # how long a citizen may pay: what is not paid then has expired, once the party says so
    ask_after_s: tuple[int, ...] = ()
    refunds: Literal["none", "whole", "partial"] = "none"
    amount_vnd_min: int = 1
    amount_vnd_max: int = 10**12
    refund_ask_after_s: tuple[int, ...] = ()
    refund_within_s: int = 3 * 24 * 3600  # our own patience: no partner publishes how long a refund may take


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementRule:
    """How a party's business days end and settle, for its business days from `since` on (truc.domain.settlement).

    A day ends at `cut_off` by the clock of `zone`, 0:00 being the midnight at its end: from that very instant on it
    is the next day. Its money reaches us on the `settles_after`-th working day after it (T+n); None: nobody told us.
    """

    since: date = date.min
    zone: str = "Asia/Ho_Chi_Minh"
    cut_off: time = time(0)
    settles_after: int | None = None

    def __post_init__(self) -> None:
        ZoneInfo(self.zone)  # an unknown one raises here, not when the first payment comes
        if self.cut_off.tzinfo is not None or (self.settles_after or 0) < 0:
            raise ValueError("settlement: cut_off is a time without a zone, settles_after 0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementTerms:
    """A party's settlement rules, the oldest first, and the days on which it works otherwise than Vietnam's calendar.

    A rule is never edited once it was in force: a change is a further rule. A party whose cut-off is not midnight
    sends files with lines of two calendar days: its statement profile says `occurs="any_day"`.
    """

    rules: tuple[SettlementRule, ...] = (SettlementRule(),)
    closed_on: frozenset[date] = frozenset()
    open_on: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if not self.rules or self.rules[0].since != date.min:
            raise ValueError("settlement: the first rule holds since ever, without `since`")
        if any(earlier.since >= later.since for earlier, later in pairwise(self.rules)):
            raise ValueError("settlement: rules follow each other by `since`")
        if self.closed_on & self.open_on:
            raise ValueError("settlement: a day is closed and open")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeTerms:
    """How a party reaches citizens: by which address of theirs, and how early where the province names no order."""

    address: Literal["phone", "email"] = "phone"
    rank: int = 100  # lower is earlier


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One kind of message we send.

    `name` gives the mapping (`mappings.<party>.<name>.write`) and the client's verbs
    (`send_<name>`, and `ask_<name>` when the outcome class is ASK). `event` is what in the core
    makes one; a message addressed to one party (a payment) goes to that party only.
    """

    name: str
    event: Event
    outcome: OutcomeClass
    # Only the newest of a key and operation matters: older ones that wait or were stopped become SUPERSEDED.
    latest_wins: bool = False
    # It hears only what is addressed to its party, not everything of its event.
    addressed: bool = False
    # Over 1: the partner takes so many in one call (`client.send_<name>_batch`), and answers all of them at once.
    batch_max: int = 1
    retention: Retention = KEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One kind of message we fetch: `client.fetch_<name>(cursor)`, `mappings.<party>.<name>.read`."""

    name: str
    # Delivered as a file per business day; otherwise read on by cursor.
    by_day: bool = False
    retention: Retention = KEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """One kind of call to /partners/<party>/<name>; `mappings.<party>.<name>.read` reads what is kept of it.

    `does` says who calls, and what for. The partner's servers: one `tells` of something of ours, or `asks`, and hears
    what `mappings.<party>.<name>.write` makes of our order. A citizen's browser, from anywhere: it `returns` from
    paying, which is no word on the payment but a reason to ask about it at once, or `opens` a page of ours.
    """

    name: str
    does: Literal["tells", "asks", "returns", "opens"] = "tells"
    # A call that says it is older is not believed; the connection may say otherwise. None: its calls name no time.
    age_max_s: int | None = None
    bytes_max: int = 64 * 1024

    @property
    def caller(self) -> Literal["partner", "browser"]:
        """Whose address a call comes from: a partner's may be listed, a citizen's cannot."""
        return "browser" if self.does in ("returns", "opens") else "partner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One DAG of this party. `does` names the step in truc.steps; `of` the operations or feeds it works."""

    dag_id: str
    does: Literal["deliver", "fetch", "fetch_day", "ask_payments", "ask_parcels", "check_postage"]
    of: tuple[str, ...]
    schedule: str  # cron, Asia/Ho_Chi_Minh
    title: str
    title_vi: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One field of the party's Airflow connection.

    The standard fields are host, port, login, password; every other name lives in `extra`.
    """

    name: str
    label: str
    label_vi: str
    secret: bool = False
    required: bool = True
    default: str = ""
    pattern: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How hard the hub may press this partner."""

    timeout_s: float = 30.0
    connect_timeout_s: float = 5.0
    concurrency: int = 4
    body_bytes_max: int = 16 * 1024 * 1024
    attempts_max: int = 12
    backoff_s: float = 2.0  # doubles each time, with jitter, up to backoff_max_s
    backoff_max_s: float = 900.0
    # How long after a send the partner may still carry it out: its «I do not have it» is believed only then.
    settle_s: float = 60.0
    calls_max: int = 6  # how many calls one send or question may take: log in, call, log in anew, …
    rate_per_s: float | None = None  # messages and questions a second, over all couriers; None for no limit
    # Every day from … to … (Asia/Ho_Chi_Minh) the partner is not called; an end before its start is past midnight.
    closed_daily: tuple[tuple[time, time], ...] = ()

    @property
    def lease_s(self) -> float:
        """How long a worker may hold a message: longer than its slowest send, so that nobody asks meanwhile."""
        return self.calls_max * (self.connect_timeout_s + 2 * self.timeout_s) + 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A kept rule of the house, and how this party stands to it. An exemption needs its reason."""

    name: str
    state: Literal["done", "exempt", "todo"]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The whole declaration of one party."""

    party: str
    title: str
    title_vi: str
    transport: Literal["rest", "soap", "sftp", "smtp"]
    capabilities: frozenset[Capability]
    settings: tuple[Setting, ...]
    operations: tuple[Operation, ...] = ()
    feeds: tuple[Feed, ...] = ()
    callbacks: tuple[Callback, ...] = ()
    pipelines: tuple[Pipeline, ...] = ()
    limits: Limits = Limits()
    rules: tuple[Rule, ...] = ()
    callbacks_retention: Retention = KEPT
    payments: PaymentTerms | None = None  # for a party that takes payments
    settlement: SettlementTerms = SettlementTerms()  # for a party that money comes through
    notices: NoticeTerms = NoticeTerms()  # for a party that notifies

    @property
    def callback_names(self) -> tuple[str, ...]:
        """The kinds of calls that the gateway takes for this party."""
        return tuple(one.name for one in self.callbacks)

    def callback(self, name: str) -> Callback | None:
        """Return the declared kind of call, None for one that this party does not make."""
        return next((one for one in self.callbacks if one.name == name), None)

    @property
    def retentions(self) -> tuple[Retention, ...]:
        """Every period this party declares."""
        sent, fetched = (one.retention for one in self.operations), (one.retention for one in self.feeds)
        return (*sent, *fetched, self.callbacks_retention)

    def retention(self, kind: str) -> Retention:
        """Return how long a kind is kept, sent or received; what is none of both came by a callback."""
        declared = {one.name: one.retention for one in self.feeds}
        declared |= {one.name: one.retention for one in self.operations}
        return declared.get(kind, self.callbacks_retention)

    def operation(self, name: str) -> Operation:
        """Return the declared operation, or raise KeyError naming what is declared."""
        for operation in self.operations:
            if operation.name == name:
                return operation
        known = ", ".join(one.name for one in self.operations) or "none"
        raise KeyError(f"{self.party} declares no operation {name!r}; it declares: {known}")
