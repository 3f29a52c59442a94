"""Hand-made days for passes 2 to 8, each with every match and break it must end in."""

from dataclasses import replace
from datetime import date

from tests.truc.reconcile.engine.oracle_examples import (
    FAILED,
    FRI,
    MON,
    NO_DAY,
    REFUND,
    REFUNDED,
    THU,
    TUE,
    Day,
    Line,
    at,
    core_only,
    match,
    pair,
    partner_only,
    row,
)
from truc.reconcile.specs.payments import SPEC

BY_PARTNER: Line = {"rule": "partner_reference"}
BY_NORM: Line = {"rule": "normalised_reference"}
BY_AMOUNT: Line = {"rule": "amount_day"}
SETTLE: Line = {"kind": "settlement"}
OF_SETTLEMENT: Line = {"kind": "settlement", "leg": "settlement", "rule": "settlement"}
TIGHT = replace(SPEC, candidates_max=1)

REFERENCES = {
    "2 our reference is lost, the partner's is not": Day(
        core=[row("R1", "T1")], statement=[row("", "T1")], matches=[match("R1", "T1", 100, 100, **BY_PARTNER)]
    ),
    "2 a core row that says a paired row's partner reference again": Day(
        core=[row("R1", "T1"), row("R2", "T1")],
        statement=[row("R1", "T1")],
        matches=[match("R1", "T1", 100, 100)],
        breaks=[core_only("duplicate_in_core", "R2", "T1", 100, **BY_PARTNER)],
    ),
    "2 a line that says a partner's reference again, which core does not know": Day(
        core=[row("KR81", "")],
        statement=[row("KR81", "K81"), row("R2", "K81", 70)],
        matches=[match("KR81", "K81", 100, 100)],
        breaks=[partner_only("duplicate_at_partner", "R2", "K81", 70, **BY_PARTNER)],
    ),
    "2 a line that says a paired line's partner reference again": Day(
        core=[row("R1", "T1")],
        statement=[row("R1", "T1"), row("R2", "T1", 70)],
        matches=[match("R1", "T1", 100, 100)],
        breaks=[partner_only("duplicate_at_partner", "R2", "T1", 70, **BY_PARTNER)],
    ),
    "2 what names several rows names none": Day(
        core=[row("R1", "T1"), row("R2", "T1"), row("R3", "T1")],
        statement=[row("R1", "T8"), row("R2", "T9")],
        matches=[match("R1", "T8", 100, 100), match("R2", "T9", 100, 100)],
        breaks=[core_only("missing_at_partner", "R3", "T1", 100)],
    ),
    "2 a return says no return again: several may be of one payment": Day(
        core=[row("R1", "T1", 30, **REFUND), row("R2", "T1", 20, **REFUND)],
        statement=[row("R1", "T1", 30, **REFUND), row("R3", "T1", 20, **REFUND)],
        matches=[
            match("R1", "T1", 30, 30, kind="refund"),
            match("R2", "T1", 20, 20, kind="refund", **BY_PARTNER),
        ],
    ),
    "2 what a settlement line's reference names is a batch's, and repeats nothing": Day(
        core=[row("R1", "B1", 100), row("R2", "B1", 50)],
        statement=[row("R1", "B1", 100), row("S1", "B1", 50, **SETTLE)],
        matches=[
            match("R1", "B1", 100, 100),
            match("R2", "B1", 50, 50, rule="batch"),
        ],
    ),
    "2 a settlement line that failed exempts nothing": Day(
        core=[row("R1", "B1", 100), row("R2", "B1", 50)],
        statement=[row("R1", "B1", 100), row("S1", "B1", 50, **SETTLE, **FAILED)],
        matches=[match("R1", "B1", 100, 100)],
        breaks=[core_only("duplicate_in_core", "R2", "B1", 50, **BY_PARTNER)],
    ),
    "2 lines of a batch's reference at the partner do repeat": Day(
        core=[row("R1", "B1", 100)],
        statement=[row("R1", "B1", 100), row("R2", "B1", 50), row("S1", "B1", 150, **SETTLE)],
        matches=[
            match("R1", "B1", 100, 100),
            match("S1", "B1", 150, 150, **OF_SETTLEMENT, core_rows=0, core_money_vnd=0),
        ],
        breaks=[partner_only("duplicate_at_partner", "R2", "B1", 50, **BY_PARTNER)],
    ),
    "2 a failed row says nothing again": Day(
        core=[row("R1", "T1"), row("R2", "T1", **FAILED)],
        statement=[row("R1", "T1")],
        matches=[match("R1", "T1", 100, 100)],
    ),
    "3 case, separators and accents": Day(
        core=[row("PAY-Đất_01", "")],
        statement=[row("pay dat 01", "T1")],
        matches=[match("PAY-Đất_01", "T1", 100, 100, **BY_NORM)],
    ),
    "3 two spellings on one side are ambiguous": Day(
        core=[row("AB-1", ""), row("AB1", ""), row("ab1", "", **FAILED)],
        statement=[row("ab 1", "")],
        breaks=[
            core_only("ambiguous", "AB-1", "", 100, **BY_NORM),
            core_only("ambiguous", "AB1", "", 100, **BY_NORM),
            partner_only("ambiguous", "ab 1", "", 100, **BY_NORM),
        ],
    ),
    "3 two spellings at the partner are as ambiguous": Day(
        core=[row("AB-1", "", business_on=MON)],
        statement=[row("ab 1", "", 70), row("ab/1", "", 80, **REFUNDED)],
        breaks=[
            core_only("ambiguous", "AB-1", "", 100, **BY_NORM, business_on=MON),
            partner_only("ambiguous", "ab 1", "", 70, **BY_NORM),
            partner_only("ambiguous", "ab/1", "", 80, **BY_NORM),
        ],
    ),
    "3 two spellings of one side alone are two payments": Day(
        core=[row("AB-1", ""), row("AB1", "")],
        breaks=[core_only("missing_at_partner", "AB-1", "", 100), core_only("missing_at_partner", "AB1", "", 100)],
    ),
    "3 a prefix is dropped where eight characters remain": Day(
        core=[row("HUB-20260001", "", 100), row("HUB-2026002", "", 200)],
        statement=[row("20260001", "", 90), row("2026002", "", 190)],
        breaks=[
            pair("amount_differs", "HUB-20260001", "", 100, 90, difference=10, **BY_NORM),
            core_only("missing_at_partner", "HUB-2026002", "", 200),
            partner_only("missing_in_core", "2026002", "", 190),
        ],
    ),
    "3 a prefix is not dropped where that makes two of one side": Day(
        core=[row("A12345678", "", 100), row("B12345678", "", 100)],
        statement=[row("12345678", "", 90)],
        breaks=[
            core_only("missing_at_partner", "A12345678", "", 100),
            core_only("missing_at_partner", "B12345678", "", 100),
            partner_only("missing_in_core", "12345678", "", 90),
        ],
    ),
}

