"""The evening's statements: one with a wrong total, one delivered twice, and three planted breaks to be found."""

from typing import Any

from sandbox.day.channels import BANK
from sandbox.day.money import PARTS
from sandbox.day.stage import Stage
from truc.store.reconciliation import is_signed

WALLET = "momo"  # the one wallet that gives a statement
GIVING = (WALLET, BANK)
DAG = "reconcile_payments"
TOO_MUCH_VND = 5_000


def deliver_wrong_then_right(stage: Stage) -> None:
    """Let the bank deliver a file whose total is wrong, then the right one, then that one again."""
    if not stage.journal.met("wrong_control_total"):
        _deposit(stage, wrong_total=True)
        stage.run("statement_vietinbank")
        booked = stage.number(
            "SELECT count(*) FROM statements WHERE party = 'vietinbank' AND business_on = :day", day=stage.plan.day
        )
        stage.expect("statement with a wrong total booked", 0, booked, "statement_vietinbank")
        note_wrong_total(stage)
    _plant_at_wallet(stage)
    _deposit(stage)
    stage.run("statement_vietinbank", "statement_momo")


def deliver_twice(stage: Stage) -> None:
    """Let the bank deliver the right file again, and reconcile."""
    earlier = _seen_again(stage)
    _deposit(stage, twice=True)
    stage.run("statement_vietinbank")
    query = "SELECT count(*) FROM statements WHERE party = 'vietinbank' AND business_on = :day"
    booked = stage.number(query, day=stage.plan.day)
    stage.expect("statement delivered twice, booked", 1, booked, "statement_vietinbank")
    stage.meet("statement_delivered_twice", _seen_again(stage) - earlier)


def note_wrong_total(stage: Stage) -> None:
    """Note the wrong total as met when the bank's file of the day was set aside for it."""
    stage.meet("wrong_control_total", stage.aside("vietinbank", _file(stage)).get("control_total_differs", 0))


def reconcile(stage: Stage) -> None:
    """Reconcile the day of every party that gives a statement; the run waits for the signatures that it has not."""
    with stage.store.begin() as transaction:
        signed = [party for party in GIVING if is_signed(transaction, party, stage.plan.day)]
    if len(signed) == len(GIVING):
        stage.run(DAG)
    else:
        stage.run_until_asked(DAG, "day.await_signature")


def expected_breaks(stage: Stage) -> tuple[dict[str, int], list[int]]:
    """Return the classes of the planted breaks, and what each differs by (core less partner), in đồng."""
    amounts = _amounts(stage)
    # What the wallet's statement leaves out, what it has as paid though the citizen refused, what the bank tells wrong.
    differences = [amounts[_left_out(stage)], -amounts[_refused(stage)], -TOO_MUCH_VND]
    return {"amount_differs": 1, "missing_at_partner": 1, "state_differs": 1}, differences


def _file(stage: Stage) -> str:
    return f"VTB_{stage.plan.day:%Y%m%d}.txt"


def _seen_again(stage: Stage) -> int:
    """Return how often the hub saw a booked file of the day again."""
    query = """SELECT sum(seen - 1) FROM inbox_names AS name JOIN inbox ON inbox.id = name.inbox_id
               WHERE name.party = 'vietinbank' AND name.external_id = :name AND inbox.state = 'booked'"""
    return stage.number(query, name=_file(stage))


def _plant_at_wallet(stage: Stage) -> None:
    wallet, refused = stage.partners[WALLET], _refused(stage)
    [order] = [one for one in wallet.ask("payments") if one["reference"] == refused]
    as_paid = {name: order[name] for name in ("orderId", "transId", "amount", "at")}
    wallet.tell("statement_breaks", {"drop": [_left_out(stage)], "add": [as_paid]})


def _left_out(stage: Stage) -> str:
    amounts = _amounts(stage)
    paid: list[str] = stage.journal.troubles[PARTS][WALLET]["pay"]
    return max(paid, key=amounts.__getitem__)


def _refused(stage: Stage) -> str:
    return str(stage.journal.troubles[PARTS][WALLET]["refuse"][0])


def _amounts(stage: Stage) -> dict[str, int]:
    return {row.our_reference: row.amount_vnd for row in _payments(stage, WALLET)}


def _deposit(stage: Stage, **how: bool) -> None:
    lines = [
        {
            "our_reference": row.our_reference,
            "partner_reference": row.partner_reference,
            "amount_vnd": row.amount_vnd,
            "at": row.paid_at.isoformat(),
        }
        for row in _payments(stage, BANK)
        if row.business_on is not None
    ]
    first = lines[0]
    breaks: dict[str, Any] = {"amount": {first["our_reference"]: first["amount_vnd"] + TOO_MUCH_VND}}
    order = {"day": stage.plan.day.isoformat(), "lines": lines, "breaks": breaks, **how}
    stage.partners[BANK].tell("deposit", order)


def _payments(stage: Stage, party: str) -> list[Any]:
    query = """SELECT our_reference, partner_reference, amount_vnd, paid_at, business_on FROM payments
               WHERE party = :party AND source_reference LIKE :name ORDER BY id"""
    return stage.rows(query, party=party, name=f"%-{stage.plan.name}-%")
