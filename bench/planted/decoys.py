"""Neighbours that look like an answer and are none, and equals among which nobody may choose (recon.md 3.4)."""

from bench.planted.drawing import Desk
from bench.planted.meetings import outside
from bench.planted.rows import ONE_DAY, Row, edits, is_working

COMPARED_MAX = 200  # rows of the other side that one may be compared with by its amount


def other_party(desk: Desk) -> None:
    """The same amount and day at another party."""
    row = desk.payment(partner_reference=None)
    line = desk.line(row, party=desk.other_party(row["party"]))
    line |= desk.dated(line["party"], desk.main_day)
    _strangers(desk, "other_party", row, line)


def outside_window(desk: Desk) -> None:
    """The same amount and payer, two working days away or more."""
    row = desk.payment(partner_reference=None, payer=desk.payer())
    line = desk.line(row, our_reference=None, day=outside(desk, desk.main_day), payer=row["payer"])
    _strangers(desk, "outside_window", row, line)


def other_payer(desk: Desk) -> None:
    """The same amount and day, paid by somebody else."""
    row = desk.payment(partner_reference=None, payer=desk.payer())
    _strangers(desk, "other_payer", row, desk.line(row, our_reference=None, payer=desk.payer(beside=row["payer"])))


def other_transaction(desk: Desk) -> None:
    """The same amount, day and payer; both sides name a transaction, and not the same."""
    row = desk.payment(payer=desk.payer())
    number = desk.partner_reference(row["party"])
    _strangers(
        desk, "other_transaction", row, desk.line(row, our_reference=None, partner_reference=number, payer=row["payer"])
    )


def unrelated_reference(desk: Desk) -> None:
    """The same amount and day under a reference that has nothing to do with ours."""
    row = desk.payment(partner_reference=None, payer=None)
    _strangers(desk, "unrelated_reference", row, desk.line(row, our_reference=desk.reference()))


def three_letters_off(desk: Desk) -> None:
    """The same amount and day; the references differ in three digits, one more than a typing error may."""
    row = desk.payment(partner_reference=None, payer=None)
    ours = changed = row["our_reference"]
    while edits(ours, changed) < 3:  # three changed digits may be two edits: 050 and 505
        changed = ours[:-3] + f"{desk.random.randrange(1_000):03d}"
    _strangers(desk, "three_letters_off", row, desk.line(row, our_reference=changed))


def reference_too_short(desk: Desk) -> None:
    """The same amount and day; references so short that likeness says nothing."""
    place = desk.random.randrange(1_000, 9_999)
    row = desk.payment(partner_reference=None, payer=None, our_reference=f"Q{place}")
    _strangers(desk, "reference_too_short", row, desk.line(row, our_reference=f"W{place}"))


def reference_long_enough(desk: Desk) -> None:
    """The same with one letter more: now likeness counts."""
    story = desk.story("reference_long_enough")
    place = desk.random.randrange(10_000, 99_999)
    row = desk.payment(partner_reference=None, payer=None, our_reference=f"Q{place}")
    story.match("amount_day", [row], [desk.line(row, our_reference=f"W-{place}")])


def other_family(desk: Desk) -> None:
    """The same reference, amount and day; the partner's line is money given back."""
    story = desk.story("other_family")
    row = desk.payment()
    line = desk.line(row, kind="refund", our_reference=desk.random.choice((row["our_reference"], None)))
    story.broken("missing_at_partner", "none", [row], [])
    story.broken("refund_unmatched", "none", [], [line])


def number_of_two(desk: Desk) -> None:
    """A number that two matched payments bear names neither: a third that bears it too is no duplicate."""
    story = desk.story("number_of_two")
    row = desk.payment()
    rows = [row, *(row | {"our_reference": desk.reference(), "amount_vnd": desk.amount()} for _ in range(2))]
    for one in rows[:2]:
        line = desk.line(one, partner_reference=desk.partner_reference(row["party"]))
        story.match("exact_reference", [one], [line])
    story.broken("missing_at_partner", "none", [rows[2]], [])


def shared_digits(desk: Desk) -> None:
    """Two payments whose references differ in their letters alone: a line with other letters is nobody's."""
    story = desk.story("shared_digits")
    digits = desk.reference("").lstrip("-")
    party = desk.party()
    for prefix in ("A-", "THUE-"):
        row = desk.payment(party=party, our_reference=prefix + digits, partner_reference=None)
        story.broken("missing_at_partner", "none", [row], [])
    line = desk.line(desk.payment(party=party, our_reference="XA." + digits))
    story.broken("missing_in_core", "none", [], [line])


def few_digits(desk: Desk) -> None:
    """References that agree only in seven digits: too few to count without their letters."""
    story = desk.story("few_digits")
    digits = f"{desk.random.randrange(10**6, 10**7)}"
    party = desk.party()
    row = desk.payment(party=party, our_reference=f"LP{digits}")
    line = desk.line(desk.payment(party=party, our_reference=f"ZTK{digits}"))
    story.broken("missing_at_partner", "none", [row], [])
    story.broken("missing_in_core", "none", [], [line])


