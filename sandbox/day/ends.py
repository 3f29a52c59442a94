"""How a day's payments ended, channel by channel: as planned, in a known state, and so in the partner's books too."""

from collections import Counter
from typing import Any

from sandbox.day import money, orders
from sandbox.day.channels import BANK, CHANNELS, Channel
from sandbox.day.stage import Stage

OURS_FOR = {"created": "pending"}  # an order that a stand-in has, and nobody acted on


def by_channel(stage: Stage) -> dict[str, dict[str, Any]]:
    """Return party → `count` and `amount_vnd` of what is booked, `requested`, and `states` (state → payments)."""
    query = """SELECT party, state, count(*) AS payments, count(business_on) AS booked,
                      coalesce(sum(amount_vnd) FILTER (WHERE business_on IS NOT NULL), 0) AS amount_vnd
               FROM payments WHERE source_reference LIKE :name GROUP BY party, state ORDER BY party, state"""
    found: dict[str, dict[str, Any]] = {}
    for row in stage.rows(query, name=f"%-{stage.plan.name}-%"):
        one = found.setdefault(row.party, {"count": 0, "amount_vnd": 0, "requested": 0, "states": {}})
        one["count"] += row.booked
        one["amount_vnd"] += int(row.amount_vnd)
        one["requested"] += row.payments
        one["states"][row.state] = row.payments
    return found


def expect(stage: Stage) -> None:
    """Hold every payment of the day against its plan, and against the books of the partner it went through."""
    stage.expect("payments in no known state", [], _unknown(stage), "truc payments list")
    for channel in CHANNELS:
        expect_of(stage, channel)
    states = Counter(state for state, _ in _ours(stage, BANK).values())
    stage.expect(f"{BANK}: payments by state", {"paid": money.at_bank(stage)}, dict(states), stage.log("gateway"))


def expect_of(stage: Stage, channel: Channel) -> None:
    """Hold the channel's payments, each with its state and amount, against the plan and the partner's own record."""
    ours = _ours(stage, channel.party)
    found = {one: state for one, (state, _) in ours.items()}
    told = f"{channel.party}: payments in another state than planned"
    stage.expect(told, {}, _others(money.planned(stage, channel), found), stage.log("gateway"))
    told = f"{channel.party}: payments that the partner holds otherwise"
    stage.expect(told, {}, _others(_theirs(stage, channel), ours), stage.log("sandbox"))


def booked(stage: Stage) -> int:
    """Return how many payments of the day the plan has paid."""
    online = [state for one in CHANNELS for state in money.planned(stage, one).values()]
    return online.count("paid") + money.at_bank(stage)


def _unknown(stage: Stage) -> list[str]:
    """Nobody confirmed that the partner has it, or it is in doubt and nobody goes on with it."""
    query = """SELECT our_reference FROM payments WHERE source_reference LIKE :name
               AND (state = 'created' OR (state = 'in_doubt' AND (next_step IS NULL OR owner IS NULL))) ORDER BY id"""
    return [row.our_reference for row in stage.rows(query, name=f"%-{stage.plan.name}-%")]


def _ours(stage: Stage, party: str) -> dict[str, tuple[str, int]]:
    query = """SELECT our_reference, state, amount_vnd FROM payments
               WHERE party = :party AND source_reference LIKE :name ORDER BY id"""
    rows = stage.rows(query, party=party, name=f"%-{stage.plan.name}-%")
    return {row.our_reference: (row.state, row.amount_vnd) for row in rows}


def _theirs(stage: Stage, channel: Channel) -> dict[str, tuple[str, int]]:
    of_day = orders.pays_at(stage, channel)
    held = [one for one in stage.partners[channel.party].ask("payments") if one["reference"] in of_day]
    return {one["reference"]: (OURS_FOR.get(one["state"], one["state"]), one["amount_vnd"]) for one in held}


def _others(expected: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Return reference → (expected, found) where the two differ; None for what one side does not have."""
    both = {one: (expected.get(one), found.get(one)) for one in sorted(expected.keys() | found.keys())}
    return {one: pair for one, pair in both.items() if pair[0] != pair[1]}
