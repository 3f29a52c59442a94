"""The treasury's part: two agencies are paid what was collected for them; one order it confirms, one it refuses."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from sandbox.day.channels import BANK
from sandbox.day.stage import Stage
from sandbox.day.statements import GIVING, TOO_MUCH_VND
from truc.domain import remittance_terms
from truc.operating import audit
from truc.services import clearing
from truc.store import remittance
from truc.store.remittance import Order

TREASURY = "treasury"
ORDERS, DELIVERS, CONFIRMS = "remit_collections", "remittance_treasury", "confirmations_treasury"
AGENCIES = 2
TAKEN, REFUSED = "00", "99"
WHY_REFUSED = "Sai số tài khoản (ngày mẫu)"
TROUBLE = "remittance_refused"
TERMS_FILE = "remittance-terms.toml"
HEAD = """# BỊA RA CHO NGÀY MẪU. Tài khoản, chương và tiểu mục dưới đây không có thật.
# MADE UP FOR THE SAMPLE DAY. No account, chapter or sub-item below is real.
"""
ACCOUNT = """
[[account]]
agency_code = "{agency}"
beneficiary = "(mẫu, made up) {agency}"
treasury = "(mẫu, made up) KBNN"
account = "0000.0.{number:07d}"
chapter = "999"
party = "treasury"
paid_from = "{bank}"
valid_from = {day}
"""
OTHERS = """
[[sub_item]]
kind = "fees"
sub_item = "9999"
valid_from = {year}

[[bank]]
party = "{bank}"
valid_from = {year}
"""


def remit(stage: Stage) -> None:
    """Agree on terms, order, deliver; let the treasury answer, and fetch its answer."""
    _agree(stage)
    stage.run(ORDERS)
    stage.run(DELIVERS)
    _answer(stage)
    stage.run(CONFIRMS)
    refused = [one.remittance_reference for one in orders(stage) if one.state == "refused"]
    stage.meet(TROUBLE, len(refused))
    stage.progress.say(f"{len(orders(stage))} lệnh nộp, {len(refused)} bị từ chối · remittance orders, refused")


def orders(stage: Stage) -> list[Order]:
    """Return the orders of the day in the core, by agency."""
    with stage.store.begin() as transaction:
        return remittance.orders(transaction, business_on=stage.plan.day)


def summary(stage: Stage) -> dict[str, Any]:
    """Return what was ordered, in which states it stands, and account → why → đồng of what is not settled."""
    found = orders(stage)
    return {
        "orders": len(found),
        "amount_vnd": sum(one.amount_vnd for one in found),
        "states": dict(sorted(Counter(one.state for one in found).items())),
        "left": _left(stage),
    }


def expect(stage: Stage, found: dict[str, Any]) -> None:
    """Hold the orders against the treasury's books, and what is left against what each account must come to."""
    there = {one["reference"]: one for one in _taken(stage)}
    ours = {one.remittance_reference: (one.agency_code, one.amount_vnd) for one in orders(stage)}
    theirs = {name: (there[name]["agency"], there[name]["amount_vnd"]) for name in ours if name in there}
    stage.expect("remittance orders at the treasury", ours, theirs, DELIVERS)
    stage.expect("remittance orders by state", {"confirmed": 1, "refused": 1}, found["states"], CONFIRMS)
    stage.expect("not settled, by account and reason", _expected_left(stage), found["left"], "truc remittance clearing")


def _agree(stage: Stage) -> None:
    """Have made-up terms hold for the agencies of the day, unless they do already."""
    path = stage.settings.day / TERMS_FILE
    day = stage.plan.day
    accounts = (ACCOUNT.format(agency=one, number=n, bank=BANK, day=day) for n, one in enumerate(_chosen(stage), 1))
    text = HEAD + "".join(accounts) + OTHERS.format(bank=BANK, year=day.replace(month=1, day=1))
    path.write_text(text, encoding="utf-8")
    terms = remittance_terms.read(text)
    with stage.store.begin() as transaction:
        if remittance.terms(transaction) != terms:
            remittance.keep_terms(transaction, terms)
            by = audit.order("sandbox", "made-up terms of the sample day")
            audit.note(transaction, by, "terms of remittance", path.name)


