"""Payments: requests, citizens paying at MoMo, callbacks that come twice, never, or forged."""

import json
from datetime import UTC, datetime
from typing import Any

import requests

from sandbox.day.one_stop import in_lanes, payment_item
from sandbox.day.stage import Stage
from sandbox.faults import Mode
from sandbox.momo.signature import IPN, PARTNER_CODE, signature_of

ROLES = "payment_roles"
# Trouble, whose order, what MoMo does; and how often the gateway is called then.
CALLBACK_TROUBLES: tuple[tuple[str, str, Mode], ...] = (
    ("callback_lost", "lost", "refuse"),
    ("callback_twice", "twice", "twice"),
)
SEEN = {"callback_lost": 0, "callback_twice": 2}
TO_FORGED = [400, 204]  # a wrong signature is answered no; of a wrong amount MoMo needs to know nothing


def request(stage: Stage) -> None:
    """Ask for the day's payments; those the counter saw paid at the bank come with the proof."""
    pairs = [(one.dossier.reference, payment_item(one)) for one in stage.plan.payments]
    answers = stage.one_stop.lanes("payments", in_lanes(pairs))
    stage.answers["payments"] = answers
    taken = answers.outcomes["booked"] + answers.outcomes["known"]
    stage.expect("payment requests taken", len(pairs), taken, stage.log("gateway"))
    stage.expect("payment requests rejected", {}, dict(answers.reasons), stage.log("gateway"))
    stage.progress.say(f"{taken:,} yêu cầu thanh toán · payment requests")


def lose_answers(stage: Stage) -> None:
    """Let MoMo make two orders and not say so."""
    stage.plant("momo", "create", "drop_after", "error_after")


def citizens_pay(stage: Stage) -> None:
    """Let citizens act at MoMo: most pay, some do not; one callback is lost, one comes twice, two are forged."""
    if not stage.journal.met(ROLES):
        stage.journal.note(ROLES, _roles(stage))
    roles = stage.journal.troubles[ROLES]
    if not stage.journal.met("forged_callbacks"):
        forged = _forge(stage, roles["forged"])
        stage.expect("answers to forged callbacks", TO_FORGED, forged, stage.log("gateway"))
        stage.meet("forged_callbacks", forged if forged == TO_FORGED else [])
    for trouble, role, fault in CALLBACK_TROUBLES:
        misbehaved = _act(stage, [roles[role]], fault=fault)
        note_callback(stage, trouble, misbehaved=misbehaved, seen=_seen(stage).get(roles[role], 0))
    _act(stage, roles["refuse"], code=1006)
    _act(stage, roles["pay"])
    _confirm_callbacks(stage, roles)
    stage.progress.say(f"{len(roles['pay']) + 2} người trả qua MoMo · citizens pay at MoMo")


def _confirm_callbacks(stage: Stage, roles: dict[str, Any]) -> None:
    """The gateway must have kept each citizen's callback once, seen one of them twice, and one never."""
    seen = _seen(stage)
    told = dict.fromkeys((*roles["pay"], *roles["refuse"]), 1) | {roles["twice"]: 2, roles["lost"]: 0}
    off = {one: seen.get(one, 0) for one, times in told.items() if seen.get(one, 0) != times}
    stage.expect("callbacks kept other than as sent", {}, off, stage.log("gateway"))


def note_callback(stage: Stage, trouble: str, *, misbehaved: int, seen: int) -> None:
    """Note a lost or doubled callback when MoMo did misbehave and the gateway saw of it what it should."""
    met = misbehaved > 0 and seen == SEEN[trouble]
    stage.meet(trouble, {"misbehaved": misbehaved, "seen": seen} if met else {})


def _seen(stage: Stage) -> dict[str, int]:
    """Return our reference → how often the gateway was called about it; our own forged ones are left out."""
    query = """SELECT split_part(external_id, '/', 1) AS reference, sum(seen) AS seen FROM inbox_names
               WHERE party = 'momo' AND kind = 'ipn' AND right(external_id, 2) <> '/2' GROUP BY 1"""
    return {row.reference: int(row.seen) for row in stage.rows(query)}


def _roles(stage: Stage) -> dict[str, Any]:
    """Deal out what each citizen does, among those who were given an address to pay at."""
    query = """SELECT our_reference, amount_vnd FROM payments WHERE party = 'momo' AND state = 'pending'
               AND pay_url IS NOT NULL AND source_reference LIKE :name ORDER BY source_reference"""
    amounts = {row.our_reference: row.amount_vnd for row in stage.rows(query, name=f"%-{stage.plan.name}-%")}
    able = list(amounts)
    few = max(1, len(able) // 40)
    lost, twice, *rest = able
    refuse, forget, pay = rest[:few], rest[few : 2 * few], rest[2 * few :]
    dropped = max(pay, key=amounts.__getitem__)  # what MoMo's statement will leave out
    roles = {"lost": lost, "twice": twice, "forged": pay[0], "dropped": dropped}
    return {**roles, "refuse": refuse, "forget": forget, "pay": pay}


def _act(stage: Stage, references: list[str], *, code: int = 0, fault: Mode | None = None) -> int:
    """Let the owners of these orders act, those who have not yet; return how often MoMo misbehaved as ordered."""
    momo = stage.partners["momo"]
    open_orders = {one["reference"] for one in momo.ask("payments") if one["state"] == "pending"}
    when = {one.reference: one.pays_at for one in stage.plan.payments}
    query = "SELECT our_reference, source_reference FROM payments WHERE our_reference = ANY(:references)"
    orders = [
        {"reference": row.our_reference, "code": code, "at": when[row.source_reference].isoformat()}
        for row in stage.rows(query, references=references)
        if row.our_reference in open_orders
    ]
    if not orders:
        return 0
    before = momo.faults_met()
    if fault is not None:
        momo.misbehave("notify", fault, 1)
    momo.tell("pay", {"orders": orders})
    momo.behave()
    return (momo.faults_met() - before).total()


def _forge(stage: Stage, reference: str) -> list[int]:
    """Send a callback with a wrong signature, then a rightly signed one over another amount; return the answers."""
    amount_vnd = stage.number("SELECT amount_vnd FROM payments WHERE our_reference = :one", one=reference)
    wrong_signature = _callback(reference, amount_vnd, trans_id=1) | {"signature": "0" * 64}
    wrong_amount = _callback(reference, amount_vnd - 1_000 if amount_vnd > 1_000 else 1, trans_id=2)
    url = f"{stage.settings.gateway_url}/partners/momo/ipn"
    bodies = [json.dumps(one).encode() for one in (wrong_signature, wrong_amount)]
    headers = {"Content-Type": "application/json"}
    return [requests.post(url, data=body, headers=headers, timeout=30).status_code for body in bodies]


def _callback(reference: str, amount_vnd: int, *, trans_id: int) -> dict[str, Any]:
    fields = {
        "partnerCode": PARTNER_CODE,
        "orderId": reference,
        "requestId": reference,
        "amount": amount_vnd,
        "orderInfo": "gia mao",
        "orderType": "momo_wallet",
        "transId": trans_id,
        "resultCode": 0,
        "message": "Successful.",
        "payType": "qr",
        # Any moment will do; a fixed one makes the day the same each time.
        "responseTime": int(datetime(2026, 11, 20, 3, tzinfo=UTC).timestamp()) * 1000,
        "extraData": "",
    }
    return fields | {"signature": signature_of(fields, IPN)}
