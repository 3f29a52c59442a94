"""Deliberately wrong rules: each a text of the engine or the spec replaced by another, which the proof must notice."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One wrong rule: what it does wrong, the file under truc/reconcile, the text there (once), and what it becomes."""

    wrong: str
    file: str
    text: str
    becomes: str


def _of(file: str, *told: tuple[str, str, str]) -> list[Mutant]:
    return [Mutant(wrong, file, text, becomes) for wrong, text, becomes in told]


READING = [
    *_of(
        "engine/inputs.py",
        (
            "seconds are rounded up",
            "(table.occurred_us // 1_000_000)",
            "((table.occurred_us + 999_999) // 1_000_000)",
        ),
        ("the cut-off itself is still the old day", "return DAY_S - (cut.at.hour", "return DAY_S - 1 - (cut.at.hour"),
        ("a cut-off begins a day late", "(local_day >= (one.from_on", "(local_day > (one.from_on"),
        (
            "the instant outranks the day given",
            "ibis.coalesce(table.business_day, derived)",
            "ibis.coalesce(derived, table.business_day)",
        ),
        ("what a reader says is passed over", '(table.unreadable.fill_null("") == "")', "table.party.notnull()"),
        ("an empty word makes unreadable", '(table.unreadable.fill_null("") == "")', "table.unreadable.isnull()"),
        ("a fee below nothing is read", "        & (table.fee_vnd >= 0)\n", ""),
        ("an amount of nothing is not read", "(table.amount_vnd >= 0)", "(table.amount_vnd > 0)"),
        ("a failed payment moves money", "(counted & (table.amount_vnd > 0))", "(table.amount_vnd > 0)"),
        (
            "a row stands by its day before its amount",
            '    "amount_vnd",\n    "day",\n',
            '    "day",\n    "amount_vnd",\n',
        ),
    ),
    *_of(
        "row.py",
        ("a reversal is a payment", '"reversal": "return"', '"reversal": "payment"'),
        ("pending is as failed", '"pending": "pending"', '"pending": "failed"'),
    ),
    *_of(
        "engine/text.py",
        ("the letter \u0111 is dropped", '{"\u0111": "d", "\u0110": "D"}.get(chr(code))', "{}.get(chr(code))"),
        ("case tells references apart", '"").upper()', '"")'),
    ),
    *_of("running.py", ("every day is a working day", "worked += calendar.is_working_day(day)", "worked += 1")),
]

SIFTING = _of(
    "engine/sift.py",
    ("fees are passed over", "rows.fee_vnd * FEE + rows.day", "rows.day"),
    ("amounts are passed over", " & (met.amounts < AMOUNT)", ""),
    ("days are passed over", "rows.day * DAY + family", "family"),
    ("states are passed over", " + state * STATE", ""),
    ("a day takes the room of a fee", "rows.day.between(0, DAYS_MAX - 1)", "(rows.day >= 0)"),
    ("families are passed over", " + family * FAMILY", ""),
    ("parties are passed over", "table.our_reference, table.party", 'table.our_reference, ""'),
    ("what stands thrice on both sides agrees", "(met.rows == 2) & (", "(met.rows >= 2) & ("),
    ("two rows of one side are a pair", "met.others.between(SIDE, 2 * SIDE - 1)", "(met.others < 2 * SIDE)"),
    ("what moved no money is matched", "    ours = ours.filter(ours.counted)\n", ""),
    (
        "what moved no money and does not agree is told twice",
        "filter(~ours_unmatched.odd)",
        "filter(~ours_unmatched.counted)",
    ),
    (
        "what moved no money is not seen beside a pair",
        "(table.readable & (table",
        "(table.readable & table.counted & (table",
    ),
    ("what agrees not is lost", " | rows.d_print.notnull()", ""),
    (
        "what agrees is odd too where the partner names it otherwise",
        "apart = differing.filter(~differing.agreed)\n    rows = table",
        "apart = differing\n    rows = table",
    ),
    ("the partner's own reference is lost", "(bits & mask)", "(bits & 0)"),
    ("the partner's agency is lost", "SIDE + TOLD]", "SIDE + TOLD, SIDE + UNTOLD + TOLD]"),
)

