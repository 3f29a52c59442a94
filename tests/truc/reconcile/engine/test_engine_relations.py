"""What holds between sums, and between a run and the same run said otherwise (recon.md I3, I5, I6, I11)."""

import random
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pytest

from tests.truc.reconcile.engine.engine_runs import by_party, read, run_on_duckdb, together, told_by_duckdb
from tests.truc.reconcile.engine.random_days import LARGEST, random_days
from truc.reconcile import running
from truc.reconcile.specs.payments import SPEC

WED = date(2026, 3, 4)
TOLERANT = replace(SPEC, tolerance_vnd=5, tolerated_vnd_max=9)


def payment(party, ours, amount, **other):
    known = {"party": party, "our_reference": ours, "partner_reference": "", "kind": "payment", "state": "paid"}
    return {**known, "amount_vnd": amount, "business_on": WED, **other}


def days_that_can_be_scaled(seeds):
    """Random days without an amount that only just is an int64."""
    days = random_days(seeds)
    return {
        party: sides
        for party, sides in days.items()
        if not any(row["amount_vnd"] in LARGEST for rows in sides.values() for row in rows)
    }


def days_at_the_bounds():
    """Pairs that only related references join: just related, and just not."""
    garbled = [("QWERTY", "QVERTX"), ("QWERTY", "QVARTX"), ("ORDER-778899", "778899"), ("ORDER-77889", "77889")]
    return {
        f"bound{number}": {
            "core": [payment(f"bound{number}", ours, 100)],
            "statement": [payment(f"bound{number}", theirs, 100)],
            "receipts": [],
            "remittance": [],
        }
        for number, (ours, theirs) in enumerate(garbled)
    }


ROWS = together(days_that_can_be_scaled(range(6_000, 6_200)) | days_at_the_bounds())


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return told_by_duckdb(TOLERANT, ROWS, tmp_path_factory.mktemp("plain"))


def run(core, statement, folder, **sides):
    return told_by_duckdb(SPEC, {"core": core, "statement": statement, **sides}, folder)


# I3: what the ledger has more than the statement is what differs, what one side has alone, and what one has twice.

COMPARED = ("match", "amount_differs", "timing")  # whose difference is of money, core less partner
OF_CORE = ("missing_at_partner", "duplicate_in_core")
OF_PARTNER = ("missing_in_core", "duplicate_at_partner")


def explains(line):
    """By how much a place lets the ledger be more than the statement, from the columns a reader looks at."""
    place = line.get("break_class", "match")
    if place in COMPARED:
        return line["difference_vnd"]
    assert not (place in OF_CORE and line["partner_rows"])
    assert not (place in OF_PARTNER and line["core_rows"])
    return line["core_vnd"] - line["partner_vnd"]


def test_ledger_less_statement_is_the_sum_of_all_differences(plain):
    """But for parties with a batch, a settlement, an original: what is compared there are nets."""
    lines = [one for one in plain.matches + plain.breaks if one["leg"] in ("statement", "settlement", "return")]
    nets = {one["party"] for one in lines if one["leg"] != "statement" or one["rule"] in ("batch", "settlement")}
    apart, explained, places = Counter(), Counter(), Counter()
    for side, sign in (("core", 1), ("statement", -1)):
        for row in ROWS[side]:
            if row["party"] and row["party"] not in nets:
                apart[row["party"]] += sign * money(row)
    for one in lines:
        if one["party"] and one["party"] not in nets:
            explained[one["party"]] += explains(one)
            places[one.get("break_class", "tolerated" if one["difference_vnd"] else "match")] += 1
    assert {party: vnd for party, vnd in apart.items() if vnd != explained[party]} == {}
    assert len(apart) > 60
    assert min(places[one] for one in (*OF_CORE, *OF_PARTNER, "amount_differs", "tolerated", "state_differs")) > 0


def money(row):
    amount = row["amount_vnd"]
    whole = isinstance(amount, int) and not isinstance(amount, bool) and 0 <= amount < 2**63
    return amount if whole and row["state"] in ("paid", "refunded") else 0


# I5: gross less refunds less fees is what is settled; refunds are never more than their original.


