"""What can be wrong between our ledger and a partner's statement: one function for each planted thing."""

from bench.planted.drawing import Desk
from bench.planted.meetings import another_day, confirmed, found, met, nearby, wrong_amount
from bench.planted.rows import Row


def missing_at_partner(desk: Desk) -> None:
    """We have a payment; the partner has none."""
    desk.story("missing_at_partner").broken("missing_at_partner", "none", [_some(desk)], [])


def missing_in_core(desk: Desk) -> None:
    """The partner has a payment that we never heard of."""
    desk.story("missing_in_core").broken("missing_in_core", "none", [], [desk.line(_some(desk))])


def amount_differs(desk: Desk) -> None:
    """The same payment with two amounts, one đồng apart at times."""
    story = desk.story("amount_differs")
    row = desk.payment()
    line, rule = met(desk, row, amount_vnd=wrong_amount(desk, row["amount_vnd"]))
    story.broken("amount_differs", rule, [row], [line])


def amount_and_day_differ(desk: Desk) -> None:
    """Wrong in both: the amount is what is said."""
    story = desk.story("amount_and_day_differ")
    row = desk.payment()
    line, rule = met(desk, row, amount_vnd=wrong_amount(desk, row["amount_vnd"]), day=another_day(desk, desk.main_day))
    story.broken("amount_differs", rule, [row], [line])


def refund_amount_differs(desk: Desk) -> None:
    """A refund given back with another amount than ours."""
    story = desk.story("refund_amount_differs")
    row = desk.refund()
    line, rule = met(desk, row, amount_vnd=wrong_amount(desk, row["amount_vnd"]))
    story.broken("amount_differs", rule, [row], [line])


def duplicate_in_core(desk: Desk) -> None:
    """A payment booked twice with us: the same, or with another amount, day or fee."""
    story = desk.story("duplicate_in_core")
    row = desk.payment()
    line, rule = met(desk, row, fee_vnd=row["fee_vnd"])
    story.match(rule, [row], [line])
    story.broken("duplicate_in_core", rule, [_copy(desk, row, line)], [])


def duplicate_at_partner(desk: Desk) -> None:
    """A payment the partner lists twice: the same, or with another amount, day or fee."""
    story = desk.story("duplicate_at_partner")
    row = desk.payment()
    line, rule = met(desk, row)
    story.match(rule, [row], [line])
    for _ in range(desk.random.choice((1, 1, 2))):
        story.broken("duplicate_at_partner", rule, [], [_copy(desk, line, row)])


def duplicated_on_both(desk: Desk) -> None:
    """The same payment twice on either side: one pair, and one duplicate of each."""
    story = desk.story("duplicated_on_both")
    row = desk.payment()
    line = desk.line(row)
    story.match("exact_reference", [row], [line])
    story.broken("duplicate_in_core", "exact_reference", [dict(row)], [])
    story.broken("duplicate_at_partner", "exact_reference", [], [dict(line)])


def duplicate_and_amount(desk: Desk) -> None:
    """A payment listed twice, both times with a wrong amount."""
    story = desk.story("duplicate_and_amount")
    row = desk.payment()
    line, rule = met(desk, row, amount_vnd=wrong_amount(desk, row["amount_vnd"]))
    story.broken("amount_differs", rule, [row], [line])
    story.broken("duplicate_at_partner", rule, [], [dict(line)])


def duplicate_of_number_in_core(desk: Desk) -> None:
    """A payment booked again with us under a new reference, but with the partner's number of the first."""
    story = desk.story("duplicate_of_number_in_core")
    row = desk.payment()
    again = row | {
        "our_reference": desk.reference(),
        "amount_vnd": desk.random.choice((row["amount_vnd"], desk.amount())),
    }
    story.match("exact_reference", [row], [desk.line(row)])
    story.broken("duplicate_in_core", "partner_reference", [again], [])


def duplicate_of_number_at_partner(desk: Desk) -> None:
    """A transaction the partner lists again with another reference of ours, or none."""
    story = desk.story("duplicate_of_number_at_partner")
    row = desk.payment()
    line = desk.line(row)
    again = line | {"our_reference": desk.random.choice((None, desk.reference()))}
    story.match("exact_reference", [row], [line])
    story.broken("duplicate_at_partner", "partner_reference", [], [again])


def duplicate_spelled_otherwise(desk: Desk) -> None:
    """A transaction listed again under a new number, with our reference written in other letters."""
    story = desk.story("duplicate_spelled_otherwise")
    row = desk.payment()
    line = desk.line(row)
    spelled = line | {"our_reference": row["our_reference"].swapcase(), "partner_reference": None}
    story.match("exact_reference", [row], [line])
    story.broken("duplicate_at_partner", "none", [], [spelled])