def enough_digits(desk: Desk) -> None:
    """References that agree in eight digits alone, enough to count without their letters."""
    story = desk.story("enough_digits")
    digits = f"{desk.random.randrange(10**7, 10**8)}"
    row = desk.payment(our_reference=f"LP{digits}")
    line = desk.line(row, our_reference=f"ZTK.{digits}", partner_reference=None)
    story.match("normalised_reference", [row], [line])


def number_of_two_at_partner(desk: Desk) -> None:
    """The same at the partner: a number that two matched lines bear makes a third no duplicate."""
    story = desk.story("number_of_two_at_partner")
    number = desk.partner_reference(desk.parties[0])
    rows = [desk.payment(party=desk.parties[0]) for _ in range(3)]
    for row in rows[:2]:
        story.match("exact_reference", [row], [desk.line(row, partner_reference=number)])
    story.broken("missing_in_core", "none", [], [desk.line(rows[2], partner_reference=number)])


def two_payments_one_line(desk: Desk) -> None:
    """Two equal payments and one line that may be either's."""
    _equals(desk, "two_payments_one_line", ours=2, theirs=1)


def one_payment_two_lines(desk: Desk) -> None:
    """One payment and two lines that may both be its."""
    _equals(desk, "one_payment_two_lines", ours=1, theirs=2)


def two_payments_two_lines(desk: Desk) -> None:
    """As many lines as payments, all equal: still nobody knows which is whose."""
    _equals(desk, "two_payments_two_lines", ours=2, theirs=2)


def line_between_two(desk: Desk) -> None:
    """A row with two candidates, one of which has no other: that is no pair either."""
    story = desk.story("line_between_two")
    payer, other = "NGUYỄN THỊ ÁNH", "Trần Văn Đông"
    row = desk.payment(partner_reference=None, payer=payer)
    beside = row | {"our_reference": desk.reference(), "payer": other}
    lines = [desk.line(row, our_reference=None, payer=payer), desk.line(row, our_reference=None, payer=None)]
    # The first line is the first payment's alone, the second may be either's.
    story.each_broken("ambiguous", "amount_day", [row, beside], lines)


def apart_by_payer(desk: Desk) -> None:
    """Two equal payments that their payers tell apart: each has one candidate, and is its."""
    story = desk.story("apart_by_payer")
    payer = desk.payer()
    row = desk.payment(partner_reference=None, payer=payer)
    beside = row | {"our_reference": desk.reference(), "payer": desk.payer(beside=payer)}
    for one in (row, beside):
        story.match("amount_day", [one], [desk.line(one, our_reference=desk.reference("GD"), payer=one["payer"])])


def spelled_alike(desk: Desk) -> None:
    """Two payments of ours whose references become one when normalised, and a line that may name either."""
    story = desk.story("spelled_alike")
    row = desk.payment(partner_reference=None)
    beside = row | {"our_reference": row["our_reference"].replace("-", ""), "amount_vnd": desk.amount()}
    line = desk.line(row, our_reference=row["our_reference"].replace("-", "/"), partner_reference=None)
    story.each_broken("ambiguous", "normalised_reference", [row, beside], [line])
    if desk.random.random() < 0.5:
        story.quiet([row | {"state": "failed"}], [])


def spelled_alike_at_partner(desk: Desk) -> None:
    """One payment of ours, and two lines that spell its reference in two ways."""
    story = desk.story("spelled_alike_at_partner")
    row = desk.payment(partner_reference=None)
    spelled = [row["our_reference"].replace("-", sign) for sign in (".", "/")]
    lines = [desk.line(row, our_reference=one, amount_vnd=desk.amount()) for one in spelled]
    story.each_broken("ambiguous", "normalised_reference", [row], lines)


def spelled_alike_one_exact(desk: Desk) -> None:
    """The same two payments; the line names one of them to the letter, so it is that one's."""
    story = desk.story("spelled_alike_one_exact")
    row = desk.payment()
    beside = desk.payment(party=row["party"], our_reference=row["our_reference"].replace("-", ""))
    story.match("exact_reference", [row], [desk.line(row)])
    story.broken("missing_at_partner", "none", [beside], [])


def as_many_as_may_be(desk: Desk) -> None:
    """As many equal payments of one day as may be compared; two lines find theirs by the payer."""
    story = desk.story("as_many_as_may_be")
    rows, lines = _alike(desk, COMPARED_MAX)
    for row, line in zip(rows, lines, strict=False):
        story.match("amount_day", [row], [line])
    story.each_broken("missing_at_partner", "none", rows[2:], [])


def too_many_alike(desk: Desk) -> None:
    """One equal payment more than a line may be compared with: nothing is matched, though the payer would tell."""
    story = desk.story("too_many_alike")
    rows, lines = _alike(desk, COMPARED_MAX + 1)
    story.each_broken("missing_in_core", "none", [], lines)
    story.each_broken("missing_at_partner", "none", rows, [])


