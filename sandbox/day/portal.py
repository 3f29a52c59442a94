"""The national portal's bad day: an outage while all waits, answers lost after the effect, status changes."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from sandbox.day.generate import moves_in_order
from sandbox.day.one_stop import in_lanes, status_item
from sandbox.day.stage import Stage

PORTAL = "national_portal"
PUSH_DOSSIER, PUSH_PROGRESS = "DongBoHoSoMC", "CapNhatTienDoHoSoMC"
LOST_ANSWERS = 2  # of each of the two kinds, fewer in a row than the hub takes for an outage
# The first calls after an outage try the line: those are spared, or it would count as the same outage.
SPARED = 4
FOR_EVER = 1_000_000
TO_WRONG = ["known", "late", "rejected"]  # the answers to a repeated change, a late one, an unknown one


@contextlib.contextmanager
def outage(stage: Stage) -> Iterator[None]:
    """Let the portal be away while the block runs; at its end the hub pushes into the outage, and all waits."""
    if stage.journal.met("portal_outage"):
        yield
        return
    portal = stage.partners[PORTAL]
    before, earlier = len(portal.effects(PUSH_DOSSIER)), portal.faults_met()
    portal.misbehave("*", "refuse", 4)
    portal.misbehave("*", "unavailable", FOR_EVER)
    try:
        yield
        stage.run("status_push")
    finally:
        portal.behave()
    waiting, calls = stage.open_messages(PORTAL), (portal.faults_met() - earlier).total()
    stage.expect("pushed during the outage", before, len(portal.effects(PUSH_DOSSIER)), "status_push")
    stage.require("messages wait after the outage", waiting, "status_push")
    stage.require("calls that met the outage", calls, "status_push")
    stage.meet("portal_outage", {"waiting": waiting, "refused_calls": calls} if waiting and calls else {})
    stage.progress.say(f"Cổng mất kết nối: {waiting:,} bản tin chờ · portal away, {waiting:,} messages wait")


def lose_answers(stage: Stage, operation: str, *, after: int = 0) -> None:
    """Order lost answers after so many calls: the portal does it, and the hub never hears so."""
    stage.plant(PORTAL, operation, "drop_after", "error_after", times=LOST_ANSWERS, after=after)


def push_dossiers(stage: Stage) -> None:
    """Send the dossiers; the portal takes some and does not say so."""
    lose_answers(stage, PUSH_DOSSIER, after=SPARED)
    time.sleep(stage.line_opens_in_s(PORTAL))
    stage.run("status_push")
    stage.confirm()


def change_statuses(stage: Stage) -> None:
    """Report the day's status changes in order, with one repeated, one late and one of an unknown code."""
    moves = moves_in_order(stage.plan)
    pairs = [(one.reference, status_item(one, move)) for one, move in moves]
    answers = stage.one_stop.lanes("statuses", in_lanes(pairs))
    wrong = stage.one_stop.batch("statuses", _wrong(stage))
    stage.answers["statuses"] = answers
    stage.expect("status changes rejected", {}, dict(answers.reasons), stage.log("gateway"))
    outcomes = [one["outcome"] for one in wrong]
    stage.expect("repeated, late, unknown change", TO_WRONG, outcomes, stage.log("gateway"))
    stage.expect("reason of the unknown change", "unknown_status", wrong[-1].get("reason"), stage.log("gateway"))
    booked = answers.outcomes["booked"]
    stage.meet("wrong_status_changes", outcomes if outcomes == TO_WRONG else [])
    stage.progress.say(f"{booked:,} lượt chuyển trạng thái · status changes booked")


def _wrong(stage: Stage) -> list[dict[str, Any]]:
    """Return the last change of a dossier again, an older one, and one with a code that does not exist."""
    one = next(one for one in stage.plan.today if len(one.moves) > 1 and not one.online)
    first, last = status_item(one, one.moves[0]), status_item(one, one.moves[-1])
    return [last, first, {**last, "status": 42}]
