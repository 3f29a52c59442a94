"""A random month of two parties through the store: every run conserves, every đồng ends once, signed days stay."""

import random
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.truc.reconcile.daily.day_office import Desk, day, desk, line
from tests.truc.reconcile.engine.engine_runs import told_by_duckdb
from truc.reconcile.daily.carrying import MAY_MEET_LATER
from truc.reconcile.spec import Side
from truc.reconcile.specs.payments import SPEC

__all__ = ["desk"]
PARTIES = ("momo", "vnpay")
DAYS = 9


class Month:
    """What was done, and what each statement said last. The same seed makes the same month."""

    def __init__(self, desk: Desk, seed: int, *, signs: bool) -> None:
        self.desk, self.signs = desk, signs
        self.luck = random.Random(seed)
        self.vnd: dict[str, int] = {}
        self.party_of: dict[str, str] = {}
        self.later: dict[tuple[str, int], list[dict[str, Any]]] = {}
        self.stated: dict[tuple[str, int], list[dict[str, Any]]] = {}
        self.signed: dict[tuple[str, int], list[Any]] = {}

    def pay(self, party: str, number: int, count: int, came: int | None = None) -> list[str]:
        """Book payments of the day."""
        names = [f"{party[0].upper()}{number:02}{len(self.vnd) + each:06}" for each in range(count)]
        vnd = self.luck.choice([20_000, 50_000, 70_000])
        self.desk.pay(day(number), *names, party=party, vnd=vnd, came=day(came or number))
        self.vnd |= dict.fromkeys(names, vnd)
        self.party_of |= dict.fromkeys(names, party)
        return names

    def lines(self, number: int, names: list[str], party: str) -> list[dict[str, Any]]:
        """What the partner says of them: most on the day, some later, some never, some twice, some of other money."""
        said = []
        for name in names:
            fate = self.luck.random()
            one = line(name, self.vnd[name])
            if fate < 0.10:
                self.later.setdefault((party, number + self.luck.choice([1, 2])), []).append(one)
            elif fate < 0.15:
                pass
            elif fate < 0.20:
                said.append(one | {"amount_vnd": one["amount_vnd"] + 1_000})
            else:
                said += [one, one | {"partner_reference": f"again-{name}"}] if fate > 0.95 else [one]
        return said

    def live(self, number: int) -> None:
        """One day of both parties: what came, what was said, and the run."""
        for party in PARTIES:
            names = self.pay(party, number, self.luck.randint(4, 9))
            refunded = self.luck.sample(names, 1)[0]
            if self.luck.random() < 0.5:
                self.desk.refund(day(number), refunded, f"R{refunded}", 10_000)
            said = self.lines(number, names, party) + self.later.pop((party, number), [])
            if self.luck.random() < 0.4:
                said.append(line(f"R{refunded}", 10_000, kind="refund"))
            if self.luck.random() < 0.3:
                said.append(line(f"Z{party}{number}", 30_000))
            if self.luck.random() < 0.15 and number < DAYS:  # no statement comes: its lines do with the next
                self.later.setdefault((party, number + 1), []).extend(said)
                continue
            self.stated[party, number] = said
            self.desk.state(day(number), *said, party=party)
            self.desk.run(day(number), party)
            self.disturb(party, number)

    def disturb(self, party: str, number: int) -> None:
        """Sign an earlier day, book late for one, restate one, run an unsigned one again."""
        earlier = [at for of, at in self.stated if of == party and at < number]
        if not earlier:
            return
        at = self.luck.choice(earlier)
        what = self.luck.choice(["sign", "sign", "book", "restate", "again"])
        if what == "sign" and self.signs and (party, at) not in self.signed:
            self.desk.sign(day(at), party)
            self.signed[party, at] = rows_of_day(self.desk, party, at)
        if what == "book":
            self.pay(party, at, 2, came=number)
        if what == "restate":
            said = self.stated[party, at]
            gone = self.luck.randrange(len(said))
            fresh = [line(f"N{party}{at}-{number}", 40_000)]
            self.stated[party, at] = [*said[:gone], *said[gone + 1 :], *fresh]
            self.desk.state(day(at), *self.stated[party, at], party=party, came=day(number))
        if what != "sign" and (party, at) not in self.signed:
            self.desk.run(day(at), party)

    def end(self) -> None:
        """Say all that is left to say, and run what is not signed until nothing new comes."""
        for party in PARTIES:
            rest = [one for (of, _), said in sorted(self.later.items()) if of == party for one in said]
            self.stated[party, DAYS + 1] = rest
            self.desk.state(day(DAYS + 1), *rest, party=party)
            for number in range(1, DAYS + 1):  # a day waits until its statement comes, however late
                if (party, number) not in self.stated:
                    self.stated[party, number] = []
                    self.desk.state(day(number), party=party, came=day(DAYS + 1))
            for _ in range(3):
                runs = [
                    self.desk.run(day(at), party)
                    for of, at in sorted(self.stated)
                    if of == party and (party, at) not in self.signed
                ]
                if not any(one.new for one in runs):
                    break
            else:
                raise AssertionError(f"{party}: each round of runs makes new versions")