def best_of_two(desk: Desk) -> None:
    """Two lines of one payment, each better in something: amount outranks fee, fee the number, the number the day."""
    story = desk.story("best_of_two")
    row = desk.payment(fee_vnd=550)
    other = {"partner_reference": desk.partner_reference(row["party"])}
    day = desk.main_day + ONE_DAY
    kind, better, worse = desk.random.choice(
        (
            ("fee_differs", other | {"fee_vnd": 660, "day": day}, {"amount_vnd": desk.amount()}),
            ("timing", other | {"day": day}, {"fee_vnd": 660}),
            ("timing", {"day": day}, other),
        )
    )
    off = -110 if kind == "fee_differs" else None
    story.broken(kind, "exact_reference", [row], [desk.line(row, **better)], difference_vnd=off)
    story.broken("duplicate_at_partner", "exact_reference", [], [desk.line(row, **worse)])


def best_by_state(desk: Desk) -> None:
    """A waiting payment, listed there as failed and, with another amount, as waiting: no money moved."""
    row = desk.payment(state="pending")
    lines = [desk.line(row, state="failed"), desk.line(row, amount_vnd=desk.amount())]
    desk.story("best_by_state").quiet([row], lines)


def nothing_beside(desk: Desk) -> None:
    """A payment and a line of its amount, beside one of nothing: their sum is right too, but it is no split."""
    story = desk.story("nothing_beside")
    row = desk.payment()
    story.match("exact_reference", [row], [desk.line(row)])
    story.broken("duplicate_at_partner", "exact_reference", [], [desk.line(row, amount_vnd=0)])


def refund_beside_known(desk: Desk) -> None:
    """A payment whose refund we know: what the partner gives back beside it is not that refund."""
    story = desk.story("refund_beside_known")
    row = desk.payment(state="refunded")
    story.match("exact_reference", [row], [desk.line(row)])
    back = desk.refund(party=row["party"], amount_vnd=1_000, partner_reference=row["partner_reference"])
    story.match("exact_reference", [back], [desk.line(back)])
    more = desk.line(desk.refund(party=row["party"]), our_reference=row["our_reference"], amount_vnd=desk.amount())
    more["amount_vnd"] = min(more["amount_vnd"], row["amount_vnd"] - 1)
    story.broken("refund_unmatched", "none", [], [more])


def number_found_late(desk: Desk) -> None:
    """A transaction listed twice, one of whose lines is found only by its reference in other letters."""
    story = desk.story("number_found_late")
    row = desk.payment(partner_reference=None)
    number = desk.partner_reference(row["party"])
    line = desk.line(row, our_reference=row["our_reference"].swapcase(), partner_reference=number)
    story.match("normalised_reference", [row], [line])
    story.broken("duplicate_at_partner", "none", [], [line | {"our_reference": desk.reference()}])


def accent_at_the_end(desk: Desk) -> None:
    """A reference that ends in Đ, given back with d: no digits alone could join them."""
    story = desk.story("accent_at_the_end")
    ours = f"{desk.reference('')[1:]}-ĐH"
    row = desk.payment(our_reference=ours, partner_reference=None)
    theirs = desk.random.choice((ours.replace("Đ", "đ"), ours.replace("Đ", "d"))).lower()
    story.match("normalised_reference", [row], [desk.line(row, our_reference=theirs)])


def over_days_off(desk: Desk) -> None:
    """A payment before days off and its spoiled line after them: far in days, near in working days."""
    story = desk.story("over_days_off")
    day = desk.main_day + ONE_DAY
    while is_working(day):
        day += ONE_DAY
    last = day - ONE_DAY
    while not is_working(day):
        day += ONE_DAY
    row = desk.payment(day=last, partner_reference=None)
    story.broken("timing", "amount_day", [row], [desk.line(row, our_reference=None, day=day)])


def _alike(desk: Desk, count: int) -> tuple[list[Row], list[Row]]:
    """Payments alike but for their payers and references, and the lines of the first two."""
    first = desk.payment(partner_reference=None, business_on=desk.main_day)
    rows = [first | {"payer": f"P{place}", "our_reference": desk.reference()} for place in range(count)]
    return rows, [desk.line(row, our_reference=None, payer=row["payer"]) for row in rows[:2]]


def _strangers(desk: Desk, name: str, row: Row, line: Row) -> None:
    story = desk.story(name)
    story.broken("missing_at_partner", "none", [row], [])
    story.broken("missing_in_core", "none", [], [line])


def _equals(desk: Desk, name: str, *, ours: int, theirs: int) -> None:
    story = desk.story(name)
    row = desk.payment(partner_reference=None, payer=None)
    rows = [row, *(row | {"our_reference": desk.reference()} for _ in range(ours - 1))]
    lines = [desk.line(row, our_reference=None) for _ in range(theirs)]
    story.each_broken("ambiguous", "amount_day", rows, lines)
