"""What partners do wrong with a payment: answers lost, callbacks forged, lost or sent twice; and how that is found."""

from sandbox.day import orders
from sandbox.day.channels import CHANNELS, Channel
from sandbox.day.stage import Stage
from sandbox.faults import Mode

UNHEARD: tuple[Mode, Mode] = ("drop_after", "error_after")  # the order is made, and its answer does not come
Parts = dict[str, dict[str, list[str]]]  # party → part → our references

# A part that the partner plays wrongly: what it does, and how often the gateway is called about the order then.
WRONG: dict[str, tuple[Mode, int]] = {"lost": ("refuse", 0), "twice": ("twice", 2)}
SEEN = {"pay": 1, "refuse": 1} | {part: seen for part, (_, seen) in WRONG.items()}
FORGED_AT = "momo"
LIES = ("forged", "other_amount")
# A wrong signature is answered no; a call over another amount is rightly signed, and need not be repeated.
TO_LIES = {"forged": {"refused": 1}, "other_amount": {"accepted": 1}}
KEPT_LIES = 1  # the one that was rightly signed
FOUND = "lost_callbacks_found_by_asking"


def name_of(channel: Channel, part: str) -> str:
    """Return how the journal names the trouble."""
    return f"{channel.party}_callback_{part}"


def name_of_unheard(channel: Channel) -> str:
    """Return how the journal names the lost answers to a channel's orders."""
    return f"{channel.party}_create_{'_'.join(UNHEARD)}"


def names() -> set[str]:
    """Return the name of every trouble that this module plants."""
    wrong = {name_of(one, part) for one in CHANNELS for part in one.parts if part in WRONG}
    unheard = {name_of_unheard(one) for one in CHANNELS if one.unheard}
    return wrong | unheard | {"forged_callbacks", FOUND}


def forge(stage: Stage, parts: Parts) -> None:
    """Send callbacks that are not true of an order: one with a wrong signature, one over another amount."""
    if stage.journal.met("forged_callbacks"):
        return
    order = {"reference": _victim(parts), "at": stage.plan.payments[0].pays_at.isoformat()}
    partner = stage.partners[FORGED_AT]
    answers = {how: partner.tell("pay", {"orders": [order], "as": how})["notified"] for how in LIES}
    stage.expect("answers to forged callbacks", TO_LIES, answers, stage.log("gateway"))
    stage.meet("forged_callbacks", answers if answers == TO_LIES else {})


def misbehave(stage: Stage, channel: Channel, parts: dict[str, list[str]]) -> None:
    """Let the orders be paid whose callback the partner loses or repeats."""
    for part in (one for one in channel.parts if one in WRONG):
        fault, _ = WRONG[part]
        misbehaved = orders.act(stage, channel, parts[part], fault=fault)
        [reference] = parts[part]
        note_callback(stage, channel, part, misbehaved=misbehaved, seen=_seen(stage, channel).get(reference, 0))


def note_callback(stage: Stage, channel: Channel, part: str, *, misbehaved: int, seen: int) -> None:
    """Note a lost or doubled callback when the partner did misbehave and the gateway saw of it what it should."""
    met = misbehaved > 0 and seen == SEEN[part]
    stage.meet(name_of(channel, part), {"misbehaved": misbehaved, "seen": seen} if met else {})


def confirm_callbacks(stage: Stage, channel: Channel, parts: dict[str, list[str]]) -> None:
    """The gateway must have kept each citizen's callback once, seen one of them twice, and some never."""
    seen = _seen(stage, channel)
    told = {one: SEEN[part] for part in parts if part in SEEN for one in parts[part]}
    if channel.party == FORGED_AT:
        told[_victim({channel.party: parts})] += KEPT_LIES
    off = {one: seen.get(one, 0) for one, times in told.items() if seen.get(one, 0) != times}
    stage.expect(f"callbacks kept other than as sent: {channel.party}", {}, off, stage.log("gateway"))


def note_found_by_asking(stage: Stage, parts: Parts) -> None:
    """Hold that every payment whose callback was lost is paid, by the partner's answer to our question."""
    lost = {party: of["lost"] for party, of in sorted(parts.items()) if of.get("lost")}
    found = {party: [one for one in references if _told_by_asking(stage, one)] for party, references in lost.items()}
    stage.expect("lost callbacks found by asking", lost, found, stage.log("gateway"))
    stage.meet(FOUND, {party: len(references) for party, references in found.items()} if found == lost else {})


def _told_by_asking(stage: Stage, reference: str) -> bool:
    query = """SELECT count(*) FROM payment_words AS word JOIN payments ON payments.id = payment_id
               JOIN inbox ON inbox.id = word.inbox_id
               WHERE our_reference = :one AND inbox.kind = 'query' AND said = 'paid' AND state_before = 'pending'"""
    return stage.number(query, one=reference) > 0


def _victim(parts: Parts) -> str:
    return parts[FORGED_AT]["pay"][0]


def _seen(stage: Stage, channel: Channel) -> dict[str, int]:
    """Return our reference → how often the gateway was called about how it ended."""
    query = """SELECT split_part(external_id, '/', 1) AS reference, sum(seen) AS seen FROM inbox_names
               WHERE party = :party AND kind = ANY(:kinds) GROUP BY 1"""
    rows = stage.rows(query, party=channel.party, kinds=list(channel.tells))
    return {row.reference: int(row.seen) for row in rows}