def rows_of_day(desk: Desk, party: str, number: int) -> list[Any]:
    """All rows of the runs of a day."""
    of = "WHERE run_id IN (SELECT id FROM reconciliation_runs WHERE party = :party AND business_on = :on)"
    tables = ("reconciliation_matches", "reconciliation_breaks", "reconciliation_totals", "reconciliation_taken")
    return [
        desk.sql(f"SELECT t.* FROM {name} AS t {of} ORDER BY t.*", party=party, on=day(number))  # noqa: S608  (our own)
        for name in tables
    ]


NEWEST = "SELECT DISTINCT ON (party, business_on) id FROM reconciliation_runs ORDER BY party, business_on, version DESC"
PLACES = f"""
    SELECT our_reference, core_rows, partner_money_vnd, core_money_vnd, '' AS break_class FROM reconciliation_matches
    WHERE leg = 'statement' AND kind = 'payment' AND run_id IN ({NEWEST})
    UNION ALL SELECT our_reference, core_rows, partner_money_vnd, core_money_vnd, break_class FROM reconciliation_breaks
    WHERE leg = 'statement' AND kind = 'payment' AND run_id IN ({NEWEST})"""  # noqa: S608  (made of our own words)


def check_every_payment_ends(desk: Desk, month: Month) -> None:
    places = desk.sql(PLACES)
    ended = {one.our_reference: one.core_money_vnd for one in places if one.core_money_vnd}
    assert ended == month.vnd
    assert sum(ended.values()) == sum(row[0] for row in desk.sql("SELECT sum(amount_vnd) FROM payments"))


def check_totals(desk: Desk) -> None:
    """carried_in + new = matched + without money + written off + carried out, of every run kept."""
    sums: dict[tuple[Any, ...], Counter[str]] = {}
    for row in desk.sql("SELECT * FROM reconciliation_totals"):
        into = sums.setdefault((row.run_id, row.leg, row.side), Counter())
        sign = {"carried_in": 1, "new": 1, "matched": -1, "no_money": -1, "written_off": -1, "carried_out": -1}
        into["rows"] += sign.get(row.what, 0) * row.rows
        into["vnd"] += sign.get(row.what, 0) * row.vnd
    assert sums
    assert all(set(one.values()) == {0} for one in sums.values())


OPENED = f"""
    SELECT r.party, r.business_on, t.side, t.rows, t.vnd
    FROM reconciliation_totals AS t JOIN reconciliation_runs AS r ON r.id = t.run_id
    WHERE r.id IN ({NEWEST}) AND t.what = 'carried_in' AND t.leg = 'statement' AND t.rows > 0"""  # noqa: S608  (made of our own words)
CLOSED = f"""
    SELECT r.business_on AS run_on, b.* FROM reconciliation_breaks AS b JOIN reconciliation_runs AS r ON r.id = b.run_id
    WHERE r.id IN ({NEWEST}) AND b.leg = 'statement'"""  # noqa: S608  (made of our own words)


