"""The receipts and the remittance of a day: what is right for every payment, and what can be wrong with them."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date

from bench.planted.drawing import Desk
from bench.planted.rows import ONE_DAY, Row, clean, counted, day_of, family, money, working_day_after
from bench.planted.story import Leg, Placed, Story

AgencyDay = tuple[str, date, str]


def receipt_missing(desk: Desk) -> None:
    """A payment without its receipt."""
    story, row = _paid(desk, "receipt_missing")
    story.broken("receipt_missing", "none", [row], [], leg="receipts")


def receipt_amount_differs(desk: Desk) -> None:
    """A receipt of another amount than the payment's."""
    story, row = _paid(desk, "receipt_amount_differs")
    slip = desk.receipt(row, amount_vnd=row["amount_vnd"] + desk.random.choice((-1, 1, 10_000)))
    story.broken("receipt_amount_differs", "exact_reference", [row], [slip], leg="receipts")


def receipt_without_payment(desk: Desk) -> None:
    """A receipt of a payment that failed, or that nobody knows."""
    story = desk.story("receipt_without_payment")
    row = desk.payment(state="failed")
    if desk.random.random() < 0.5:
        story.quiet([row], [])
    story.broken("receipt_without_payment", "none", [], [desk.receipt(row)], leg="receipts")


def receipt_twice(desk: Desk) -> None:
    """Two receipts of one payment: the one of its amount is its own."""
    story, row = _paid(desk, "receipt_twice")
    story.match("exact_reference", [row], [desk.receipt(row)], leg="receipts")
    other = desk.receipt(row, amount_vnd=row["amount_vnd"] - desk.random.choice((0, 500)))
    story.broken("receipt_without_payment", "exact_reference", [], [other], leg="receipts")


def receipt_by_number(desk: Desk) -> None:
    """A receipt that names the partner's transaction alone."""
    story, row = _paid(desk, "receipt_by_number")
    changes = {"our_reference": None, "partner_reference": row["partner_reference"]}
    if desk.random.random() < 0.5:
        return story.match("partner_reference", [row], [desk.receipt(row, **changes)], leg="receipts")
    slip = desk.receipt(row, **changes, amount_vnd=row["amount_vnd"] + 1)
    return story.broken("receipt_amount_differs", "partner_reference", [row], [slip], leg="receipts")


def receipt_of_other_party(desk: Desk) -> None:
    """A receipt with the right reference under the wrong party."""
    story, row = _paid(desk, "receipt_of_other_party")
    story.broken("receipt_missing", "none", [row], [], leg="receipts")
    slip = desk.receipt(row, party=desk.other_party(row["party"]))
    story.broken("receipt_without_payment", "none", [], [slip], leg="receipts")


def receipt_unreadable(desk: Desk) -> None:
    """A receipt that cannot be read."""
    story, row = _paid(desk, "receipt_unreadable")
    spoiling = desk.random.choice(({"party": None}, {"amount_vnd": None}, {"kind": "biên lai"}))
    story.broken("receipt_missing", "none", [row], [], leg="receipts")
    story.broken("unreadable", "none", [], [desk.receipt(row) | spoiling], leg="receipts")


def remitted_short(desk: Desk) -> None:
    """Less remitted than paid, in one transfer or two."""
    _remitted_wrongly(desk, "remittance_short", off_vnd=-1)


def remitted_over(desk: Desk) -> None:
    """More remitted than paid."""
    _remitted_wrongly(desk, "remittance_over", off_vnd=1)


def remitted_late(desk: Desk) -> None:
    """All of it remitted, the last part of it too late."""
    story, row = _paid_by_reference(desk, "remittance_late")
    day = working_day_after(desk.main_day, 2)
    parts = _parts(desk, row, row["amount_vnd"], day)
    parts[0]["business_on"] = desk.main_day if len(parts) > 1 else parts[0]["business_on"]
    story.broken("remittance_late", "exact_reference", [row], parts, leg="remittance", difference_vnd=0)


def not_remitted(desk: Desk) -> None:
    """A payment that the treasury never got, beside a transfer that was turned back."""
    story, row = _paid_by_reference(desk, "not_remitted")
    story.broken("remittance_short", "none", [row], [], leg="remittance")
    if desk.random.random() < 0.5:
        story.quiet([], [desk.remitted(row, desk.main_day, state="failed")], leg="remittance")