AMOUNTS = {
    "4 one payer": Day(
        core=[row("R1", "T1", payer="An")],
        statement=[row("X", "", payer="An", business_on=THU)],
        breaks=[pair("timing", "R1", "T1", 100, 100, difference=0, **BY_AMOUNT)],
    ),
    "4 an empty reference": Day(
        core=[row("", "T1")], statement=[row("X", "")], matches=[match("X", "T1", 100, 100, **BY_AMOUNT)]
    ),
    "4 a reference cut short in core": Day(
        core=[row("778899", "")],
        statement=[row("ORDER-778899", "")],
        matches=[match("778899", "", 100, 100, **BY_AMOUNT)],
    ),
    "4 a part of the reference, and two letters wrong": Day(
        core=[row("ORDER-778899", ""), row("QWERTY", "", 200)],
        statement=[row("778899", ""), row("QVERTX", "", 200)],
        matches=[
            match("ORDER-778899", "", 100, 100, **BY_AMOUNT),
            match("QWERTY", "", 200, 200, **BY_AMOUNT),
        ],
    ),
    "4 five characters, or three letters wrong, say nothing": Day(
        core=[row("ORDER-77889", ""), row("QWERTY", "", 200)],
        statement=[row("77889", ""), row("QVVRTX", "", 200)],
        breaks=[
            core_only("missing_at_partner", "ORDER-77889", "", 100),
            partner_only("missing_in_core", "77889", "", 100),
            core_only("missing_at_partner", "QWERTY", "", 200),
            partner_only("missing_in_core", "QVVRTX", "", 200),
        ],
    ),
    "4 two partner references, or two payers, are two payments": Day(
        core=[row("", "T1"), row("", "", 200, payer="An")],
        statement=[row("", "T2"), row("", "", 200, payer="Bình")],
        breaks=[
            core_only("missing_at_partner", "", "T1", 100),
            partner_only("missing_in_core", "", "T2", 100),
            core_only("missing_at_partner", "", "", 200),
            partner_only("missing_in_core", "", "", 200),
        ],
    ),
    "4 a weekend is no distance, two working days are too far": Day(
        core=[row("", "T1", business_on=FRI), row("", "T2", 200, business_on=FRI)],
        statement=[row("", "", business_on=MON), row("", "", 200, business_on=TUE)],
        breaks=[
            pair("timing", "", "T1", 100, 100, difference=0, **BY_AMOUNT, business_on=FRI),
            core_only("missing_at_partner", "", "T2", 200, business_on=FRI),
            partner_only("missing_in_core", "", "", 200, business_on=TUE),
        ],
    ),
    "4 the days off of Tết are no distance": Day(
        core=[row("", "T1", business_on=date(2026, 2, 13))],
        statement=[row("", "", business_on=date(2026, 2, 23))],
        breaks=[pair("timing", "", "T1", 100, 100, difference=0, **BY_AMOUNT, business_on=date(2026, 2, 13))],
    ),
    "4 two equal candidates are never guessed": Day(
        core=[row("", "")],
        statement=[row("", "T1"), row("", "T2")],
        breaks=[
            core_only("ambiguous", "", "", 100, **BY_AMOUNT),
            partner_only("ambiguous", "", "T1", 100, **BY_AMOUNT),
            partner_only("ambiguous", "", "T2", 100, **BY_AMOUNT),
        ],
    ),
    "4 a candidate's own other candidate makes both ambiguous": Day(
        core=[row("", "T1"), row("", "T2")],
        statement=[row("", "T1", business_on=THU, party="zalo"), row("", "")],
        breaks=[
            core_only("ambiguous", "", "T1", 100, **BY_AMOUNT),
            core_only("ambiguous", "", "T2", 100, **BY_AMOUNT),
            partner_only("ambiguous", "", "", 100, **BY_AMOUNT),
            partner_only("missing_in_core", "", "T1", 100, business_on=THU, party="zalo"),
        ],
    ),
    "4 where more rows than may be compared stand, no pair is made": Day(
        spec=TIGHT,
        core=[row("", "T1", payer="An"), row("", "T2", payer="Bình")],
        statement=[row("", "", payer="An")],
        breaks=[
            core_only("missing_at_partner", "", "T1", 100),
            core_only("missing_at_partner", "", "T2", 100),
            partner_only("missing_in_core", "", "", 100),
        ],
    ),
    "4 as many as may be compared": Day(
        spec=TIGHT,
        core=[row("", "T1", payer="An"), row("", "T2", payer="Bình", business_on=FRI)],
        statement=[row("", "", payer="An")],
        matches=[match("", "T1", 100, 100, **BY_AMOUNT)],
        breaks=[core_only("missing_at_partner", "", "T2", 100, business_on=FRI)],
    ),
    "4 refunds meet refunds": Day(
        core=[row("", "", **REFUND)],
        statement=[row("R1", "", kind="reversal")],
        matches=[match("R1", "", 100, 100, kind="refund", **BY_AMOUNT)],
    ),
    "4 fee lines do not meet by amount": Day(
        core=[row("", "", kind="fee")],
        statement=[row("X", "", kind="fee")],
        breaks=[
            core_only("fee_differs", "", "", 100, kind="fee"),
            partner_only("fee_differs", "X", "", 100, kind="fee"),
        ],
    ),
}

