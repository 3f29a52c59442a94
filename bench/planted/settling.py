"""What partners pay out: batches that name their payments, and one sum per party-day net of fees."""

from collections import defaultdict
from datetime import date

from bench.planted.drawing import Desk
from bench.planted.rows import Row, counted, day_of, family, fee, money
from bench.planted.story import Leg, Placed

BATCH_LEG: Leg = "statement"


def batch_paid(desk: Desk) -> None:
    """Payments, at times a refund among them, that one settlement line pays net of their fees."""
    _batch(desk, "batch_paid", off_vnd=0)


def batch_short(desk: Desk) -> None:
    """A batch paid with too little."""
    _batch(desk, "batch_short", off_vnd=-desk.random.choice((1, 1_000)))


def batch_over(desk: Desk) -> None:
    """A batch paid with too much."""
    _batch(desk, "batch_over", off_vnd=desk.random.choice((1, 1_000)))


def batch_and_missing(desk: Desk) -> None:
    """A batch one of whose payments the line does not pay, beside a payment that no batch names."""
    rows = _batch(desk, "batch_and_missing", off_vnd=0, unpaid=1)
    beside = desk.payment(party=rows[0]["party"], partner_reference=None)
    desk.stories[-1].broken("missing_at_partner", "none", [beside], [])


def _batch(desk: Desk, name: str, *, off_vnd: int, unpaid: int = 0) -> list[Row]:
    story = desk.story(name)
    party = desk.party()
    number = desk.partner_reference(party)
    rows = [desk.payment(party=party, partner_reference=number) for _ in range(desk.random.randrange(2, 6))]
    rows.sort(key=money)  # what is given back, or not paid, is of the smallest, so that a sum remains
    if desk.random.random() < 0.4:
        rows.append(desk.refund(party=party, partner_reference=number, amount_vnd=rows[0]["amount_vnd"] // 2))
    gross, fees = _gross(rows), sum(map(fee, rows))
    paid_vnd = gross - fees + off_vnd - sum(money(row) - fee(row) for row in rows[:unpaid])
    line = desk.settlement(party, desk.main_day, paid_vnd, partner_reference=number)
    net = gross - fees
    if fees and desk.random.random() < 0.3:  # the line says its own fee, which need not be the sum of ours
        line["fee_vnd"] = fees + desk.random.choice((0, 70))
        line["amount_vnd"] = paid_vnd + fees - line["fee_vnd"]
        net = gross - line["fee_vnd"]
    if line["amount_vnd"] == net:
        story.match("batch", rows, [line], leg=BATCH_LEG, core_vnd=net)
    else:
        kind = "settlement_short" if line["amount_vnd"] < net else "settlement_over"
        story.broken(kind, "batch", rows, [line], leg=BATCH_LEG, core_vnd=net)
    return rows


def settled_by_ledger(desk: Desk) -> None:
    """A partner that lists no payments, only the sum of a day: it is compared with our own left payments."""
    story = desk.story("settled_by_ledger")
    party = desk.party()
    day = desk.own_day(party)
    rows = [desk.payment(party=party, day=day) for _ in range(3)]
    if desk.random.random() < 0.5:
        half = rows[0]["amount_vnd"] // 2
        rows.append(desk.refund(party=party, day=day, amount_vnd=half, agency=rows[0]["agency"]))
    net = _gross(rows) - sum(map(fee, rows))
    off = desk.random.choice((0, 0, -1, 1, 5_000))
    lines = _lines(desk, party, day, net + off)
    if off:
        kind = "settlement_short" if off < 0 else "settlement_over"
        return story.broken(kind, "settlement", rows, lines, leg="settlement", core_vnd=net)
    return story.match("settlement", rows, lines, leg="settlement", core_vnd=net)


def settled_for_nothing(desk: Desk) -> None:
    """A sum paid for a day on which nobody knows of any payment."""
    story = desk.story("settled_for_nothing")
    party = desk.party()
    line = desk.settlement(party, desk.own_day(party), desk.amount())
    story.broken("settlement_over", "settlement", [], [line], leg="settlement", core_vnd=0)


def batch_number_twice(desk: Desk) -> None:
    """Two lines under one batch number name none: the day's sum is compared instead."""
    story = desk.story("batch_number_twice")
    party = desk.party()
    day = desk.own_day(party)
    number = desk.partner_reference(party)
    rows = [desk.payment(party=party, day=day, partner_reference=number, fee_vnd=0) for _ in range(2)]
    lines = [desk.settlement(party, day, row["amount_vnd"], partner_reference=number) for row in rows]
    story.match("settlement", rows, lines, leg="settlement", core_vnd=_gross(rows))


def settlement_known(desk: Desk) -> None:
    """A settlement that our ledger holds too, and one that only our ledger holds."""
    story = desk.story("settlement_known")
    party = desk.party()
    row = desk.payment(party=party, day=desk.own_day(party), kind="settlement", fee_vnd=None)
    alone = desk.payment(party=party, kind="settlement", fee_vnd=None)
    story.match("exact_reference", [row], [desk.line(row)])
    story.broken("missing_at_partner", "none", [alone], [])


def settle(desk: Desk, *, short: int, over: int) -> None:
    """Add the lines that pay each party-day's own listed lines; `short` and `over` of those days are paid wrongly."""
    nets = _nets(desk)
    story = desk.story("settlement")
    wrong = [-1] * short + [1] * over
    for number, ((party, day), net) in enumerate(nets):
        sign = wrong[number] if number < len(wrong) else 0
        if not sign and desk.random.random() < 0.15:
            continue  # not paid out yet: no line, nothing to compare
        off = sign * desk.random.choice((1, min(net - 1, 1_000)))
        lines = _lines(desk, party, day, net + off)
        kind = {-1: "settlement_short", 0: "", 1: "settlement_over"}[sign]
        story.statement += lines
        story.placed.append(
            Placed(leg="settlement", rule="settlement", broken=kind, partner=tuple(lines), core_vnd=net)
        )


def _nets(desk: Desk) -> list[tuple[tuple[str, date], int]]:
    """Party-days with money of their own at the partner and what each must be paid, in an order the seed draws."""
    sums: dict[tuple[str, date], int] = defaultdict(int)
    unreadable = {
        id(row) for story in desk.stories for one in story.placed if one.broken == "unreadable" for row in one.partner
    }
    for story in desk.stories:
        for row in story.statement:
            day = day_of(row, desk.settings) if id(row) not in unreadable else None
            if day and counted(row) and row["kind"] != "settlement" and (row["party"], day) not in desk.own_days:
                sums[row["party"], day] += _own_net(row)
    nets = sorted((key, net) for key, net in sums.items() if net > 1)
    desk.random.shuffle(nets)
    return nets


def _own_net(row: Row) -> int:
    sign = {"payment": 1, "return": -1, "fee": -1}[family(row)]
    return sign * money(row) - (fee(row) if family(row) != "fee" else 0)


def _gross(rows: list[Row]) -> int:
    return sum(money(row) if family(row) == "payment" else -money(row) for row in rows)


def _lines(desk: Desk, party: str, day: date, amount_vnd: int) -> list[Row]:
    """One line for the day, or one for the morning and one for the afternoon."""
    if amount_vnd < 10 or desk.random.random() < 0.6:
        return [desk.settlement(party, day, amount_vnd)]
    morning = desk.random.randrange(1, amount_vnd)
    return [desk.settlement(party, day, part) for part in (morning, amount_vnd - morning)]