def remitted_for_nothing(desk: Desk) -> None:
    """A transfer for a payment that failed, or that nobody knows, or that names none."""
    story = desk.story("remitted_for_nothing")
    row = desk.payment(party=_party_by(desk, "reference"), state="failed")
    form = desk.random.choice(("failed", "unknown", "nameless"))
    if form == "failed":
        story.quiet([row], [])
    line = desk.remitted(row, desk.main_day, agency=None, **({"our_reference": None} if form == "nameless" else {}))
    story.broken("remittance_over", "none", [], [line], leg="remittance")


def remittance_unreadable(desk: Desk) -> None:
    """A remittance that cannot be read."""
    story = desk.story("remittance_unreadable")
    line = desk.remitted(desk.payment(), desk.main_day)
    spoiling = desk.random.choice(({"amount_vnd": -5}, {"amount_vnd": None}, {"state": "xong"}))
    story.broken("unreadable", "none", [], [line | spoiling], leg="remittance")


def issue(desk: Desk) -> None:
    """Add the receipt of every payment of which no story has spoken; a payment given back may have one."""
    story = desk.story("receipts")
    for row in _answerable(desk, "receipts"):
        reference, number = clean(row["our_reference"]), clean(row["partner_reference"])
        if row["state"] == "refunded" and desk.random.random() < 0.5:
            story.silent.append(("receipts", row))
        elif reference or number:
            rule = "exact_reference" if reference else "partner_reference"
            slip = desk.receipt(row, partner_reference=None if reference else number)
            _keep(story, "receipts", Placed(leg="receipts", rule=rule, core=(row,), partner=(slip,)))
        else:
            _keep(story, "receipts", Placed(leg="receipts", rule="none", broken="receipt_missing", core=(row,)))


def remit(desk: Desk, wrong: list[str]) -> None:
    """Add the remittance of every payment no story has spoken of; `wrong` are the classes of spoilt agency days."""
    story = desk.story("remittance")
    rows = _answerable(desk, "remittance")
    for row in rows:
        if desk.remitted_by[row["party"]] == "reference":
            _remit_one(desk, story, row)
    by_agency = [row for row in rows if desk.remitted_by[row["party"]] == "agency_day"]
    _remit_agencies(desk, story, by_agency + _returns(desk), wrong)


def _remit_one(desk: Desk, story: Story, row: Row) -> None:
    if row["state"] == "refunded" and desk.random.random() < 0.5:
        story.silent.append(("remittance", row))
    elif not clean(row["our_reference"]):
        _keep(story, "remittance", Placed(leg="remittance", rule="none", broken="remittance_short", core=(row,)))
    else:
        day = day_of(row, desk.settings)
        assert day is not None
        parts = _parts(desk, row, row["amount_vnd"], working_day_after(day, desk.random.choice((0, 1))))
        _keep(story, "remittance", Placed(leg="remittance", rule="exact_reference", core=(row,), partner=tuple(parts)))


def _remit_agencies(desk: Desk, story: Story, rows: list[Row], wrong: list[str]) -> None:
    groups: dict[AgencyDay, list[Row]] = defaultdict(list)
    for row in rows:
        day = day_of(row, desk.settings)
        assert day is not None
        groups[row["party"], day, clean(row["agency"])].append(row)
    order = sorted(groups)
    desk.random.shuffle(order)
    for number, key in enumerate(order):
        _remit_agency(desk, story, key, groups[key], wrong[number] if number < len(wrong) else "")


def _remit_agency(desk: Desk, story: Story, key: AgencyDay, rows: list[Row], wrong: str) -> None:
    """The transfer for one agency's day. A day on which more was given back than paid is made good by one payment."""
    party, day, agency = key
    owed = sum(money(row) if family(row) == "payment" else -money(row) for row in rows)
    if owed <= 1:
        row = desk.payment(party=party, day=day, agency=agency or None, amount_vnd=desk.amount() + 2 - owed)
        desk.story("made_good").match("exact_reference", [row], [desk.line(row)])
        rows, owed = [*rows, row], owed + row["amount_vnd"]
    off = {"remittance_short": desk.random.choice((-1, -owed)), "remittance_over": 1}.get(wrong, 0)
    paid_on = working_day_after(day, 2 if wrong == "remittance_late" else 1)
    lines = [] if owed + off == 0 else _agency_lines(desk, key, owed + off, paid_on)
    _keep(
        story,
        "remittance",
        Placed(
            leg="remittance",
            rule="agency_day",
            broken=wrong,
            core=tuple(rows),
            partner=tuple(lines),
            core_vnd=owed,
            agency=agency,
        ),
    )