BATCH: Line = {"rule": "batch", "core_rows": 3}
THREE = [
    row("R1", "B1", 100, fee_vnd=2),
    row("R2", "B1", 200, fee_vnd=3),
    row("R3", "B1", 50, **REFUND, business_on=THU),
]
MONEY: Line = {"core_money_vnd": 350}
SETTLEMENTS = {
    "5 a line pays its payments less refunds and fees": Day(
        core=THREE,
        statement=[row("S1", "B1", 245, **SETTLE)],
        matches=[match("R1", "B1", 245, 245, **BATCH, **MONEY)],
    ),
    "5 a line with its fee is compared in gross": Day(
        core=THREE,
        statement=[row("S1", "B1", 241, fee_vnd=9, **SETTLE)],
        matches=[match("R1", "B1", 241, 241, **BATCH, **MONEY)],
    ),
    "5 a line pays less": Day(
        core=THREE,
        statement=[row("S1", "B1", 240, **SETTLE)],
        breaks=[pair("settlement_short", "R1", "B1", 245, 240, difference=5, **BATCH, **MONEY)],
    ),
    "5 a line pays more": Day(
        core=THREE,
        statement=[row("S1", "B1", 242, fee_vnd=9, **SETTLE)],
        breaks=[pair("settlement_over", "R1", "B1", 241, 242, difference=-1, **BATCH, **MONEY)],
    ),
    "5 two lines of one reference pay no batch, but the day": Day(
        core=[row("R1", "B1", 100)],
        statement=[row("S1", "B1", 60, **SETTLE), row("S2", "B1", 40, **SETTLE)],
        matches=[
            match("R1", "B1", 100, 100, leg="settlement", rule="settlement", partner_rows=2),
        ],
    ),
    "6a the day's lines, less returns and fees": Day(
        core=[row("R1", "T1", 100, fee_vnd=2)],
        statement=[
            row("R1", "T1", 100, fee_vnd=2),
            row("F1", "", 8, kind="fee"),
            row("R9", "", 30, **REFUND, fee_vnd=1),
            row("R8", "", 500, **FAILED),
            row("S2", "P2", 9, **SETTLE),
            row("S1", "P1", 50, **SETTLE),
        ],
        matches=[
            match("R1", "T1", 100, 100),
            match("S1", "P1", 59, 59, **OF_SETTLEMENT, core_rows=0, partner_rows=2, core_money_vnd=0),
        ],
        breaks=[
            partner_only("fee_differs", "F1", "", 8, kind="fee"),
            partner_only("refund_unmatched", "R9", "", 30, kind="refund"),
        ],
    ),
    "6a short": Day(
        core=[row()],
        statement=[row(), row("S1", "P1", 99, **SETTLE)],
        matches=[match("R1", "T1", 100, 100)],
        breaks=[
            pair("settlement_short", "S1", "P1", 100, 99, difference=1, **OF_SETTLEMENT, core_rows=0, core_money_vnd=0)
        ],
    ),
    "6b a statement of settlements alone pays core's day": Day(
        core=[row("R1", "", 100, fee_vnd=3), row("R0", "", 20, **REFUND), row("R2", "", 70, business_on=THU)],
        statement=[row("S1", "P1", 80, **SETTLE)],
        breaks=[
            pair(
                "settlement_over",
                "R0",
                "P1",
                77,
                80,
                difference=-3,
                kind="refund",
                leg="settlement",
                rule="settlement",
                core_rows=2,
                core_money_vnd=120,
            ),
            core_only("missing_at_partner", "R2", "", 70, business_on=THU),
        ],
    ),
    "6b a failed line is no line of the day": Day(
        core=[row("R1", "", 80)],
        statement=[row("S1", "P1", 80, **SETTLE), row("R8", "T8", 5, **FAILED)],
        matches=[match("R1", "P1", 80, 80, leg="settlement", rule="settlement")],
    ),
    "6 a line of nothing": Day(
        statement=[row("S1", "P1", 80, **SETTLE)],
        breaks=[pair("settlement_over", "S1", "P1", 0, 80, difference=-80, **OF_SETTLEMENT, core_rows=0)],
    ),
    "a settlement in core alone, and one that meets its line": Day(
        core=[row("S1", "P1", 80, **SETTLE), row("S2", "P2", 90, **SETTLE)],
        statement=[row("S2", "P2", 91, **SETTLE)],
        breaks=[
            core_only("missing_at_partner", "S1", "P1", 80, kind="settlement"),
            pair("amount_differs", "S2", "P2", 90, 91, difference=-1, kind="settlement"),
        ],
    ),
}

