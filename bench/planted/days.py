"""A clean day: what comes in on any day and is in order, or moved no money and must stay silent."""

from collections.abc import Callable

from bench.planted.drawing import USUAL_AMOUNTS, Desk
from bench.planted.meetings import confirmed, met
from bench.planted.rows import ONE_DAY
from bench.planted.settling import batch_paid

Making = Callable[[Desk], None]


def fill(desk: Desk, payments: int) -> None:
    """Draw the day's ordinary business; each party has some, on the main day and beside it."""
    for party in desk.parties:
        _paid_by(desk, party)
    for _ in range(payments):
        desk.random.choice(ORDINARY)(desk)


def paid(desk: Desk) -> None:
    """A payment of a usual amount, the same on both sides."""
    _paid_by(desk, desk.party())


def found(desk: Desk) -> None:
    """A payment whose line comes back under another name, and is found by a key all the same."""
    story = desk.story("found")
    row = desk.payment(amount_vnd=desk.random.choice(USUAL_AMOUNTS))
    line, rule = met(desk, row)
    story.match(rule, [row], [line])


def found_by_amount(desk: Desk) -> None:
    """A payment whose reference was spoiled on the way; amount and day tell it from all others."""
    story = desk.story("found_by_amount")
    row = desk.payment()
    story.match("amount_day", [row], [confirmed(desk, row)])


def refunded(desk: Desk) -> None:
    """A payment given back whole: state refunded with us, paid or refunded there, and the refund on both sides."""
    story = desk.story("refunded")
    row = desk.payment(state="refunded")
    line = desk.line(row, state=desk.random.choice(("paid", "refunded")))
    named = desk.random.choice(("our_reference", "partner_reference"))
    back = desk.refund(party=row["party"], amount_vnd=row["amount_vnd"], **{named: row[named]})
    story.match("exact_reference", [row], [line])
    story.match("exact_reference", [back], [desk.line(back)])


def refunded_in_parts(desk: Desk) -> None:
    """Two refunds of one payment under its reference, of equal amounts at times: rank tells them apart."""
    story = desk.story("refunded_in_parts")
    row = desk.payment()
    story.match("exact_reference", [row], [desk.line(row)])
    one = desk.random.choice((1_000, 2_000))
    for part in (one, desk.random.choice((one, 3_000))):
        back = desk.refund(party=row["party"], amount_vnd=part, our_reference=row["our_reference"])
        story.match("exact_reference", [back], [desk.line(back)])


def fee_charged(desk: Desk) -> None:
    """A fee as a row of its own on both sides."""
    story = desk.story("fee_charged")
    row = desk.payment(kind="fee", fee_vnd=None, amount_vnd=desk.random.choice((1_100, 5_500)))
    line, rule = met(desk, row)
    story.match(rule, [row], [line])


def split(desk: Desk) -> None:
    """One payment of ours in two lines of the partner's."""
    story = desk.story("split")
    row = desk.payment()
    key = desk.random.choice(("our_reference", "partner_reference"))
    changes = {"our_reference": row["our_reference"] if key == "our_reference" else None}
    first = row["amount_vnd"] // 3
    parts = (first, row["amount_vnd"] - first)
    lines = [desk.line(row, amount_vnd=part, **changes) for part in parts]
    story.match(("exact_reference" if key == "our_reference" else key) + "/split", [row], lines)


def joined(desk: Desk) -> None:
    """Two payments of ours, two files of one payer, in one line of the partner's."""
    story = desk.story("joined")
    row = desk.payment()
    beside = desk.payment(party=row["party"], partner_reference=row["partner_reference"])
    line = desk.line(
        row,
        our_reference=desk.random.choice((None, desk.reference("GOP"))),
        amount_vnd=row["amount_vnd"] + beside["amount_vnd"],
    )
    story.match("partner_reference/joined", [row, beside], [line])


def failed(desk: Desk) -> None:
    """A payment that moved no money, known to one side or to both; or one that still waits there and here."""
    story = desk.story("failed")
    row = desk.payment(state=desk.random.choice(("failed", "pending")))
    sides = desk.random.choice(("core", "partner", "both"))
    if sides == "partner":
        return story.quiet([], [desk.line(row)])
    return story.quiet([row], [desk.line(row)] if sides == "both" else [])


def retried(desk: Desk) -> None:
    """A payer who failed first and paid then, under one reference."""
    story = desk.story("retried")
    row = desk.payment()
    before = row | {"state": "failed", "partner_reference": desk.partner_reference(row["party"])}
    story.match("exact_reference", [row], [desk.line(row)])
    story.quiet([before], [desk.line(before)] if desk.random.random() < 0.5 else [])


def _paid_by(desk: Desk, party: str) -> None:
    story = desk.story("paid")
    day = desk.main_day + ONE_DAY * desk.random.choice((-1, 0, 0, 0, 0, 0, 1))
    row = desk.payment(party=party, day=day, amount_vnd=desk.random.choice((*USUAL_AMOUNTS, 0)))
    story.match("exact_reference", [row], [desk.line(row, day=day)])


ORDINARY: tuple[Making, ...] = (
    *(paid,) * 20,
    *(found,) * 4,
    found_by_amount,
    refunded,
    refunded_in_parts,
    fee_charged,
    split,
    joined,
    *(failed,) * 3,
    retried,
    batch_paid,
)