def _agency_lines(desk: Desk, key: AgencyDay, amount_vnd: int, paid_on: date) -> list[Row]:
    party, day, agency = key
    named = agency if desk.has_agencies[party] else desk.random.choice((None, "G01.32.08"))
    blank = {"our_reference": None, "party": party, "amount_vnd": amount_vnd, "agency": named}
    line = desk.remitted(
        blank, day, occurred_at=desk.office_hour(paid_on), partner_reference=desk.partner_reference(party)
    )
    if amount_vnd < 10 or desk.random.random() < 0.7:
        return [line]
    first = amount_vnd // 2
    return [line | {"amount_vnd": first}, line | {"amount_vnd": amount_vnd - first}]


def _keep(story: Story, leg: Leg, placed: Placed) -> None:
    story.placed.append(placed)
    (story.receipts if leg == "receipts" else story.remittance).extend(placed.partner)


def _answerable(desk: Desk, leg: Leg) -> list[Row]:
    """Core payments with money that are no duplicates and can be read, and of which no story speaks in this leg."""
    settled: set[int] = set()
    for story in desk.stories:
        for one in story.placed:
            if one.broken in ("duplicate_in_core", "unreadable") or one.leg == leg:
                settled |= {id(row) for row in one.core}
    rows = [row for story in desk.stories for row in story.core]
    return [row for row in rows if id(row) not in settled and counted(row) and family(row) == "payment"]


def _returns(desk: Desk) -> list[Row]:
    """What our ledger gave back at the parties that remit by agency and day."""
    broken = {
        id(row) for story in desk.stories for one in story.placed if one.broken == "unreadable" for row in one.core
    }
    rows = [row for story in desk.stories for row in story.core if id(row) not in broken and counted(row)]
    return [row for row in rows if family(row) == "return" and desk.remitted_by[row["party"]] == "agency_day"]


def _paid(desk: Desk, name: str) -> tuple[Story, Row]:
    story = desk.story(name)
    row = desk.payment()
    story.match("exact_reference", [row], [desk.line(row)])
    return story, row


def _party_by(desk: Desk, way: str) -> str:
    return desk.random.choice([party for party in desk.parties if desk.remitted_by[party] == way])


def _paid_by_reference(desk: Desk, name: str) -> tuple[Story, Row]:
    story = desk.story(name)
    row = desk.payment(party=_party_by(desk, "reference"))
    story.match("exact_reference", [row], [desk.line(row)])
    return story, row


def _remitted_wrongly(desk: Desk, kind: str, *, off_vnd: int) -> None:
    story, row = _paid_by_reference(desk, kind)
    late = desk.random.random() < 0.3  # the amount is what is said, however late
    day = working_day_after(desk.main_day, 3 if late else 1)
    parts = _parts(desk, row, row["amount_vnd"] + off_vnd * desk.random.choice((1, 2_000)), day)
    story.broken(kind, "exact_reference", [row], parts, leg="remittance")


def _parts(desk: Desk, row: Row, amount_vnd: int, day: date) -> list[Row]:
    """The transfer of one payment, whole or in two; the last on that day."""
    if desk.random.random() < 0.75:
        return [desk.remitted(row, day, amount_vnd=amount_vnd)]
    first = amount_vnd // 4
    return [
        desk.remitted(row, min(day, desk.main_day + ONE_DAY), amount_vnd=first),
        desk.remitted(row, day, amount_vnd=amount_vnd - first),
    ]


Making = Callable[[Desk], None]
RECEIPTS: tuple[Making, ...] = (
    receipt_missing,
    receipt_amount_differs,
    receipt_without_payment,
    receipt_twice,
    receipt_by_number,
    receipt_of_other_party,
    receipt_unreadable,
)
BY_REFERENCE: tuple[Making, ...] = (remitted_short, remitted_over, remitted_late, not_remitted, remitted_for_nothing)
BY_AGENCY = ("remittance_short", "remittance_over", "remittance_late")