def check_each_day_opens_as_the_day_before_closed(desk: Desk) -> None:
    """What may meet its answer later is carried to the next day, in count and money; what cannot stays with its day."""
    opened = {(row.party, row.business_on, row.side): Counter(rows=row.rows, vnd=row.vnd) for row in desk.sql(OPENED)}
    closed: dict[tuple[Any, ...], Counter[str]] = {}
    for row in desk.sql(CLOSED):
        if row.break_class in MAY_MEET_LATER:
            core, partner = (row.core_rows, row.core_money_vnd), (row.partner_rows, row.partner_money_vnd)
            for side, (rows, vnd) in {"core": core, "partner": partner}.items():
                if rows and row.run_on < day(DAYS + 1):
                    into = closed.setdefault((row.party, row.run_on + timedelta(days=1), side), Counter())
                    into.update(rows=rows, vnd=vnd)
    assert opened == closed


@pytest.mark.parametrize("seed", [1, 2])
def test_a_month_with_signed_days_loses_and_doubles_nothing(desk: Desk, seed: int) -> None:
    month = Month(desk, seed, signs=True)
    for number in range(1, DAYS + 1):
        month.live(number)
    month.end()
    assert month.signed
    for (party, number), rows in month.signed.items():
        assert rows_of_day(desk, party, number) == rows
    check_totals(desk)
    check_every_payment_ends(desk, month)


def test_day_by_day_ends_as_one_run_of_all_days_does(desk: Desk, tmp_path: Path) -> None:
    month = Month(desk, 1, signs=False)  # of one day the statement comes after the next day has run
    for number in range(1, DAYS + 1):
        month.live(number)
    month.end()
    first = desk.sql("SELECT party, business_on FROM reconciliation_runs WHERE version = 1 ORDER BY id")
    days = {party: [row.business_on for row in first if row.party == party] for party in PARTIES}
    assert any(came != sorted(came) for came in days.values())
    check_totals(desk)
    check_each_day_opens_as_the_day_before_closed(desk)
    check_every_payment_ends(desk, month)
    by_day = Counter(tuple(row) for row in desk.sql(STANDS))
    assert by_day == at_once(desk, month, tmp_path)
    assert {break_class for _, break_class, _, _ in by_day} >= {"", "timing", "amount_differs", "missing_at_partner"}


# A break stands in every day until what it waits for comes; it is one all the same.
STANDS = f"""
    SELECT our_reference, '' AS break_class, core_money_vnd, partner_money_vnd FROM reconciliation_matches
    WHERE leg = 'statement' AND kind = 'payment' AND run_id IN ({NEWEST})
    UNION ALL
    SELECT our_reference, break_class, core_money_vnd, partner_money_vnd FROM (
        SELECT DISTINCT ON (b.break_id) b.* FROM reconciliation_breaks AS b JOIN break_items AS i USING (break_id)
        WHERE b.leg = 'statement' AND b.kind = 'payment' AND i.state <> 'resolved' AND b.run_id IN ({NEWEST})
    ) AS open"""  # noqa: S608  (made of our own words)


def at_once(desk: Desk, month: Month, folder: Path) -> Counter[tuple[Any, ...]]:
    """Where all payments end, with what money, when all that was booked and said is one day's work."""
    core = desk.sql("SELECT party, business_on, our_reference, partner_reference, amount_vnd FROM payments")
    sides: dict[Side, list[dict[str, Any]]] = {
        "core": [{**row._mapping, "kind": "payment", "state": "paid"} for row in core],
        "statement": [
            {**one, "party": party, "business_on": day(number)}
            for (party, number), said in month.stated.items()
            for one in said
        ],
    }
    told = told_by_duckdb(SPEC, sides, folder)
    of_payments = [
        one for one in (*told.matches, *told.breaks) if one["leg"] == "statement" and one["kind"] == "payment"
    ]
    money = ("core_money_vnd", "partner_money_vnd")
    return Counter(
        (one["our_reference"], one.get("break_class", ""), *(one[name] for name in money)) for one in of_payments
    )