GROUPS = _of(
    "engine/groups.py",
    ("one row more is looked at than may be", "rows.number < compared_max", "rows.number <= compared_max"),
    (
        "amount comes before state",
        "            (met.c_group == met.p_group).ifelse(0, 1),\n            (differing == 0).ifelse(0, 1),\n",
        "            (differing == 0).ifelse(0, 1),\n            (met.c_group == met.p_group).ifelse(0, 1),\n",
    ),
    (
        "fee comes before amount",
        "            (differing == 0).ifelse(0, 1),\n            (met.c_fee_vnd == met.p_fee_vnd).ifelse(0, 1),\n",
        "            (met.c_fee_vnd == met.p_fee_vnd).ifelse(0, 1),\n            (differing == 0).ifelse(0, 1),\n",
    ),
    ("two empty partner references agree", '(met.c_partner_reference != "") & (met.c_partner', "(met.c_partner"),
    ("the nearer day does not count", "            (met.c_day - met.p_day).abs(),\n", ""),
    ("parts need not sum up", " & (best.c_p_sum == best.c_amount_vnd)", ""),
    ("joined payments need not sum up", " & (best.c_c_sum == best.p_amount_vnd)", ""),
    ("an equal one among the parts is no pair", " & (best.c_amount_vnd != best.p_amount_vnd)", ""),
    (
        "a class is swapped at one side",
        '"partner": "duplicate_at_partner"',
        '"partner": "duplicate_in_core"',
    ),
    (
        "returns stand twice",
        '(met.family == "return")\n    met = met.filter',
        '(met.family == "fee")\n    met = met.filter',
    ),
    ("returns meet as payments do", 'ranked=both & (facts.f_family == "return")', "ranked=both & (facts.c_rows < 0)"),
    (
        "returns meet whatever their amount",
        "group_by=[rows.key, rows.party, rows.amount_vnd]",
        "group_by=[rows.key, rows.party]",
    ),
    ("several returns left are a pair", "rows.filter(rows.beside == 1)", "rows.filter(rows.beside <= 2)"),
    ("a failed row may be the pair", "~rows.ranked & (rows.counted == (counted > 0))", "~rows.ranked"),
    (
        "one side alone is resolved",
        "(facts.c_rows > 0) & (facts.p_rows > 0)",
        "(facts.c_rows > 0) | (facts.p_rows > 0)",
    ),
    (
        "a refund meets a payment of its reference",
        ", rows.family == facts.f_family]",
        "]",
    ),
    ("what has its place is taken again", "for one in (self.parts, self.placed) if", "for one in (self.parts,) if"),
)

JUDGING = [
    *_of(
        "engine/judging.py",
        ("within the tolerance is beyond it", "(apart > spec.tolerance_vnd", "(apart >= spec.tolerance_vnd"),
        (
            "the tolerance is of fees",
            "(pair.c_amount_vnd - pair.p_amount_vnd).abs()",
            "(pair.c_fee_vnd - pair.p_fee_vnd).abs()",
        ),
        ("there is no cap", "whole > spec.tolerated_vnd_max", "whole < 0"),
        ("the cap is a party's, whatever the day", "group_by=[pair.c_party, pair.c_day]", "group_by=[pair.c_party]"),
        ("the cap is a day's, whatever the party", "group_by=[pair.c_party, pair.c_day]", "group_by=[pair.c_day]"),
        ("a payment that is only paid was refunded", ' & (core.state == "refunded")', ""),
        ("a fee line has a fee", ' & pair.c_family.isin(["payment", "return"])', ""),
        ("fees differ the other way", "pair.c_fee_vnd - pair.p_fee_vnd\n", "pair.p_fee_vnd - pair.c_fee_vnd\n"),
        ("fees may be paid and refunded", ' & (pair.c_family == "payment") & ~', " & ~"),
        (
            "amount is judged before the state",
            '        (gone_back, "state_differs"),\n        (apart > spec.tolerance_vnd, "amount_differs"),\n',
            '        (apart > spec.tolerance_vnd, "amount_differs"),\n        (gone_back, "state_differs"),\n',
        ),
        (
            "day is judged before the fee",
            '"amount_differs"),\n',
            '"amount_differs"),\n        (pair.c_day != pair.p_day, "timing"),\n',
        ),
        ("another party's return explains", "[asked.a_party == returns.r_party, ", "["),
        ("a failed return explains", "]) & rows.counted", "])"),
    ),
    *_of(
        "engine/statement.py",
        (
            "only the partner's returns explain",
            "judging.of_returns(back)",
            "judging.of_returns(back.filter(~back.of_core))",
        ),
    ),
]

