"""Payments through any channel: requests, citizens who pay or do not, and questions about what has no end yet."""

from sandbox.day import orders, wallets
from sandbox.day.channels import BANK, CHANNELS, Channel
from sandbox.day.one_stop import in_lanes, payment_item
from sandbox.day.stage import Stage
from truc.errors import SetupError
from truc.operating import audit, doubts
from truc.services import ask_schedule

PARTS = "payment_parts"  # in the journal: party → part → our references
ASKER, WHY = "one_stop", "the citizen asks at the counter where the payment stands"


def request(stage: Stage) -> None:
    """Ask for the day's payments; those the counter saw paid at the bank come with the proof."""
    pairs = [(one.dossier.reference, payment_item(one)) for one in stage.plan.payments]
    answers = stage.one_stop.lanes("payments", in_lanes(pairs))
    stage.answers["payments"] = answers
    taken = answers.outcomes["booked"] + answers.outcomes["known"]
    stage.expect("payment requests taken", len(pairs), taken, stage.log("gateway"))
    stage.expect("payment requests rejected", {}, dict(answers.reasons), stage.log("gateway"))
    stage.progress.say(f"{taken:,} yêu cầu thanh toán · payment requests")


def lose_answers(stage: Stage) -> None:
    """Let partners make orders and not say so."""
    for one in CHANNELS:
        if one.unheard:
            stage.plant(one.party, "create", *wallets.UNHEARD)


def citizens_pay(stage: Stage) -> None:
    """Let citizens act on their orders: most pay, some refuse or forget, and partners do some of it wrong."""
    if not stage.journal.met(PARTS):
        stage.journal.note(PARTS, {one.party: dealt(one, orders.payable(stage, one)) for one in CHANNELS})
    parts = stage.journal.troubles[PARTS]
    for channel in CHANNELS:
        if channel.has_page:
            orders.open_pages(stage, channel)
    wallets.forge(stage, parts)
    for channel in CHANNELS:
        _act_as_dealt(stage, channel, parts[channel.party])
    paid = sum(len(of["pay"]) for of in parts.values())
    stage.progress.say(f"{paid:,} người trả qua {len(CHANNELS)} kênh · citizens pay through {len(CHANNELS)} channels")


def ask_about_the_rest(stage: Stage) -> None:
    """Let what nobody paid lapse, and have every partner asked that can say how a payment ended."""
    for channel in CHANNELS:
        orders.lapse(stage, channel)
    waiting = {one: orders.pending(stage, one) for one in CHANNELS if ask_schedule.can_be_asked(one.party)}
    asked = [one for one, references in waiting.items() if references]
    with stage.store.begin() as transaction:
        for reference in (reference for one in asked for reference in waiting[one]):
            doubts.ask_now(transaction, reference, audit.order(ASKER, WHY))
    stage.run(*(one.asks for one in asked))
    for one in asked:
        stage.expect(f"asked, and still without an end: {one.party}", [], orders.pending(stage, one), one.asks)
    wallets.note_found_by_asking(stage, stage.journal.troubles[PARTS])
    stage.progress.say(f"{sum(map(len, waiting.values())):,} khoản phải hỏi đối tác · payments asked about")


def dealt(channel: Channel, able: list[str]) -> dict[str, list[str]]:
    """Return part → orders: one to each thing the partner does wrong, a few refuse or forget, the rest are paid.

    Raise SetupError when fewer can be paid than there are parts: then orders did not reach the partner.
    """
    if len(able) <= len(channel.parts):
        text = f"{channel.party}: {len(able)} orders can be paid, and citizens have {len(channel.parts) + 1} parts"
        raise SetupError(f"{text}: see the run of {channel.delivers}", reason="orders_missing")
    few, found, rest = max(1, len(able) // 40), dict[str, list[str]](), list(able)
    for part in channel.parts:
        size = few if part in ("refuse", "forget") else 1
        found[part], rest = rest[:size], rest[size:]
    return {**found, "pay": rest}


def planned(stage: Stage, channel: Channel) -> dict[str, str]:
    """Return our reference → the state in which the day leaves it; who has no address to pay at forgets it."""
    of = stage.journal.troubles[PARTS][channel.party]
    ends = {one: "paid" for part in ("pay", *wallets.WRONG) for one in of.get(part, ())}
    if channel.refused is not None:
        ends |= dict.fromkeys(of["refuse"], channel.refused.state)
    otherwise = "pending" if channel.lapsed is None else channel.lapsed.state
    return {one: ends.get(one, otherwise) for one in orders.pays_at(stage, channel)}


def at_bank(stage: Stage) -> int:
    """Return how many payments of the day are transfers that a counter saw."""
    return sum(one.party == BANK for one in stage.plan.payments)


def _act_as_dealt(stage: Stage, channel: Channel, parts: dict[str, list[str]]) -> None:
    wallets.misbehave(stage, channel, parts)
    if channel.refused is not None:
        orders.act(stage, channel, parts["refuse"], code=channel.refused.code)
    orders.act(stage, channel, parts["pay"])
    wallets.confirm_callbacks(stage, channel, parts)
