"""What every capability that sends has to prove: once, whatever goes wrong, and every code as its table says."""

import importlib
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tests.suites import payments
from tests.suites.partner import WAITING, Partner, patience_for
from tests.truc import samples
from tests.truc.conftest import Hub
from truc import parties
from truc.envelope import Answer, Arrival, Order, Outgoing, Receipt
from truc.errors import (
    MalformedError,
    OutcomeUnknownError,
    RejectedError,
    SetupError,
    TransientError,
    TrucError,
)
from truc.exchange import courier, outbox
from truc.exchange.outcomes import Claimed
from truc.manifest import Event, Operation, OutcomeClass
from truc.messages import PaymentAddress
from truc.result_codes import Doing, ResultCodes
from truc.store.opened import Transaction

Made = tuple[Any, str, str]  # message, key, external id
FAULTS = (
    "refuse",
    "unavailable",
    "silent_before",
    "error_before",
    "silent_after",
    "drop_after",
    "error_after",
    "garbage",
    "truncated",
    "huge",
    "slow",
)
FAILURES: dict[Doing, type[TrucError]] = {
    Doing.TRANSIENT: TransientError,
    Doing.ASK: OutcomeUnknownError,
    Doing.REJECTED: RejectedError,
    Doing.SETUP: SetupError,
}
ARRIVALS = {Doing.ACCEPTED: Arrival.ARRIVED, Doing.PENDING: Arrival.ARRIVED, Doing.ABSENT: Arrival.ABSENT}
RUNS_MAX = 12
OVER = {"sent", "refused", "set_aside"}


def messages(partner: Partner, event: Event) -> Callable[[int], Made]:
    """Return what makes the n-th message of an event for this party."""
    made: dict[Event, Callable[[int], Made]] = {
        Event.DOSSIER_RECEIVED: samples.dossier,
        Event.STATUS_CHANGED: lambda number: samples.step(number, 4, 1),
        Event.POSTAL_REQUESTED: samples.parcel,
        Event.POSTAL_CANCELLED: samples.unwanted_parcel,
        Event.PAYMENT_REQUESTED: lambda number: payments.payment(partner, number),
        Event.REFUND_REQUESTED: lambda number: payments.refund(partner, number),
        Event.NOTICE_DUE: lambda number: samples.notice(number, f"0905{number:06d}"),
        Event.REMITTANCE_ORDERED: samples.remittance,
    }
    return made[event]


# What the partner has to know before it hears of an event, where it hears of that too.
FIRST = {Event.STATUS_CHANGED: Event.DOSSIER_RECEIVED, Event.POSTAL_CANCELLED: Event.POSTAL_REQUESTED}


def operation_for(partner: Partner, event: Event) -> Operation:
    """Return the operation by which the party hears of the event; a capability that sends needs one."""
    (found,) = [one for one in partner.manifest.operations if one.event is event]
    return found


def goes_through_once(partner: Partner, hub: Hub, event: Event) -> None:
    """One message of each kind the party hears of arrives, once, and its receipt can be read."""
    operation = operation_for(partner, event)
    made = _ready(partner, hub, event, 1)
    receipts = _send(partner, hub, operation, made)
    assert _states(hub) == {made[2]: "sent"}
    (receipt,) = receipts
    if parties.reads_receipts(partner.party, operation.name):
        _open(parties.reader(partner.party, operation.name)(receipt.body))
    assert partner.effects(operation.name) == 1


def happens_once_whatever_goes_wrong(partner: Partner, hub: Hub, event: Event) -> None:
    """After each fault the courier ends, and the partner did the thing exactly once (NEITHER: at most once).

    A party that is called by nobody until the citizen opens an address has no fault to meet; see `is_made_by_opening`.
    """
    operation = operation_for(partner, event)
    off: dict[str, tuple[str, int]] = {}
    for number, mode in enumerate(FAULTS, start=1):
        made = _ready(partner, hub, event, number)
        before = partner.effects(operation.name)
        partner.fault(operation.name, mode)
        _send(partner, hub, operation, made, met=mode)
        state, times = _states(hub)[made[2]], partner.effects(operation.name) - before
        if not _is_right(operation, state, times):
            off[mode] = (state, times)
        partner.forgive()
    assert off == {}, off
    assert sum(partner.told("faults").values()) >= len(FAULTS), "the faults were not met: the proof is empty"