PASSES = _of(
    "engine/passes.py",
    ("what names several names one", "named.filter(named.times == 1)", "named.filter(named.times >= 1)"),
    ("a batch's payments repeat each other", "_of_no_batch(passes.left.core, passes.left.partner)", "passes.left.core"),
    ("returns repeat each other", ' & (rows.family != "return")', ""),
    ("two spellings are one", "held.filter(held.references > 1)", "held.filter(held.references > 2)"),
    ("two spellings of one side alone are ambiguous", ".semi_join(partner, _same_key(partner, unclear))", ""),
    ("a failed row is ambiguous", 'held.counted.ifelse("ambiguous", "no_money")', 'ibis.literal("ambiguous")'),
    ("a prefix is kept too long", "bare.length() >= spec", "bare.length() > spec"),
    (
        "a prefix dropped makes one of two",
        "core, partner = (_of_one_reference(rows) for rows in (core, partner))",
        "core, partner = (rows.view() for rows in (core, partner))",
    ),
    (
        "a repeat may be another family's",
        "again.party == named.k_party, again.family == named.k_family]",
        "again.party == named.k_party]",
    ),
)

AMOUNTS = _of(
    "engine/amounts.py",
    ("the window is wider", "<= spec.window_days", "<= spec.window_days + 1"),
    (
        "another party's line may be the one",
        'BUCKET = ("party", "family", "amount_vnd")',
        'BUCKET = ("family", "amount_vnd")',
    ),
    (
        "a refund may be a payment's line",
        'BUCKET = ("party", "family", "amount_vnd")',
        'BUCKET = ("party", "amount_vnd")',
    ),
    (
        "a line may be the only candidate of two",
        "single.semi_join(once[1], single.p_id == once[1].once)",
        "single.view()",
    ),
    (
        "a payment may be the only candidate of two",
        "candidates.semi_join(once[0], candidates.c_id == once[0].once)",
        "candidates.view()",
    ),
    ("references of any length are near", "(one.length() == other.length()) & ", ""),
    ("a short reference is a part of any", " & (other.length() >= spec.related_from)", ""),
    ("two payers are one", "        ~_differ(met.c_payer, met.p_payer),\n", ""),
    ("two partner references are one", "        ~_differ(met.c_partner_reference, met.p_partner_reference),\n", ""),
    ("no payer is a payer", '((met.c_payer != "") & (met.c_payer == met.p_payer))', "(met.c_payer == met.p_payer)"),
    ("one less may be compared", "many.beside > spec.candidates_max", "many.beside >= spec.candidates_max"),
    (
        "crowded lines take part",
        "_uncrowded(spec, ours, theirs), _uncrowded(spec, theirs, ours)",
        "_uncrowded(spec, ours, theirs), theirs",
    ),
)

SETTLEMENTS = _of(
    "engine/batches.py",
    ("a batch's fees are taken off twice", "met.gross - deducted", "met.gross - deducted - met.fees"),
    ("a line's fee adds to the fees", "ibis.ifelse(met.fee_vnd > 0, met.fee_vnd, met.fees)", "met.fee_vnd + met.fees"),
    ("two lines of one reference pay a batch", "held.filter(held.beside == 1)", "held.filter(held.beside >= 1)"),
    ("refunds may exceed the payment", "named.filter(named.whole <= named.o_amount)", "named.filter(named.whole >= 0)"),
    ("a return of two payments is of one", "named.filter(named.count().over(group_by=named.id) == 1)", "named.view()"),
    ("a refund of ours is passed over", 'named.anti_join(answered, "o_id")', "named.view()"),
    ("a day's lines cost nothing", "return _gross(rows) - total(", "return _gross(rows) + 0 * total("),
    ("returns are paid for", "rows.money, -rows.money", "rows.money, rows.money"),
    ("our rows are placed with the partner's day", '.anti_join(said, "bundle")', ""),
    (
        "short is over",
        '(difference > 0, "settlement_short"), (difference < 0, ',
        '(difference < 0, "settlement_short"), (difference > 0, ',
    ),
    ("fees of the day are passed over", '.isin([*MONEY, "fee"])', ".isin(MONEY)"),
)

LEFT_OVER = [
    *_of(
        "engine/near.py",
        (
            "what has no letter repeats all that has none",
            'ibis.ifelse(plain == "", reference, plain)',
            "plain",
        ),
        ("the end is looked for in its own case", "end.upper().isin", "end.isin"),
        ("the end of what has signs is taken for its form's", ' | end.re_search("[^A-Za-z0-9]")', ""),
        (
            "only our side's partner references are looked for",
            "        | clean.partner_partner_reference.isin(theirs.partner_reference)\n",
            "",
        ),
    ),
    *_of(
        "engine/statement.py",
        (
            "a reference of two pairs repeats one",
            "named = named.filter(named.times == 1)",
            "named = named.filter(named.times >= 1)",
        ),
        (
            "another party's reference is repeated",
            "[left.form == ours.o_form, left.party == ours.o_party]",
            "left.form == ours.o_form",
        ),
        (
            "a return left over is a missing payment",
            '(left.family == "return", "refund_unmatched")',
            '(left.family == "return", payment)',
        ),
    ),
    *_of(
        "engine/places.py",
        (
            "a day is the latest of several",
            "members.day.min(where=members.of_core)",
            "members.day.max(where=members.of_core)",
        ),
        (
            "the first row speaks for several, not the smallest",
            "        members.our_reference,\n        members.partner_reference,\n        members.id,\n",
            "        members.id,\n",
        ),
    ),
]

