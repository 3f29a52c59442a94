"""Hand-made days of core and statement, each with every match and break it must end in, whole rows."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any

from truc.reconcile.spec import CutOff, Spec
from truc.reconcile.specs.payments import SPEC

WED, THU, FRI, SAT, MON, TUE = (date(2026, 3, day) for day in (4, 5, 6, 7, 9, 10))
Line = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Day:
    """What comes in, and what must come out; of breaks all but the id."""

    core: Iterable[Line] = ()
    statement: Iterable[Line] = ()
    receipts: Iterable[Line] | None = None
    remittance: Iterable[Line] | None = None
    matches: Iterable[Line] = ()
    breaks: Iterable[Line] = ()
    spec: Spec = SPEC


def row(our: str | None = "R1", theirs: str | None = "T1", amount: object = 100, **other: Any) -> Line:
    known: Line = {"party": "momo", "our_reference": our, "partner_reference": theirs, "amount_vnd": amount}
    return {**known, "kind": "payment", "state": "paid", "business_on": WED, **other}


def match(our: str, theirs: str, core_vnd: int, partner_vnd: int, *, difference: int = 0, **other: Any) -> Line:
    return {
        "leg": "statement",
        "rule": "exact_reference",
        "party": "momo",
        "kind": "payment",
        "our_reference": our,
        "partner_reference": theirs,
        "agency": "",
        "core_rows": 1,
        "partner_rows": 1,
        "core_vnd": core_vnd,
        "partner_vnd": partner_vnd,
        "difference_vnd": difference,
        "business_on": WED,
        "core_money_vnd": core_vnd,
        "partner_money_vnd": partner_vnd,
        **other,
    }


def pair(what: str, our: str, theirs: str, core_vnd: int, partner_vnd: int, *, difference: int, **other: Any) -> Line:
    return {"break_class": what, **match(our, theirs, core_vnd, partner_vnd, difference=difference), **other}


def core_only(what: str, our: str, theirs: str, vnd: int, **other: Any) -> Line:
    return pair(what, our, theirs, vnd, 0, difference=vnd, **{"partner_rows": 0, "rule": "none", **other})


def partner_only(what: str, our: str, theirs: str, vnd: int, **other: Any) -> Line:
    return pair(what, our, theirs, 0, vnd, difference=-vnd, **{"core_rows": 0, "rule": "none", **other})


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """An instant of March 2026, UTC."""
    return datetime(2026, 3, day, hour, minute, second, tzinfo=UTC)


MOMO_AT_23 = replace(SPEC, cut_offs=(CutOff(party="momo", at=time(23), from_on=WED),))
NO_DAY: Line = {"business_on": None}
REFUND: Line = {"kind": "refund"}
FAILED: Line = {"state": "failed"}
PENDING: Line = {"state": "pending"}
REFUNDED: Line = {"state": "refunded"}

READING = {
    "an equal pair is a match": Day(core=[row()], statement=[row()], matches=[match("R1", "T1", 100, 100)]),
    "texts stay as they are written; only the normal form passes over how": Day(
        core=[row("Tie\u0302n", ""), row("R2 ", "", 200), row("R3", "T3", 300, party="momo "), row("№R4½ﬁ", "", 400)],
        statement=[row("Ti\u00ean", ""), row("R2", "", 200), row("R3", "T3", 300), row("R4", "", 400)],
        matches=[
            match("№R4½ﬁ", "", 400, 400, rule="normalised_reference"),
            match("Tie\u0302n", "", 100, 100, rule="normalised_reference"),
            match("R2 ", "", 200, 200, rule="normalised_reference"),
        ],
        breaks=[
            core_only("missing_at_partner", "R3", "T3", 300, party="momo "),
            partner_only("missing_in_core", "R3", "T3", 300),
        ],
    ),
    "a space is a reference of its own, which has no normal form": Day(
        core=[row(" ", "", 100), row(" ", "", 200, party="vnpay")],
        statement=[row(" ", "", 100), row("  ", "", 300, party="vnpay")],
        matches=[match(" ", "", 100, 100)],
        breaks=[
            core_only("missing_at_partner", " ", "", 200, party="vnpay"),
            partner_only("missing_in_core", "  ", "", 300, party="vnpay"),
        ],
    ),
    "a missing text is an empty one, and an empty reference meets nothing": Day(
        core=[row("", None, 100)],
        statement=[row(None, "", 200)],
        breaks=[core_only("missing_at_partner", "", "", 100), partner_only("missing_in_core", "", "", 200)],
    ),
    "parties are strangers": Day(
        core=[row("STRANGE")],  # a reference that stands once in all these days
        statement=[row("STRANGE", party="vnpay")],
        breaks=[
            core_only("missing_at_partner", "STRANGE", "T1", 100),
            partner_only("missing_in_core", "STRANGE", "T1", 100, party="vnpay"),
        ],
    ),
    "a refund is no payment": Day(
        core=[row()],
        statement=[row(**REFUND)],
        breaks=[
            core_only("missing_at_partner", "R1", "T1", 100),
            partner_only("refund_unmatched", "R1", "T1", 100, kind="refund"),
        ],
    ),
    "what a reader says of a row makes it unreadable, and saying nothing does not": Day(
        core=[row(unreadable=""), row("R2", unreadable="torn")],
        statement=[row(unreadable="")],
        matches=[match("R1", "T1", 100, 100)],
        breaks=[core_only("unreadable", "R2", "T1", 100)],
    ),
    "what cannot be read is a break each": Day(
        core=[
            row("A", party=""),
            row("B", kind="Payment"),
            row("C", state="PAID"),
            row("D", amount=None),
            row("E", amount=-1),
            row("F", amount="12,5"),
            row("G", fee_vnd=-1),
            row("H", **NO_DAY),
            row("I", amount=2**63),
        ],
        statement=[row("D", amount=1.0), row("H", fee_vnd="x", state="failed")],
        breaks=[
            core_only("unreadable", "A", "T1", 100, party=""),
            core_only("unreadable", "B", "T1", 100, kind="Payment"),
            core_only("unreadable", "C", "T1", 0),
            core_only("unreadable", "D", "T1", 0),
            core_only("unreadable", "E", "T1", 0),
            core_only("unreadable", "F", "T1", 0),
            core_only("unreadable", "G", "T1", 100),
            core_only("unreadable", "H", "T1", 100, business_on=None),
            core_only("unreadable", "I", "T1", 0),
            partner_only("unreadable", "D", "T1", 0),
            partner_only("unreadable", "H", "T1", 0),
        ],
    ),
    "2^53 + 1 is not 2^53": Day(
        core=[row(amount=2**53 + 1)],
        statement=[row(amount=2**53)],
        breaks=[pair("amount_differs", "R1", "T1", 9007199254740993, 9007199254740992, difference=1)],
    ),
    "the day of an instant is Vietnam's": Day(
        core=[row(**NO_DAY, occurred_at=at(4, 16, 59, 59)), row("R2", "T2", **NO_DAY, occurred_at=at(4, 17))],
        statement=[row(), row("R2", "T2", business_on=THU)],
        matches=[match("R1", "T1", 100, 100), match("R2", "T2", 100, 100, business_on=THU)],
    ),
    "from the cut-off on it is the next day's": Day(
        spec=MOMO_AT_23,
        core=[
            row("R1", "T1", **NO_DAY, occurred_at=at(4, 15, 59, 59)),
            row("R2", "T2", **NO_DAY, occurred_at=at(4, 16)),
            row("R3", "T3", **NO_DAY, occurred_at=at(3, 16)),
            row("R4", "T4", **NO_DAY, occurred_at=at(4, 16), party="vnpay"),
        ],
        statement=[
            row("R1", "T1", business_on=WED),
            row("R2", "T2", business_on=THU),
            row("R3", "T3", business_on=date(2026, 3, 3)),
            row("R4", "T4", business_on=WED, party="vnpay"),
        ],
        matches=[
            match("R1", "T1", 100, 100),
            match("R2", "T2", 100, 100, business_on=THU),
            match("R3", "T3", 100, 100, business_on=date(2026, 3, 3)),
            match("R4", "T4", 100, 100, party="vnpay"),
        ],
    ),
    "the day given outranks the instant": Day(
        core=[row(occurred_at=at(9, 1))], statement=[row()], matches=[match("R1", "T1", 100, 100)]
    ),
}

GROUPS = {
    "G1 the equal one of several lines is the pair": Day(
        core=[row()],
        statement=[row("R1", "T2", 60), row("R1", "T1", 100), row("R1", "T3", 40)],
        matches=[match("R1", "T1", 100, 100)],
        breaks=[
            partner_only("duplicate_at_partner", "R1", "T2", 60, rule="exact_reference"),
            partner_only("duplicate_at_partner", "R1", "T3", 40, rule="exact_reference"),
        ],
    ),
    "G1 parts that sum up are a split": Day(
        core=[row("R1", "", 100)],
        statement=[row("R1", "T3", 40), row("R1", "T2", 60)],
        matches=[match("R1", "T2", 100, 100, rule="exact_reference/split", partner_rows=2)],
    ),
    "G1 the equal one and a line of nothing are no split": Day(
        core=[row()],
        statement=[row(), row("R1", "T2", 0)],
        matches=[match("R1", "T1", 100, 100)],
        breaks=[partner_only("duplicate_at_partner", "R1", "T2", 0, rule="exact_reference")],
    ),
    "G1 parts that do not sum up: the nearest amount is the pair": Day(
        core=[row("R1", "", 100)],
        statement=[row("R1", "T2", 40), row("R1", "T3", 61)],
        breaks=[
            pair("amount_differs", "R1", "T3", 100, 61, difference=39),
            partner_only("duplicate_at_partner", "R1", "T2", 40, rule="exact_reference"),
        ],
    ),
    "G1 several payments joined in one line": Day(
        core=[row("R1", "T1", 60, business_on=THU), row("R1", "T0", 40)],
        statement=[row("R1", "T9", 100)],
        matches=[match("R1", "T9", 100, 100, rule="exact_reference/joined", core_rows=2)],
    ),
    "G1 the equal one of several payments is the pair": Day(
        core=[row(amount=100), row("R1", "T2", 50)],
        statement=[row("R1", "T2", 100)],
        matches=[match("R1", "T2", 100, 100)],
        breaks=[core_only("duplicate_in_core", "R1", "T2", 50, rule="exact_reference")],
    ),
    "G1 several of both: one pair, the others are duplicates": Day(
        core=[row(amount=70), row(amount=100)],
        statement=[row(amount=100), row(amount=80)],
        matches=[match("R1", "T1", 100, 100)],
        breaks=[
            core_only("duplicate_in_core", "R1", "T1", 70, rule="exact_reference"),
            partner_only("duplicate_at_partner", "R1", "T1", 80, rule="exact_reference"),
        ],
    ),
    "G2 equal refunds meet, then the one left on each side": Day(
        core=[row("R1", "", 10, **REFUND), row("R1", "", 10, **REFUND), row("R1", "", 30, **REFUND)],
        statement=[row("R1", "", 31, kind="reversal"), row("R1", "", 10, **REFUND), row("R1", "", 10, **REFUND)],
        matches=[match("R1", "", 10, 10, kind="refund"), match("R1", "", 10, 10, kind="refund")],
        breaks=[pair("amount_differs", "R1", "", 30, 31, difference=-1, kind="refund")],
    ),
    "G2 what is left of refunds is unmatched": Day(
        core=[row("R1", "", 10, **REFUND), row("R1", "", 20, **REFUND), row("R1", "", 30, **REFUND)],
        statement=[row("R1", "", 10, **REFUND), row("R1", "", 5, **REFUND, state="failed")],
        matches=[match("R1", "", 10, 10, kind="refund")],
        breaks=[
            core_only("refund_unmatched", "R1", "", 20, kind="refund"),
            core_only("refund_unmatched", "R1", "", 30, kind="refund"),
        ],
    ),
    "G3 paid here, failed there": Day(
        core=[row(), row("R1", "T1", 90)],
        statement=[row(**FAILED), row("R1", "T2", 100, **FAILED)],
        breaks=[
            pair("state_differs", "R1", "T1", 100, 0, difference=100),
            core_only("duplicate_in_core", "R1", "T1", 90, rule="exact_reference"),
        ],
    ),
    "G4 failed here, paid there": Day(
        core=[row(**PENDING)],
        statement=[row(), row(amount=90)],
        breaks=[
            pair("state_differs", "R1", "T1", 0, 100, difference=-100),
            partner_only("duplicate_at_partner", "R1", "T1", 90, rule="exact_reference"),
        ],
    ),
    "G5 two of one state that moved nothing need no answer": Day(
        core=[row(**FAILED)], statement=[row(amount=5, **FAILED)]
    ),
    "G5 failed and pending differ": Day(
        core=[row(**FAILED)], statement=[row(**PENDING)], breaks=[pair("state_differs", "R1", "T1", 0, 0, difference=0)]
    ),
    "G6 a failed attempt beside the pair needs no answer": Day(
        core=[row(), row(**FAILED)], statement=[row(), row(**PENDING)], matches=[match("R1", "T1", 100, 100)]
    ),
    "G7 one side alone stays for the next pass": Day(
        core=[row("R1", "T1"), row("R1", "T1", **FAILED)],
        statement=[row("X9", "T1")],
        matches=[match("R1", "T1", 100, 100, rule="partner_reference")],
    ),
    "G1 three of both, all alike: one pair, the others are duplicates": Day(
        core=[row(), row(), row()],
        statement=[row(), row(), row()],
        matches=[match("R1", "T1", 100, 100)],
        breaks=[
            *[core_only("duplicate_in_core", "R1", "T1", 100, rule="exact_reference")] * 2,
            *[partner_only("duplicate_at_partner", "R1", "T1", 100, rule="exact_reference")] * 2,
        ],
    ),
    "G1 the first look has no room for its fee": Day(
        core=[row(fee_vnd=2**62)], statement=[row(fee_vnd=2**62)], matches=[match("R1", "T1", 100, 100)]
    ),
    "G1 a reference that is another party's name": Day(
        core=[row("vnpay")],
        statement=[row("momo", party="vnpay")],
        breaks=[
            core_only("missing_at_partner", "vnpay", "T1", 100),
            partner_only("missing_in_core", "momo", "T1", 100, party="vnpay"),
        ],
    ),
    "best: equal state before equal amount, where nothing moved": Day(
        core=[row(**FAILED)], statement=[row(**PENDING), row(amount=5, **FAILED)]
    ),
    "best: equal fee before equal partner reference": Day(
        core=[row(fee_vnd=3)],
        statement=[row("R1", "T1"), row("R1", "T2", fee_vnd=3)],
        matches=[match("R1", "T2", 100, 100)],
        breaks=[partner_only("duplicate_at_partner", "R1", "T1", 100, rule="exact_reference")],
    ),
    "best: equal partner reference before the near day": Day(
        core=[row()],
        statement=[row("R1", "T2"), row("R1", "T1", business_on=THU)],
        breaks=[
            pair("timing", "R1", "T1", 100, 100, difference=0),
            partner_only("duplicate_at_partner", "R1", "T2", 100, rule="exact_reference"),
        ],
    ),
    "best: two empty partner references are not equal ones; the near day decides": Day(
        core=[row("R1", "")],
        statement=[row("R1", "", business_on=FRI), row("R1", "T1", business_on=THU)],
        breaks=[
            pair("timing", "R1", "T1", 100, 100, difference=0),
            partner_only("duplicate_at_partner", "R1", "", 100, rule="exact_reference", business_on=FRI),
        ],
    ),
    "best: then the order of rows": Day(
        core=[row("R1", "")],
        statement=[row("R1", "T2"), row("R1", "T1")],
        matches=[match("R1", "T1", 100, 100)],
        breaks=[partner_only("duplicate_at_partner", "R1", "T2", 100, rule="exact_reference")],
    ),
}

NAMED_AGAIN = {
    # References that no other day here has: what one day looks for, another must not find near.
    "none: a second line of a paired reference, in another case": Day(
        core=[row("ab12345678xyz", "K82")],
        statement=[row("ab12345678xyz", "K82"), row("AB12345678XYZ", "T2", 70)],
        matches=[match("ab12345678xyz", "K82", 100, 100)],
        breaks=[partner_only("duplicate_at_partner", "AB12345678XYZ", "T2", 70)],
    ),
    "none: a second line of a paired reference, without its signs": Day(
        core=[row("AB/2026-11/7", "K83")],
        statement=[row("AB/2026-11/7", "K83"), row("AB2026117", "T2", 70)],
        matches=[match("AB/2026-11/7", "K83", 100, 100)],
        breaks=[partner_only("duplicate_at_partner", "AB2026117", "T2", 70)],
    ),
}

TOLERANT = replace(SPEC, tolerance_vnd=5, tolerated_vnd_max=8)
PAIRS = {
    "refunded there and paid here, and no return says why": Day(
        core=[row()], statement=[row(**REFUNDED)], breaks=[pair("state_differs", "R1", "T1", 100, 100, difference=0)]
    ),
    "refunded there, and a return of our reference says why": Day(
        core=[row()],
        statement=[row(**REFUNDED), row("R1", "T9", 30, **REFUND)],
        matches=[match("R1", "T1", 100, 100)],
        breaks=[partner_only("refund_unmatched", "R1", "T9", 30, kind="refund")],
    ),
    "refunded there, and a return of core by partner reference says why": Day(
        core=[row(), row("R9", "T1", 30, **REFUND)],
        statement=[row(**REFUNDED)],
        matches=[match("R1", "T1", 100, 100)],
        breaks=[core_only("refund_unmatched", "R9", "T1", 30, kind="refund")],
    ),
    "a failed return, or another party's, says nothing": Day(
        core=[row(), row("R1", "T1", 30, kind="reversal", party="vnpay")],
        statement=[row(**REFUNDED), row("R1", "T1", 100, **REFUND, **FAILED)],
        breaks=[
            pair("state_differs", "R1", "T1", 100, 100, difference=0),
            core_only("refund_unmatched", "R1", "T1", 30, kind="reversal", party="vnpay"),
        ],
    ),
    "a fee may be paid here and refunded there": Day(
        core=[row(kind="fee")],
        statement=[row(kind="fee", **REFUNDED)],
        matches=[match("R1", "T1", 100, 100, kind="fee")],
    ),
    "state is judged before amount": Day(
        core=[row(amount=100)],
        statement=[row(amount=90, **FAILED)],
        breaks=[pair("state_differs", "R1", "T1", 100, 0, difference=100)],
    ),
    "amount is judged before fee and day": Day(
        core=[row(amount=100)],
        statement=[row(amount=90, fee_vnd=1, business_on=THU)],
        breaks=[pair("amount_differs", "R1", "T1", 100, 90, difference=10)],
    ),
    "fee is judged before day, and is the difference": Day(
        core=[row(fee_vnd=2)],
        statement=[row(fee_vnd=7, business_on=THU)],
        breaks=[pair("fee_differs", "R1", "T1", 100, 100, difference=-5)],
    ),
    "a fee line has no fee of its own": Day(
        core=[row(kind="fee", fee_vnd=2)],
        statement=[row(kind="fee")],
        matches=[match("R1", "T1", 100, 100, kind="fee")],
    ),
    "another day is timing, of the core's day": Day(
        core=[row(business_on=THU)],
        statement=[row(business_on=WED)],
        breaks=[pair("timing", "R1", "T1", 100, 100, difference=0, business_on=THU)],
    ),
    "within the tolerance and the cap": Day(
        spec=TOLERANT,
        core=[row(amount=105), row("R2", "T2", 100), row("R3", "T3", 100, business_on=THU)],
        statement=[row(amount=100), row("R2", "T2", 103), row("R3", "T3", 95, business_on=FRI)],
        matches=[match("R1", "T1", 105, 100, difference=5), match("R2", "T2", 100, 103, difference=-3)],
        breaks=[pair("timing", "R3", "T3", 100, 95, difference=5, business_on=THU)],
    ),
    "above the cap none of that party's day is tolerated": Day(
        spec=TOLERANT,
        core=[row(amount=105), row("R2", "T2", 100), row("R3", "T3", 100, business_on=THU), row("R4", "T4")],
        statement=[row(amount=100), row("R2", "T2", 104), row("R3", "T3", 95, business_on=THU), row("R4", "T4")],
        matches=[match("R3", "T3", 100, 95, difference=5, business_on=THU), match("R4", "T4", 100, 100)],
        breaks=[
            pair("amount_differs", "R1", "T1", 105, 100, difference=5),
            pair("amount_differs", "R2", "T2", 100, 104, difference=-4),
        ],
    ),
    "what is tolerated of timing counts for the cap, on core's day": Day(
        spec=TOLERANT,
        core=[row(amount=105), row("R2", "T2", 100)],
        statement=[row(amount=100, business_on=THU), row("R2", "T2", 104, business_on=FRI)],
        breaks=[
            pair("amount_differs", "R1", "T1", 105, 100, difference=5),
            pair("amount_differs", "R2", "T2", 100, 104, difference=-4),
        ],
    ),
    "beyond the tolerance, and a fee within it": Day(
        spec=TOLERANT,
        core=[row(amount=106), row("R2", "T2", 100, fee_vnd=1)],
        statement=[row(amount=100), row("R2", "T2", 101)],
        breaks=[
            pair("amount_differs", "R1", "T1", 106, 100, difference=6),
            pair("fee_differs", "R2", "T2", 100, 101, difference=1),
        ],
    ),
}