def is_made_by_opening(partner: Partner, hub: Hub) -> bool:
    """Say whether nothing is called before the citizen opens the address; prove then that opening twice is once."""
    operation = operation_for(partner, Event.PAYMENT_REQUESTED)
    made = _ready(partner, hub, Event.PAYMENT_REQUESTED, 900)
    (receipt,) = _send(partner, hub, operation, made)
    if partner.effects("payment"):
        return False
    assert operation.outcome is OutcomeClass.IDEMPOTENCY_KEY
    for _ in range(2):
        _open(parties.reader(partner.party, "payment")(receipt.body))
    assert partner.effects("payment") == 1
    return True


def codes_of(partner: Partner) -> ResultCodes | None:
    """Return the party's table of result codes; a party without one must have said so in its manifest."""
    (rule,) = [one for one in partner.manifest.rules if one.name == "result_codes_complete"]
    found = _codes(partner.party)
    if found is None:
        assert rule.state in ("exempt", "todo"), "result_codes_complete is «done», and there is no CODES"
        assert rule.reason
    return found


def _codes(party: str) -> ResultCodes | None:
    try:
        codes: ResultCodes = importlib.import_module(f"connectors.{party}.result_codes").CODES
    except ModuleNotFoundError as error:
        if error.name != f"connectors.{party}.result_codes":
            raise
        return None
    return codes


def does_on_each_code_what_its_table_says(partner: Partner, event: Event) -> None:
    """Each published code, insisted on at the stand-in, leads each verb of the client to what the table says."""
    codes = codes_of(partner)
    if codes is None:
        return
    operation = operation_for(partner, event)
    made = messages(partner, event)(1)
    body = parties.writer(partner.party, operation.name)(made[0])
    outgoing = Outgoing(made[2], made[1], body)
    off = {}
    with partner.client() as client:
        _bring_first(partner, client, event, 1)
        if f"send_{operation.name}" in codes.on:
            _verb(client, "send", operation)(outgoing)
        off = _off_table(partner, client, operation, outgoing, codes)
    assert off == {}, off


def _off_table(
    partner: Partner, client: Any, operation: Operation, outgoing: Outgoing, codes: ResultCodes
) -> dict[tuple[str, str], str]:
    off = {}
    for verb in (f"send_{operation.name}", f"ask_{operation.name}"):
        table = codes.on.get(verb, {})
        word = operation.name if verb.startswith("send_") else "query"
        usual = next((code for code, doing in table.items() if doing is Doing.ACCEPTED), "")
        for code, doing in table.items():
            if code == usual:  # the code of every day: goes_through_once meets it
                continue
            partner.insist(word, code)
            came = _outcome(getattr(client, verb), outgoing)
            if came != _expected(verb, doing):
                off[(verb, code)] = f"{doing}: {came}"
    return off


def _expected(verb: str, doing: Doing) -> object:
    if doing in FAILURES:
        return FAILURES[doing]
    return Receipt if verb.startswith("send_") else ARRIVALS[doing]


def _outcome(call: Callable[[Outgoing], Any], outgoing: Outgoing) -> object:
    try:
        done = call(outgoing)
    except TrucError as error:
        return type(error)
    return done.arrival if isinstance(done, Answer) else type(done)


