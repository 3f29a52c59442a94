"""How a row of ours and the partner's line of it find each other: by which keys, and under which rule's name."""

from datetime import date
from typing import Any

from bench.planted.drawing import Desk
from bench.planted.references import NORMALISED, RELATED
from bench.planted.rows import ONE_DAY, Row, working_days

BY_KEY = ("exact_reference", "exact_reference", "partner_reference", "normalised_reference")


def met(desk: Desk, row: Row, **changes: Any) -> tuple[Row, str]:
    """A line that meets the row by a key, and the rule that finds it; `changes` are made to the line."""
    rule = desk.random.choice(BY_KEY)
    if rule == "partner_reference":
        return desk.line(row, our_reference=desk.random.choice((None, desk.reference("MEMO"))), **changes), rule
    other = desk.random.choice((None, desk.partner_reference(row["party"])))
    if rule == "normalised_reference":
        garbled = desk.random.choice(NORMALISED)(row["our_reference"], desk.random)
        return desk.line(row, our_reference=garbled, partner_reference=other, **changes), rule
    return desk.line(row, partner_reference=desk.random.choice((row["partner_reference"], other)), **changes), rule


def confirmed(desk: Desk, row: Row, **changes: Any) -> Row:
    """A line that no key joins to the row, but amount and day with what is left of a reference, or with the payer.

    The row's own payer may be set here: a payer is evidence only where both sides name it.
    """
    form = desk.random.choice(("related", "related", "nameless", "payer"))
    if form == "related":
        garbled = desk.random.choice(RELATED)(row["our_reference"], desk.random)
        return desk.line(row, our_reference=garbled, partner_reference=None, **changes)
    if form == "nameless":
        return desk.line(row, our_reference=None, partner_reference=None, **changes)
    row["payer"] = desk.payer()
    changes = {"our_reference": desk.reference("GD"), "partner_reference": None, "payer": row["payer"]} | changes
    return desk.line(row, **changes)


def found(desk: Desk, row: Row, **changes: Any) -> tuple[Row, str]:
    """A line of the row's amount that finds it by a key, or else by amount and day."""
    if desk.random.random() < 0.75:
        return met(desk, row, **changes)
    return confirmed(desk, row, **changes), "amount_day"


def nearby(desk: Desk, day: date) -> date:
    """Another calendar day, one working day from `day` at most: over a weekend or a holiday that is far."""
    within = [day + ONE_DAY * ahead for ahead in range(-12, 13) if ahead]
    return desk.random.choice([one for one in within if abs(working_days(day, one)) <= 1])


def outside(desk: Desk, day: date) -> date:
    """A day two or three working days from `day`."""
    within = [day + ONE_DAY * ahead for ahead in range(-14, 15)]
    return desk.random.choice([one for one in within if abs(working_days(day, one)) in (2, 3)])


def another_day(desk: Desk, day: date) -> date:
    """Any of the neighbouring days: keys join rows however far apart."""
    return day + ONE_DAY * desk.random.choice((-2, -1, 1, 1, 1, 2, 4))


def wrong_amount(desk: Desk, amount_vnd: int) -> int:
    """Another amount, by one đồng at times; further than what is tolerated."""
    off = desk.settings.tolerance_vnd + desk.random.choice((1, 1, 1_000, 99_999))
    return amount_vnd + off if amount_vnd <= off or desk.random.random() < 0.5 else amount_vnd - off