def state_differs(desk: Desk) -> None:
    """Paid on one side only, or waiting here and failed there; the amount may be wrong as well: the state is said."""
    story = desk.story("state_differs")
    ours, theirs = desk.random.choice(
        (("paid", "failed"), ("paid", "pending"), ("failed", "paid"), ("pending", "paid"), ("pending", "failed"))
    )
    row = desk.payment(state=ours)
    changes = {"amount_vnd": wrong_amount(desk, row["amount_vnd"])} if desk.random.random() < 0.3 else {}
    line, rule = met(desk, row, state=theirs, **changes)
    story.broken("state_differs", rule, [row], [line])


def state_and_duplicate(desk: Desk) -> None:
    """Failed on one side, paid twice on the other."""
    story = desk.story("state_and_duplicate")
    twice_there = desk.random.random() < 0.5
    row = desk.payment(state="failed" if twice_there else "paid")
    line = desk.line(row, state="paid" if twice_there else "failed")
    story.broken("state_differs", "exact_reference", [row], [line])
    if twice_there:
        story.broken("duplicate_at_partner", "exact_reference", [], [dict(line)])
    else:
        story.broken("duplicate_in_core", "exact_reference", [dict(row)], [])


def refunded_on_one_side(desk: Desk) -> None:
    """One side says paid, the other refunded, and nobody has a refund."""
    story = desk.story("refunded_on_one_side")
    states = ["paid", "refunded"]
    desk.random.shuffle(states)
    row = desk.payment(state=states[0])
    line, rule = found(desk, row, state=states[1])
    story.broken("state_differs", rule, [row], [line])


def refund_unmatched(desk: Desk) -> None:
    """A refund that only one side knows; at the partner it names a payment that was never given back, or none."""
    story = desk.story("refund_unmatched")
    if desk.random.random() < 0.5:
        return story.broken("refund_unmatched", "none", [desk.refund()], [])
    back = desk.line(desk.refund())
    if desk.random.random() < 0.5:
        row = desk.payment(party=back["party"])
        story.match("exact_reference", [row], [desk.line(row)])
        back["our_reference"] = row["our_reference"]
    return story.broken("refund_unmatched", "none", [], [back])


def refund_of_original(desk: Desk) -> None:
    """Our ledger says refunded and has no refund row; the partner's refunds name the payment and stay within it."""
    _originals(desk, "refund_of_original", beyond_vnd=0)


def refund_beyond_original(desk: Desk) -> None:
    """Refunds at the partner of more than the payment: none of them is taken."""
    _originals(desk, "refund_beyond_original", beyond_vnd=1)


def refund_late(desk: Desk) -> None:
    """A refund booked on one day and listed on another."""
    story = desk.story("refund_late")
    row = desk.refund()
    line, rule = met(desk, row, day=another_day(desk, desk.main_day))
    story.broken("timing", rule, [row], [line])


def refund_part_missing(desk: Desk) -> None:
    """Two equal refunds of one payment with us, one of them at the partner."""
    story = desk.story("refund_part_missing")
    row = desk.payment()
    story.match("exact_reference", [row], [desk.line(row)])
    back = desk.refund(party=row["party"], our_reference=row["our_reference"], partner_reference=None)
    story.match("exact_reference", [back], [desk.line(back)])
    story.broken("refund_unmatched", "none", [dict(back)], [])


def refund_parts_differ(desk: Desk) -> None:
    """Two refunds of one payment, one of them with another amount at the partner: what is left over is a pair."""
    story = desk.story("refund_parts_differ")
    first = desk.refund()
    second = first | {"amount_vnd": desk.amount(), "partner_reference": desk.partner_reference(first["party"])}
    story.match("exact_reference", [first], [desk.line(first)])
    line = desk.line(second, amount_vnd=wrong_amount(desk, second["amount_vnd"]))
    story.broken("amount_differs", "exact_reference", [second], [line])


def refund_not_given(desk: Desk) -> None:
    """We gave a payment back, and the partner knows the payment alone: the refund is what is open."""
    story = desk.story("refund_not_given")
    row = desk.payment(state="refunded")
    story.match("exact_reference", [row], [desk.line(row, state="paid")])
    back = desk.refund(party=row["party"], amount_vnd=row["amount_vnd"], our_reference=row["our_reference"])
    story.broken("refund_unmatched", "none", [back], [])


def joined_under_one_reference(desk: Desk) -> None:
    """Two payments of ours under one reference, which the partner lists as one sum."""
    story = desk.story("joined_under_one_reference")
    row = desk.payment()
    beside = row | {"amount_vnd": desk.amount(), "partner_reference": None}
    line = desk.line(row, amount_vnd=row["amount_vnd"] + beside["amount_vnd"])
    story.match("exact_reference/joined", [row, beside], [line])


def missing_under_one_reference(desk: Desk) -> None:
    """Two payments of ours under one reference, neither of which the partner has."""
    row = desk.payment(partner_reference=None)
    rows = [row, row | {"amount_vnd": desk.amount()}]
    desk.story("missing_under_one_reference").each_broken("missing_at_partner", "none", rows, [])