OF_RETURN: Line = {"kind": "refund", "leg": "return", "rule": "original", "core_rows": 0}
REST = {
    "7 refunds of a payment that core only calls refunded": Day(
        core=[row(**REFUNDED)],
        statement=[row(), row("R1", "X1", 60, **REFUND), row("X2", "T1", 40, **REFUND)],
        matches=[
            match("R1", "T1", 100, 100),
            match("R1", "X1", 0, 60, **OF_RETURN),
            match("X2", "T1", 0, 40, **OF_RETURN),
        ],
    ),
    "7 refunds of more than the payment": Day(
        core=[row(**REFUNDED)],
        statement=[row(), row("R1", "X1", 60, **REFUND), row("R1", "X2", 41, **REFUND)],
        matches=[match("R1", "T1", 100, 100)],
        breaks=[
            partner_only("refund_unmatched", "R1", "X1", 60, kind="refund"),
            partner_only("refund_unmatched", "R1", "X2", 41, kind="refund"),
        ],
    ),
    "7 a payment that is not refunded, or has its return in core": Day(
        core=[row(), row("R2", "T2", **REFUNDED), row("R2", "T9", 30, **REFUND)],
        statement=[
            row(),
            row("R1", "X1", 60, **REFUND),
            row("R2", "T2"),
            row("R2", "X2", 20, **REFUND),
            row("R2", "X3", 10, **REFUND),
        ],
        matches=[match("R1", "T1", 100, 100), match("R2", "T2", 100, 100)],
        breaks=[
            core_only("refund_unmatched", "R2", "T9", 30, kind="refund"),
            partner_only("refund_unmatched", "R1", "X1", 60, kind="refund"),
            partner_only("refund_unmatched", "R2", "X2", 20, kind="refund"),
            partner_only("refund_unmatched", "R2", "X3", 10, kind="refund"),
        ],
    ),
    "7 a line of two refunded payments is of neither, though one has its return": Day(
        core=[row("R1", "T1", **REFUNDED), row("R2", "T2", **REFUNDED), row("R2", "T9", 30, **REFUND)],
        statement=[row("R1", "T1"), row("R2", "T2"), row("R1", "T2", 20, **REFUND), row("R2", "X", 30, **REFUND)],
        matches=[
            match("R1", "T1", 100, 100),
            match("R2", "T2", 100, 100),
            match("R2", "X", 30, 30, kind="refund"),
        ],
        breaks=[partner_only("refund_unmatched", "R1", "T2", 20, kind="refund")],
    ),
    "7 two refunded payments of one reference": Day(
        core=[row("R1", "T1", **REFUNDED), row("R2", "T1", **REFUNDED)],
        statement=[row("R1", ""), row("R2", ""), row("X", "T1", 9, **REFUND)],
        matches=[match("R1", "T1", 100, 100), match("R2", "T1", 100, 100)],
        breaks=[partner_only("refund_unmatched", "X", "T1", 9, kind="refund")],
    ),
    "8 a line that repeats a paired reference in another spelling": Day(
        core=[row("AB-1", "T1")],
        statement=[row("AB-1", "T1"), row("ab1", "T2", 70)],
        matches=[match("AB-1", "T1", 100, 100)],
        breaks=[partner_only("duplicate_at_partner", "ab1", "T2", 70)],
    ),
    "8 a line that repeats a paired reference of no letter": Day(
        core=[row("R1", "T1")],
        statement=[row("--", "T1"), row("--", "T9", 70)],
        matches=[match("R1", "T1", 100, 100, **BY_PARTNER)],
        breaks=[partner_only("duplicate_at_partner", "--", "T9", 70)],
    ),
    "8 another sign that is no letter repeats nothing": Day(
        core=[row("--", "T1")],
        statement=[row("--", "T1"), row("//", "T9", 70), row("", "T8", 60)],
        matches=[match("--", "T1", 100, 100)],
        breaks=[partner_only("missing_in_core", "//", "T9", 70), partner_only("missing_in_core", "", "T8", 60)],
    ),
    "8 a line that repeats a paired payment's partner reference": Day(
        core=[row("R1", "T1")],
        statement=[row("R1", ""), row("R2", "T1", 70)],
        matches=[match("R1", "T1", 100, 100)],
        breaks=[partner_only("duplicate_at_partner", "R2", "T1", 70)],
    ),
    "8 a core row that repeats a paired reference in another spelling is missing": Day(
        core=[row("AB-1", "T1"), row("ab1", "T2", 70)],
        statement=[row("AB-1", "T1")],
        matches=[match("AB-1", "T1", 100, 100)],
        breaks=[core_only("missing_at_partner", "ab1", "T2", 70)],
    ),
    "8 what failed on one side alone needs no answer": Day(
        core=[row(**FAILED)], statement=[row("R2", "T2", state="pending", **NO_DAY, occurred_at=at(4, 1))]
    ),
    "duplicate and wrong amount together": Day(
        core=[row()],
        statement=[row(amount=90), row(amount=90)],
        breaks=[
            pair("amount_differs", "R1", "T1", 100, 90, difference=10),
            partner_only("duplicate_at_partner", "R1", "T1", 90, rule="exact_reference"),
        ],
    ),
}
