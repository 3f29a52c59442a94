"""The evening's statements: one with a wrong total, one delivered twice, and three planted breaks to be found."""

from typing import Any

from sandbox.day.money import ROLES
from sandbox.day.stage import Stage

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
    _plant_at_momo(stage)
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
    """Reconcile both parties' day."""
    stage.run("reconcile_payments")


def expected_breaks(stage: Stage) -> tuple[dict[str, int], list[int]]:
    """Return the classes of the planted breaks, and what each differs by (core less partner), in đồng."""
    amounts = {row.our_reference: row.amount_vnd for row in _payments(stage, "momo")}
    roles = stage.journal.troubles[ROLES]
    # The lost callback: MoMo says paid, our order still waits. The changed amount: the bank says more.
    differences = [amounts[roles["dropped"]], -amounts[roles["lost"]], -TOO_MUCH_VND]
    return {"amount_differs": 1, "missing_at_partner": 1, "state_differs": 1}, differences


def _file(stage: Stage) -> str:
    return f"VTB_{stage.plan.day:%Y%m%d}.txt"


def _seen_again(stage: Stage) -> int:
    """Return how often the hub saw a booked file of the day again."""
    query = """SELECT sum(seen - 1) FROM inbox_names AS name JOIN inbox ON inbox.id = name.inbox_id
               WHERE name.party = 'vietinbank' AND name.external_id = :name AND inbox.state = 'booked'"""
    return stage.number(query, name=_file(stage))


def _plant_at_momo(stage: Stage) -> None:
    stage.partners["momo"].tell("statement_breaks", {"drop": [stage.journal.troubles[ROLES]["dropped"]]})


def _deposit(stage: Stage, **how: bool) -> None:
    lines = [
        {
            "our_reference": row.our_reference,
            "partner_reference": row.partner_reference,
            "amount_vnd": row.amount_vnd,
            "at": row.paid_at.isoformat(),
        }
        for row in _payments(stage, "vietinbank")
        if row.business_on is not None
    ]
    first = lines[0]
    breaks: dict[str, Any] = {"amount": {first["our_reference"]: first["amount_vnd"] + TOO_MUCH_VND}}
    order = {"day": stage.plan.day.isoformat(), "lines": lines, "breaks": breaks, **how}
    stage.partners["vietinbank"].tell("deposit", order)


def _payments(stage: Stage, party: str) -> list[Any]:
    query = """SELECT our_reference, partner_reference, amount_vnd, paid_at, business_on FROM payments
               WHERE party = :party AND source_reference LIKE :name ORDER BY id"""
    return stage.rows(query, party=party, name=f"%-{stage.plan.name}-%")