def fee_differs(desk: Desk) -> None:
    """The same payment with two fees; the day may differ as well."""
    story = desk.story("fee_differs")
    row = desk.payment(
        kind=desk.random.choice(("payment", "payment", "refund")), fee_vnd=desk.random.choice((0, 1_100))
    )
    changes = {"day": nearby(desk, desk.main_day)} if desk.random.random() < 0.3 else {}
    theirs = desk.random.choice((550, 1_101, 2_200))
    line, rule = found(desk, row, fee_vnd=theirs, **changes)
    story.broken("fee_differs", rule, [row], [line], difference_vnd=(row["fee_vnd"] or 0) - theirs)


def fee_of_one_side(desk: Desk) -> None:
    """A fee row that one side alone has."""
    story = desk.story("fee_of_one_side")
    row = desk.payment(kind="fee", fee_vnd=None)
    sides: tuple[list[Row], list[Row]] = ([row], []) if desk.random.random() < 0.5 else ([], [desk.line(row)])
    story.broken("fee_differs", "none", *sides)


def timing(desk: Desk) -> None:
    """A payment of one day listed on another: around midnight or the cut-off, over a weekend, over a holiday."""
    story = desk.story("timing")
    row = desk.payment()
    line, rule = met(desk, row, day=another_day(desk, desk.main_day))
    story.broken("timing", rule, [row], [line])


def timing_found_by_amount(desk: Desk) -> None:
    """A payment with a spoiled reference, listed within one working day."""
    story = desk.story("timing_found_by_amount")
    row = desk.payment()
    line = confirmed(desk, row, day=nearby(desk, desk.main_day))
    story.broken("timing", "amount_day", [row], [line])


def unreadable_in_core(desk: Desk) -> None:
    """A row of ours that cannot be read."""
    desk.story("unreadable_in_core").broken("unreadable", "none", [spoiled(desk, desk.payment())], [])


def unreadable_at_partner(desk: Desk) -> None:
    """A line that cannot be read, beside the readable payment it may have been."""
    story = desk.story("unreadable_at_partner")
    row = desk.payment()
    story.broken("unreadable", "none", [], [spoiled(desk, desk.line(row))])
    if desk.random.random() < 0.5:
        story.broken("missing_at_partner", "none", [row], [])


def spoiled(desk: Desk, row: Row) -> Row:
    """The row with one thing in it that no reader may guess."""
    return row | desk.random.choice(
        (
            {"party": None},
            {"kind": "Payment"},
            {"kind": None},
            {"state": "thành công"},
            {"state": None},
            {"amount_vnd": None},
            {"amount_vnd": -row["amount_vnd"]},
            {"fee_vnd": -1},
            {"business_on": None, "occurred_at": None},
        )
    )


def tolerated(desk: Desk) -> None:
    """Small differences that are let pass, for as long as their sum on the party's day is within the cap."""
    story = desk.story("tolerated")
    party = desk.party()
    day = desk.own_day(party)
    within = desk.random.random() < 0.5
    for off in (500, 400) if within else (500, 450, 251):
        row = desk.payment(party=party, day=day)
        line, rule = met(desk, row, amount_vnd=row["amount_vnd"] + desk.random.choice((-off, off)))
        if within:
            story.match(rule, [row], [line])
        else:
            story.broken("amount_differs", rule, [row], [line])


def _some(desk: Desk) -> Row:
    """A payment as either side might have it alone: at times without one of its references."""
    return desk.payment(**desk.random.choice(({}, {}, {"our_reference": None}, {"partner_reference": None})))


def _copy(desk: Desk, row: Row, answer: Row) -> Row:
    """The row once more, worse than the first in one thing when it is held against its `answer`."""
    form = desk.random.choice(("same", "amount", "day", "fee"))
    if form == "amount":
        return row | {"amount_vnd": desk.amount()}
    if form == "day":
        return row | desk.dated(row["party"], another_day(desk, desk.main_day))
    if form == "fee":
        return row | {"fee_vnd": (answer["fee_vnd"] or 0) + 77}
    return dict(row)


def _originals(desk: Desk, name: str, *, beyond_vnd: int) -> None:
    story = desk.story(name)
    row = desk.payment(state="refunded")
    story.match("exact_reference", [row], [desk.line(row, state=desk.random.choice(("paid", "refunded")))])
    first = row["amount_vnd"] // 3
    parts = (first, row["amount_vnd"] - first + beyond_vnd) if beyond_vnd or desk.random.random() < 0.5 else (first,)
    for part in parts:
        named = desk.random.choice(
            ({"partner_reference": row["partner_reference"]}, {"our_reference": row["our_reference"]})
        )
        back = desk.line(desk.refund(party=row["party"], amount_vnd=part, our_reference=None) | named)
        if beyond_vnd:
            story.broken("refund_unmatched", "none", [], [back])
        else:
            story.match("original", [], [back], leg="return", core_vnd=0, difference_vnd=0)