def _chosen(stage: Stage) -> list[str]:
    """Return the agencies that get an account: of those that were paid most through channels without a statement.

    A day that was reconciled is then the same day when it is reconciled again: no order pays anything of it.
    """
    query = """SELECT collected_for FROM payments WHERE business_on = :day
               GROUP BY collected_for HAVING NOT bool_or(party = ANY(:giving))
               ORDER BY sum(amount_vnd) DESC, collected_for LIMIT :agencies"""
    rows = stage.rows(query, day=stage.plan.day, giving=list(GIVING), agencies=AGENCIES)
    return sorted(row.collected_for for row in rows)


def _answer(stage: Stage) -> None:
    """Let the treasury confirm the first order of the day and refuse the others, unless it did."""
    said = {one["reference"]: one["said"] for one in _taken(stage)}
    names = [one.remittance_reference for one in orders(stage)]
    if not names or any(said.get(name) for name in names):
        return
    first, *others = names
    answers = [{"reference": first, "code": TAKEN}]
    answers += [{"reference": one, "code": REFUSED, "reason": WHY_REFUSED} for one in others]
    told = {"at": datetime.now(UTC).isoformat(), "part": f"_{stage.plan.day:%Y%m%d}", "orders": answers}
    stage.partners[TREASURY].tell("confirm", told)


def _taken(stage: Stage) -> list[dict[str, Any]]:
    return list(stage.partners[TREASURY].ask("remittances"))


def _left(stage: Stage) -> dict[str, dict[str, int]]:
    with stage.store.begin() as transaction:
        report = clearing.report(transaction, most=1_000_000)
    found: dict[str, dict[str, int]] = {}
    for one in report:
        why = Counter[str]()
        for cause in one.behind:
            why[cause.why] += cause.vnd
        found[one.account] = dict(sorted(why.items()))
    return found


def _expected_left(stage: Stage) -> dict[str, dict[str, int]]:
    """Return what must be left, from the payments of the core and what the treasury's own books say of each order."""
    said = {one["reference"]: one["said"]["code"] for one in _taken(stage) if one["said"]}
    query = "SELECT party, sum(amount_vnd) AS vnd FROM payments WHERE business_on IS NOT NULL GROUP BY party"
    collected = {row.party: int(row.vnd) for row in stage.rows(query)}
    found = {f"clearing:{party}": {"not_paid_over": vnd} for party, vnd in collected.items()}
    return dict(sorted((found | _owed(stage, said) | _at_bank(stage, said, collected[BANK])).items()))


def _owed(stage: Stage, said: dict[str, str]) -> dict[str, dict[str, int]]:
    """Return agency by agency what it was not paid: an order was refused, or it has no account."""
    with stage.store.begin() as transaction:
        ordered = {(one.agency_code, one.business_on): one for one in remittance.orders(transaction)}
    query = """SELECT collected_for, business_on, sum(amount_vnd) AS vnd FROM payments WHERE business_on IS NOT NULL
               GROUP BY collected_for, business_on ORDER BY collected_for, business_on"""
    found: dict[str, Counter[str]] = {}
    for row in stage.rows(query):
        order = ordered.get((row.collected_for, row.business_on))
        name = "" if order is None else order.remittance_reference
        if said.get(name) != TAKEN:
            why = f"order_refused:{name}" if name else "no_treasury_account"
            found.setdefault(f"collected:{row.collected_for}", Counter())[why] -= int(row.vnd)
    return {account: dict(sorted(why.items())) for account, why in found.items()}


def _at_bank(stage: Stage, said: dict[str, str], transferred_vnd: int) -> dict[str, dict[str, int]]:
    """Return what the bank told wrongly, and what of the transfers no agency was paid from."""
    days = stage.number("SELECT count(DISTINCT business_on) FROM statements WHERE party = :bank", bank=BANK)
    too_much_vnd = days * TOO_MUCH_VND
    paid_vnd = sum(one["amount_vnd"] for one in _taken(stage) if said.get(one["reference"]) == TAKEN)
    left_vnd = transferred_vnd + too_much_vnd - paid_vnd
    why = "on_our_account" if left_vnd > 0 else "order_confirmed"
    account = {f"bank:{BANK}": {why: left_vnd}} if left_vnd else {}
    return {f"clearing:{BANK}": {"paid_over_too_much": -too_much_vnd}, **account}
