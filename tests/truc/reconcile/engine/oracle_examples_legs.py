"""Hand-made days of receipts and of remittance, each with every match and break of these legs."""

from dataclasses import replace

from tests.truc.reconcile.engine.oracle_examples import (
    FAILED,
    FRI,
    MON,
    NO_DAY,
    REFUND,
    REFUNDED,
    THU,
    TUE,
    WED,
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

ISSUED: Line = {"leg": "receipts"}
BY_PARTNER: Line = {"rule": "partner_reference"}
BY_REFERENCE: Line = {"rule": "exact_reference"}
REMITTED: Line = {"leg": "remittance"}
SETTLED: Line = {"leg": "remittance", "kind": "settlement"}
BY_AGENCY: Line = {"leg": "remittance", "rule": "agency_day"}
LATER: Line = {"leg": "remittance", "rule": "agency_day/later"}


def receipt(our: str = "R1", theirs: str = "", amount: object = 100, **other: object) -> Line:
    """A receipt has neither kind nor state."""
    named = {"party": "momo", "our_reference": our, "partner_reference": theirs, "amount_vnd": amount}
    return {**named, "business_on": WED, "receipt_number": f"BL-{our}", **other}


def remittance(our: str = "R1", amount: int = 100, **other: object) -> Line:
    """A remittance with neither kind nor state."""
    return {"party": "momo", "our_reference": our, "amount_vnd": amount, "business_on": THU, **other}


def agreed_day(
    *core: Line,
    receipts: list[Line] | None = None,
    remittance: list[Line] | None = None,
    matches: tuple[Line, ...] = (),
    breaks: tuple[Line, ...] = (),
) -> Day:
    """A day whose statement says the same as core, line by line; only what its other legs must say is written out."""
    in_statement = [
        match(one["our_reference"], one["partner_reference"], one["amount_vnd"], one["amount_vnd"])
        | {name: one.get(name, "") for name in ("party", "kind", "agency", "business_on")}
        for one in core
    ]
    return Day(
        core=core,
        statement=[{**one, "agency": ""} for one in core],
        receipts=receipts,
        remittance=remittance,
        matches=[*in_statement, *matches],
        breaks=breaks,
    )


RECEIPTS = {
    "a receipt by our reference, of whatever day, kind and state": agreed_day(
        row(),
        receipts=[receipt(business_on=FRI, state="failed", kind="fee")],
        matches=(match("R1", "T1", 100, 100, **ISSUED),),
    ),
    "a receipt by partner reference": agreed_day(
        row(), receipts=[receipt("", "T1")], matches=(match("R1", "T1", 100, 100, **ISSUED, **BY_PARTNER),)
    ),
    "no receipt": agreed_day(row(), receipts=[], breaks=(core_only("receipt_missing", "R1", "T1", 100, **ISSUED),)),
    "a receipt of another amount": agreed_day(
        row(),
        receipts=[receipt(amount=90)],
        breaks=(pair("receipt_amount_differs", "R1", "T1", 100, 90, difference=10, **ISSUED),),
    ),
    "two receipts: the equal one is its own": agreed_day(
        row(),
        receipts=[receipt("R1", "A", 90), receipt("R1", "B", 100)],
        matches=(match("R1", "B", 100, 100, **ISSUED),),
        breaks=(partner_only("receipt_without_payment", "R1", "A", 90, **ISSUED, **BY_REFERENCE),),
    ),
    "two receipts, neither equal: the first in order is its own": agreed_day(
        row(),
        receipts=[receipt("R1", "B", 80), receipt("R1", "A", 90)],
        breaks=(
            pair("receipt_amount_differs", "R1", "A", 100, 90, difference=10, **ISSUED),
            partner_only("receipt_without_payment", "R1", "B", 80, **ISSUED, **BY_REFERENCE),
        ),
    ),
    "a receipt of nothing, of another party, of a failed payment": Day(
        core=[row("R1", "T1", **FAILED)],
        statement=[row("R1", "T1", **FAILED)],
        receipts=[receipt("R1"), receipt("R7", "T7"), receipt("R1", party="vnpay")],
        breaks=[
            partner_only("receipt_without_payment", "R1", "", 100, **ISSUED),
            partner_only("receipt_without_payment", "R7", "T7", 100, **ISSUED),
            partner_only("receipt_without_payment", "R1", "", 100, **ISSUED, party="vnpay"),
        ],
    ),
    "another party's receipt": agreed_day(
        row(),
        receipts=[receipt(party="vnpay")],
        breaks=(
            core_only("receipt_missing", "R1", "T1", 100, **ISSUED),
            partner_only("receipt_without_payment", "R1", "", 100, **ISSUED, party="vnpay"),
        ),
    ),
    "a refunded payment may have one, or none": agreed_day(
        row("R1", "T1", **REFUNDED),
        row("R2", "T2", **REFUNDED),
        row("R3", "T3", **REFUNDED),
        receipts=[receipt("R1"), receipt("R3", "", 90)],
        matches=(match("R1", "T1", 100, 100, **ISSUED),),
        breaks=(pair("receipt_amount_differs", "R3", "T3", 100, 90, difference=10, **ISSUED),),
    ),
    "a duplicate in core asks for no receipt": Day(
        core=[row(), row(amount=70)],
        statement=[row()],
        receipts=[receipt()],
        matches=[match("R1", "T1", 100, 100), match("R1", "T1", 100, 100, **ISSUED)],
        breaks=[core_only("duplicate_in_core", "R1", "T1", 70, **BY_REFERENCE)],
    ),
    "two equal payments of one reference, and one receipt": Day(
        core=[row("R1", "", 50, agency="Y", business_on=WED), row("R1", "", 50, agency="X", business_on=THU)],
        receipts=[receipt("R1", "", 50)],
        matches=[match("R1", "", 50, 50, **ISSUED, agency="Y")],
        breaks=[
            core_only("missing_at_partner", "R1", "", 50, agency="Y"),
            core_only("missing_at_partner", "R1", "", 50, agency="X", business_on=THU),
            core_only("receipt_missing", "R1", "", 50, **ISSUED, agency="X", business_on=THU),
        ],
    ),
    "a payment over goes on to its partner reference, a receipt over does not": Day(
        core=[row("R1", "T1", 60), row("R1", "T2", 60)],
        receipts=[receipt("R1", "", 60), receipt("", "T2", 60), receipt("", "T2", 60, kind="fee")],
        matches=[
            match("R1", "T1", 60, 60, **ISSUED),
            match("R1", "T2", 60, 60, **ISSUED, **BY_PARTNER),
        ],
        breaks=[
            core_only("missing_at_partner", "R1", "T1", 60),
            core_only("missing_at_partner", "R1", "T2", 60),
            partner_only("receipt_without_payment", "", "T2", 60, **ISSUED, **BY_PARTNER),
        ],
    ),
    "two payments of one reference take the receipts of their amounts": Day(
        core=[row("R1", "", 60), row("R1", "", 40)],
        statement=[row("R1", "", 100)],
        receipts=[receipt("R1", "", 40), receipt("R1", "", 61)],
        matches=[
            match("R1", "", 100, 100, rule="exact_reference/joined", core_rows=2),
            match("R1", "", 40, 40, **ISSUED),
        ],
        breaks=[pair("receipt_amount_differs", "R1", "", 60, 61, difference=-1, **ISSUED)],
    ),
    "a receipt that cannot be read": agreed_day(
        row(),
        receipts=[receipt(), receipt("R2", "", None), receipt("R3", "", 5, state="lost")],
        matches=(match("R1", "T1", 100, 100, **ISSUED),),
        breaks=(
            partner_only("unreadable", "R2", "", 0, **ISSUED),
            partner_only("unreadable", "R3", "", 0, **ISSUED),
        ),
    ),
    "what is missing at the partner is asked for its receipt": Day(
        core=[row()],
        receipts=[receipt()],
        matches=[match("R1", "T1", 100, 100, **ISSUED)],
        breaks=[core_only("missing_at_partner", "R1", "T1", 100)],
    ),
}

TWO_WORKING_DAYS = replace(SPEC, remit_days=2)
BY_NAME = {
    "remitted in two parts": agreed_day(
        row(),
        remittance=[remittance(amount=60), remittance(amount=40)],
        matches=(match("R1", "T1", 100, 100, **REMITTED, partner_rows=2),),
    ),
    "remitted too little, too much, and not at all": agreed_day(
        row("R1", "T1"),
        row("R2", "T2"),
        row("R3", "T3"),
        remittance=[remittance("R1", 99), remittance("R2", 101), remittance("R9", 7), remittance("", 8)],
        breaks=(
            pair("remittance_short", "R1", "T1", 100, 99, difference=1, **REMITTED),
            pair("remittance_over", "R2", "T2", 100, 101, difference=-1, **REMITTED),
            core_only("remittance_short", "R3", "T3", 100, **REMITTED),
            partner_only("remittance_over", "R9", "", 7, **SETTLED, business_on=THU),
            partner_only("remittance_over", "", "", 8, **SETTLED, business_on=THU),
        ),
    ),
    "a failed remittance is none": agreed_day(
        row("R1", "T1"),
        row("R2", "T2"),
        remittance=[remittance("R1"), remittance("R2", state="failed")],
        matches=(match("R1", "T1", 100, 100, **REMITTED),),
        breaks=(core_only("remittance_short", "R2", "T2", 100, **REMITTED),),
    ),
    "one working day after Friday is Monday, two are late": agreed_day(
        row("R1", "T1", business_on=FRI),
        row("R2", "T2", business_on=FRI),
        remittance=[
            remittance("R1", business_on=MON),
            remittance("R2", 99, business_on=FRI),
            remittance("R2", 1, business_on=TUE),
        ],
        matches=(match("R1", "T1", 100, 100, **REMITTED, business_on=FRI),),
        breaks=(
            pair("remittance_late", "R2", "T2", 100, 100, difference=0, **REMITTED, business_on=FRI, partner_rows=2),
        ),
    ),
    "late is what the declaration says": replace(
        agreed_day(
            row("R1", "T1", business_on=FRI),
            remittance=[remittance("R1", business_on=TUE)],
            matches=(match("R1", "T1", 100, 100, **REMITTED, business_on=FRI),),
        ),
        spec=TWO_WORKING_DAYS,
    ),
    "a refunded payment counts only where remitted": agreed_day(
        row("R1", "T1", **REFUNDED),
        row("R2", "T2", **REFUNDED),
        remittance=[remittance("R1", 90)],
        breaks=(pair("remittance_short", "R1", "T1", 100, 90, difference=10, **REMITTED),),
    ),
    "a party of no remittance is short, day by day": agreed_day(
        row(),
        row("R1", "T1", party="vnpay"),
        row("R2", "T2", party="vnpay"),
        remittance=[remittance()],
        matches=(match("R1", "T1", 100, 100, **REMITTED),),
        breaks=(core_only("remittance_short", "", "", 200, **{**BY_AGENCY, "party": "vnpay", "core_rows": 2}),),
    ),
    "payments joined under one reference are remitted together": Day(
        core=[row("R1", "", 60), row("R1", "", 40)],
        statement=[row("R1", "", 100)],
        remittance=[remittance()],
        matches=[
            match("R1", "", 100, 100, rule="exact_reference/joined", core_rows=2),
            match("R1", "", 100, 100, **REMITTED, core_rows=2),
        ],
    ),
}

X: Line = {"agency": "X"}
Y: Line = {"agency": "Y"}
BY_DAY = {
    "each agency's day, less its refunds": agreed_day(
        row("R1", "T1", 100, **X),
        row("R2", "T2", 30, **X, **REFUND),
        row("R3", "T3", 50, **Y),
        row("R4", "T4", 20, **Y, business_on=THU),
        remittance=[remittance("", 70, **X, business_on=WED), remittance("", 49, **Y, business_on=WED)],
        matches=(match("", "", 70, 70, **BY_AGENCY, **X, core_rows=2, core_money_vnd=130),),
        breaks=(
            pair("remittance_short", "", "", 50, 49, difference=1, **BY_AGENCY, **Y),
            core_only("remittance_short", "", "", 20, **{**BY_AGENCY, **Y, "business_on": THU}),
        ),
    ),
    "an agency or a day that core does not know": agreed_day(
        row("R1", "T1", 100, **X),
        remittance=[remittance("", 100, **X, business_on=WED), remittance("", 5, business_on=WED)],
        matches=(match("", "", 100, 100, **BY_AGENCY, **X),),
        breaks=(partner_only("remittance_over", "", "", 5, **BY_AGENCY, kind="settlement"),),
    ),
    "where core knows no agency, the treasury's are passed over": agreed_day(
        row("R1", "T1", 100),
        remittance=[remittance("", 60, **X, business_on=WED), remittance("", 40, **Y, business_on=WED)],
        matches=(match("", "", 100, 100, **BY_AGENCY, partner_rows=2),),
    ),
    "remitted for the day, but late": agreed_day(
        row("R1", "T1", 100),
        row("R2", "T2", 50, business_on=FRI),
        remittance=[
            remittance("", 100, business_on=WED, occurred_at=at(6, 2)),
            remittance("", 50, business_on=FRI, occurred_at=at(9, 2)),
        ],
        matches=(match("", "", 50, 50, **BY_AGENCY, business_on=FRI),),
        breaks=(pair("remittance_late", "", "", 100, 100, difference=0, **BY_AGENCY),),
    ),
    "remitted for a later day, of the sum of the day that nothing was remitted for": agreed_day(
        row("R1", "T1", 100, **X),
        row("R2", "T2", 50, **X, business_on=FRI),
        remittance=[remittance("", 100, **X), remittance("", 50, **X, business_on=TUE, partner_reference="K9")],
        matches=(match("", "", 100, 100, **LATER, **X),),
        breaks=(pair("remittance_late", "", "K9", 50, 50, difference=0, **LATER, **X, business_on=FRI),),
    ),
    "a later day's remittance of another sum, of another agency, or before the day, is its own": agreed_day(
        row("R1", "T1", 100, **X),
        row("R2", "T2", 50, **Y, business_on=FRI),
        remittance=[remittance("", 99, **X), remittance("", 50, **Y), remittance("", 100, **Y, business_on=MON)],
        breaks=(
            core_only("remittance_short", "", "", 100, **{**BY_AGENCY, **X}),
            core_only("remittance_short", "", "", 50, **{**BY_AGENCY, **Y, "business_on": FRI}),
            partner_only("remittance_over", "", "", 99, **{**SETTLED, **BY_AGENCY, **X}, business_on=THU),
            partner_only("remittance_over", "", "", 50, **{**SETTLED, **BY_AGENCY, **Y}, business_on=THU),
            partner_only("remittance_over", "", "", 100, **{**SETTLED, **BY_AGENCY, **Y}, business_on=MON),
        ),
    ),
    "two later remittances of one sum are of neither day": agreed_day(
        row("R1", "T1", 100),
        remittance=[remittance("", 100), remittance("", 100, business_on=FRI)],
        breaks=(
            core_only("remittance_short", "", "", 100, **BY_AGENCY),
            partner_only("remittance_over", "", "", 100, **{**SETTLED, **BY_AGENCY}, business_on=THU),
            partner_only("remittance_over", "", "", 100, **{**SETTLED, **BY_AGENCY}, business_on=FRI),
        ),
    ),
    "an agency that only a refund names is known": agreed_day(
        row("R1", "T1", 100),
        row("R2", "T2", 30, **X, **REFUND),
        remittance=[remittance("", 100, business_on=WED), remittance("", 5, **X, business_on=WED)],
        matches=(match("", "", 100, 100, **BY_AGENCY),),
        breaks=(pair("remittance_over", "", "", -30, 5, difference=-35, **BY_AGENCY, **X, core_money_vnd=30),),
    ),
    "nothing remitted for nothing is no break": agreed_day(
        row("R1", "T1", 100),
        remittance=[remittance("", 100, business_on=WED), remittance("", 0, business_on=FRI)],
        matches=(
            match("", "", 100, 100, **BY_AGENCY),
            match("", "", 0, 0, **{**SETTLED, **BY_AGENCY}, core_rows=0, business_on=FRI),
        ),
    ),
    "without a day it pays for, the day it came": agreed_day(
        row("R1", "T1", 100),
        remittance=[remittance("", 100, **NO_DAY, occurred_at=at(4, 2))],
        matches=(match("", "", 100, 100, **BY_AGENCY),),
    ),
    "a day refunded in full owes nothing": agreed_day(
        row("R1", "T1", 100),
        row("R2", "T2", 100, **REFUND),
        row("R3", "T3", 10, business_on=THU),
        remittance=[remittance("", 10)],
        matches=(
            match("", "", 0, 0, **BY_AGENCY, core_rows=2, partner_rows=0, core_money_vnd=200),
            match("", "", 10, 10, **BY_AGENCY, business_on=THU),
        ),
    ),
}