def test_gross_less_refunds_less_fees_is_the_settled_net_and_nothing_else_is(tmp_path):
    """By batches that a line names by its number, with a fee of its own or not, and by days whose lines are listed."""
    chance = random.Random(5)
    core, statement, short_by = [], [], {}
    for number in range(240):
        party, short = f"p{number}", chance.choice((0, 0, -1, 1, 500))
        rows = [
            payment(party, f"R{at}", chance.randrange(2_000, 9_000), fee_vnd=chance.choice((0, 0, 11)))
            for at in range(chance.randrange(1, 5))
        ]
        rows += [
            {**row, "our_reference": f"{row['our_reference']}-back", "kind": kind, "amount_vnd": row["amount_vnd"] // 4}
            for row in rows[:1]
            for kind in chance.choice(((), ("refund",), ("reversal",)))
        ]
        line = payment(party, "", 0, kind="settlement")
        if number % 2:
            rows = [{**row, "partner_reference": "B1"} for row in rows]
            line |= {"partner_reference": "B1", "fee_vnd": chance.choice((0, 0, 7))}
        else:
            rows += [payment(party, "F1", 33, kind="fee")] * chance.randrange(2)
            statement += rows
        core += rows
        statement.append({**line, "amount_vnd": net(rows, line) - short})
        short_by[party] = short
    told = run(core, statement, tmp_path)
    settled = by_party(one for one in told.matches + told.breaks if one["rule"] in ("batch", "settlement"))
    found = {
        party: [(one.get("break_class", "match"), one["core_vnd"] - one["partner_vnd"]) for one in lines]
        for party, lines in settled.items()
    }
    assert found == {party: [(settled_as(short), short)] for party, short in short_by.items()}


def net(rows, line):
    gross = sum(row["amount_vnd"] for row in rows if row["kind"] == "payment")
    given_back = sum(row["amount_vnd"] for row in rows if row["kind"] in ("refund", "reversal"))
    fees = sum(row["amount_vnd"] for row in rows if row["kind"] == "fee")
    return gross - given_back - fees - (line.get("fee_vnd") or sum(row.get("fee_vnd") or 0 for row in rows))


def settled_as(short):
    return "match" if short == 0 else "settlement_short" if short > 0 else "settlement_over"


def test_refunds_of_a_payment_are_taken_up_to_its_amount_and_no_further(tmp_path):
    """Refunds that only the partner lists, against the payment that each names by our reference or by its own."""
    chance = random.Random(55)
    core, statement, original = [], [], {}
    for number in range(200):
        party, amount = f"p{number}", chance.choice((100, 120))
        paid = payment(party, "R1", amount, partner_reference="T1", state="refunded")
        named = chance.choice(({"our_reference": ""}, {"partner_reference": ""}))
        parts = [chance.choice((20, 50, 60, 100)) for _ in range(chance.randrange(1, 4))]
        core.append(paid)
        statement += [paid, *({**paid, **named, "kind": "refund", "amount_vnd": part} for part in parts)]
        original[party] = (amount, sum(parts))
    told = run(core, statement, tmp_path)
    taken = Counter()
    for one in told.matches:
        if one["kind"] == "refund":
            taken[one["party"]] += one["partner_vnd"]
    assert all(taken[party] <= amount for party, (amount, _) in original.items())
    wrong = {one["party"] for one in told.breaks}
    assert wrong == {party for party, (amount, refunded) in original.items() if refunded > amount}
    assert {one["break_class"] for one in told.breaks} == {"refund_unmatched"}
    assert 20 < len(wrong) < 180


# I6: paid is exactly one valid receipt; what is remitted is what the receipts come to.


def test_paid_is_exactly_one_valid_receipt_and_what_is_remitted_is_what_they_come_to(tmp_path):
    chance = random.Random(6)
    core, receipts, remittance, expected = [], [], [], {}
    for number in range(300):
        party, whole = f"p{number}", []
        for at in range(chance.randrange(1, 4)):
            row = payment(party, f"R{at}", chance.randrange(100, 900), agency="X")
            row["state"] = chance.choice(("paid", "paid", "paid", "refunded", "failed", "pending"))
            issued = [row["amount_vnd"]] if row["state"] == "paid" else []
            issued = chance.choice((issued, issued, issued, [], [row["amount_vnd"] - 1], [row["amount_vnd"]] * 2))
            valid = {"paid": [[row["amount_vnd"]]], "refunded": [[], [row["amount_vnd"]]]}.get(row["state"], [[]])
            whole.append(issued in valid)
            core.append(row)
            receipts += [payment(party, row["our_reference"], vnd) for vnd in issued]
        owed = sum(money(row) for row in core if row["party"] == party)
        remitted = max(0, owed + chance.choice((0, 0, -1, 1)))
        remittance += [payment(party, "", remitted, kind="settlement", agency="X")] * bool(remitted)
        expected[party] = {"receipts": all(whole), "remittance": remitted == owed}
    told = run(core, core, tmp_path, receipts=receipts, remittance=remittance)
    broken = defaultdict(set)
    for one in told.breaks:
        broken[one["leg"]].add(one["party"])
    assert broken.keys() == {"receipts", "remittance"}
    assert {party: {leg: party not in broken[leg] for leg in broken} for party in expected} == expected
    for leg in broken:
        assert 50 < len(broken[leg]) < 250


# I11: the same said in other names, in other units, on other days, ends the same, in every column of every row.


def changed(line, how):
    return {name: how.get(name, lambda value: value)(value) for name, value in line.items() if name != "break_id"}


def said_otherwise(told, how):
    """Matches, breaks and verdicts, with what was changed in the rows changed in them; break ids are of the names."""
    return [sorted(str(changed(line, how)) for line in lines) for lines in (told.matches, told.breaks, told.verdicts)]


def doubled(reference):
    """One to one, in the same order, related where they were: every character twice."""
    return reference and "".join(character * 2 for character in reference)


def tripled(amount):
    whole = isinstance(amount, int) and not isinstance(amount, bool)
    return 3 * amount if whole else amount


REFERENCES = dict.fromkeys(("our_reference", "partner_reference"), doubled)


def test_both_sides_of_every_bound_of_names_occur(plain):
    """Guards the rows: a bound that is not scaled along would be noticed."""
    assert sorted(one["party"] for one in plain.matches if one["party"].startswith("bound")) == ["bound0", "bound2"]


def test_other_names_and_other_units_change_nothing_else(plain, tmp_path):
    """Every bound that is of amounts is scaled with them, every bound of characters is twice as wide."""
    spec = replace(
        TOLERANT,
        tolerance_vnd=3 * TOLERANT.tolerance_vnd,
        tolerated_vnd_max=3 * TOLERANT.tolerated_vnd_max,
        related_from=2 * SPEC.related_from,
        edits_max=2 * SPEC.edits_max,
        unlettered_from=2 * SPEC.unlettered_from,
    )
    given = REFERENCES | dict.fromkeys(("amount_vnd", "fee_vnd"), tripled)
    rows = {side: [changed(row, given) for row in of_side] for side, of_side in ROWS.items()}
    run_on_duckdb(spec, rows, tmp_path)
    money_columns = [name for name in (*plain.breaks[0], *plain.verdicts[0]) if name.endswith("_vnd")]
    assert said_otherwise(read(tmp_path / "out"), {}) == said_otherwise(
        plain, REFERENCES | dict.fromkeys(money_columns, tripled)
    )


LATER_BY = timedelta(days=37)  # no multiple of a week: weekends and Tết move along


def test_other_days_with_their_calendar_change_nothing_else(plain, monkeypatch, tmp_path):
    moved_days = running.working_days()
    at = moved_days.column_names.index("day")
    days = pa.array([day + LATER_BY.days for day in moved_days["day"].to_pylist()], moved_days["day"].type)
    monkeypatch.setattr(running, "working_days", lambda: moved_days.set_column(at, "day", days))

    def later(value):
        return value and value + LATER_BY

    rows = {
        side: [changed(row, dict.fromkeys(("business_on", "occurred_at"), later)) for row in of_side]
        for side, of_side in ROWS.items()
    }
    run_on_duckdb(TOLERANT, rows, tmp_path)
    assert said_otherwise(read(tmp_path / "out"), {}) == said_otherwise(plain, {"business_on": later})