def takes_no_unknown_code_for_success(partner: Partner, event: Event) -> None:
    """A code nobody published is no success, and nothing is sent again because of it."""
    codes = codes_of(partner)
    operation = operation_for(partner, event)
    if codes is None or f"send_{operation.name}" not in codes.on:
        return
    made = messages(partner, event)(2)
    outgoing = Outgoing(made[2], made[1], parties.writer(partner.party, operation.name)(made[0]))
    assert UNKNOWN_CODE not in codes.meaning
    with partner.client() as client:
        _bring_first(partner, client, event, 2)
        partner.insist(operation.name, UNKNOWN_CODE)
        with pytest.raises((OutcomeUnknownError, RejectedError)):
            _verb(client, "send", operation)(outgoing)


UNKNOWN_CODE = "98765"


def says_on_each_code_what_its_table_says(partner: Partner, order: Order) -> None:
    """As above, for `get_payment`."""
    codes = codes_of(partner)
    off = {}
    with partner.client() as client:
        for code, doing in (codes.on.get("get_payment", {}) if codes else {}).items():
            partner.insist("query", code)
            try:
                came: object = type(client.get_payment(order))
            except TrucError as error:
                came = type(error)
            # A payment the partner does not have is refused, reason not_found; any other fate is bytes.
            expected = RejectedError if doing is Doing.ABSENT else FAILURES.get(doing, bytes)
            if came is not expected:
                off[code] = f"{doing}: {came}"
        if codes is not None and "get_payment" in codes.on:
            partner.insist("query", UNKNOWN_CODE)
            with pytest.raises(MalformedError):
                client.get_payment(order)
    assert off == {}, off


def _verb(client: Any, verb: str, operation: Operation) -> Callable[[Outgoing], Any]:
    found: Callable[[Outgoing], Any] = getattr(client, f"{verb}_{operation.name}")
    return found


def _ready(partner: Partner, hub: Hub, event: Event, number: int) -> Made:
    """Make the message; a step needs its dossier at the partner first, and a cancel its parcel."""
    with partner.client() as client:
        _bring_first(partner, client, event, number)
    return messages(partner, event)(number)


def _bring_first(partner: Partner, client: Any, event: Event, number: int) -> None:
    takers = [one for one in partner.manifest.operations if one.event is FIRST.get(event)]
    if not takers:
        return
    message, key, external_id = messages(partner, FIRST[event])(number)
    body = parties.writer(partner.party, takers[0].name)(message)
    _verb(client, "send", takers[0])(Outgoing(external_id, key, body))


def _send(partner: Partner, hub: Hub, operation: Operation, made: Made, *, met: str = "") -> list[Receipt]:
    """Publish one message to this party alone, and run its courier until the message has come to an end.

    `met` is the fault that the first run meets.
    """
    message, key, external_id = made
    receipts: list[Receipt] = []
    effects = partner.effects(operation.name) + (0 if met == "silent_before" else 1)

    def keep(_transaction: Transaction, _one: Claimed, receipt: Receipt) -> None:
        receipts.append(receipt)

    with hub.store.begin() as transaction:
        outbox.publish(transaction, operation.event, message, key=key, external_id=external_id, only=partner.party)
    for number in range(RUNS_MAX):
        hub.soon()
        with patience_for(met if number == 0 else ""), closing(parties.open_client(partner.connection)) as client:
            courier.deliver(hub.store, client, partner.party, (operation.name,), on_receipt=keep)
        if number == 0 and met in WAITING and _states(hub).get(external_id) in ("unknown", "set_aside"):
            partner.is_through_with(operation.name, met, effects=effects)
        if _states(hub).get(external_id) in OVER:
            return receipts
    raise AssertionError([(row.external_id, row.state, row.reason) for row in hub.rows() if row.state not in OVER])


def _states(hub: Hub) -> dict[str, str]:
    return {row.external_id: row.state for row in hub.rows()}


def _is_right(operation: Operation, state: str, times: int) -> bool:
    if operation.outcome is OutcomeClass.NEITHER:
        return (state, times) == ("sent", 1) or (state == "set_aside" and times <= 1)
    return (state, times) == ("sent", 1)


def _open(items: Any) -> None:
    for item in items:
        if isinstance(item, PaymentAddress):
            payments.open_address(item)