LATE_OR_NOT = """    place = ibis.cases(
        (met.core_vnd > met.partner_vnd, "remittance_short"),
        (met.core_vnd < met.partner_vnd, "remittance_over"),
        (late, "remittance_late"),
        else_=MATCH,
    )
"""
LATER_LEGS = [
    *_of(
        "engine/receipts.py",
        ("a paid payment needs no receipt", 'missing.state == "refunded"', 'missing.state == "paid"'),
        (
            "another party's receipt will do",
            ' == yours[f"p_{column}"], mine.c_party == yours.p_party]',
            ' == yours[f"p_{column}"]]',
        ),
        (
            "a receipt of another amount will do",
            "ibis.ifelse(difference == 0, MATCH",
            "ibis.ifelse(difference >= 0, MATCH",
        ),
        (
            "receipts are taken in order, whatever their amount",
            "mine.c_money == yours.p_money, mine.c_rank == yours.p_rank",
            "mine.c_rank == yours.p_rank",
        ),
    ),
    *_of(
        "engine/remittance.py",
        (
            "the last day allowed is late",
            f"> spec.remit_days\n{LATE_OR_NOT}    paid = ",
            f">= spec.remit_days\n{LATE_OR_NOT}    paid = ",
        ),
        ("a remittance comes on the day it is for", "ibis.greatest(rows.day, at_day)", "rows.day"),
        (
            "the first part of a remittance ends it",
            "last_day=known.remitted_day.max()",
            "last_day=known.remitted_day.min()",
        ),
        ("an earlier remittance pays a later day", "ours.c_day < theirs.p_day", "ours.c_day != theirs.p_day"),
        (
            "two days may be paid by one remittance",
            "(met.beside_ours == 1) & (met.beside_theirs == 1)",
            "(met.beside_ours == 1)",
        ),
        ("a later day pays whatever its sum", "            ours.core_vnd == theirs.partner_vnd,\n", ""),
        ("refunds are owed too", "sign=whole(-1)", "sign=whole(1)"),
        (
            "an agency no payment names is asked for",
            'ibis.ifelse(remitted.a_party.isnull(), "", remitted.agency)',
            "remitted.agency",
        ),
        (
            "a refunded payment must be remitted",
            'ibis.ifelse(rows.state == "paid", "remittance_short", NO_MONEY)',
            'ibis.literal("remittance_short")',
        ),
    ),
    *_of(
        "engine/verdicts.py",
        ("timing fails a payment", '.isin([MATCH, "timing"])', ".isin([MATCH])"),
        (
            "the receipt is named before the treasury",
            '"partner", "treasury", "receipt")  #',
            '"partner", "receipt", "treasury")  #',
        ),
    ),
]

DECLARED = _of(
    "spec.py",
    ("two working days are near", "window_days: int = 1", "window_days: int = 2"),
    ("two working days are no delay", "remit_days: int = 1", "remit_days: int = 2"),
    ("three letters may be wrong", "edits_max: int = 2", "edits_max: int = 3"),
    ("five characters say something", "related_from: int = 6", "related_from: int = 5"),
    ("seven characters say something", "unlettered_from: int = 8", "unlettered_from: int = 7"),
    (
        "a đồng is tolerated",
        "tolerance_vnd: int = 0\n    tolerated_vnd_max: int = 0",
        "tolerance_vnd: int = 1\n    tolerated_vnd_max: int = 9",
    ),
    (
        "amounts are looked at before references",
        '        "partner_reference",\n        "normalised_reference",\n        "amount_day",\n        "batch",',
        '        "amount_day",\n        "partner_reference",\n        "normalised_reference",\n        "batch",',
    ),
)

MUTANTS = [
    *READING,
    *SIFTING,
    *GROUPS,
    *JUDGING,
    *PASSES,
    *AMOUNTS,
    *SETTLEMENTS,
    *LEFT_OVER,
    *LATER_LEGS,
    *DECLARED,
]
