"""The life of a break: given to somebody, commented, proposed for, approved by a second person, carried forward.

Every step is one row more in the chained list of events, in the transaction of the step. A step first takes the break's
row, so of two that meet exactly one is done, and the other is told what the break has become. Wrong steps raise
MalformedError that names the field and the way out.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import func, insert, select

from truc.errors import MalformedError
from truc.reconcile.words import DECISIONS, EXECUTED, PROPOSALS, REASONS
from truc.reconcile.work.attached import media_type
from truc.reconcile.work.roles import Actor, Deed, require
from truc.store import breaks
from truc.store.breaks import Item, Step
from truc.store.opened import Transaction, as_storable
from truc.store.tables.breaks import BREAK_ATTACHMENTS

NAME_MAX, REMARK_MAX, AT_ONCE_MAX = 200, 2_000, 5_000
SEALED_AS = "break_attachments.body"
WORKED_ON = ("open", "assigned")


def assign(transaction: Transaction, break_ids: Sequence[str], *, to: str, by: Actor, remark: str = "") -> int:
    """Give the breaks to somebody; all or none. Return how many changed hands. Resolved and proposed ones are refused.

    `to` "" takes them back to nobody.
    """
    require(by, Deed.ASSIGN)
    whose = as_storable(to.strip())
    if len(whose) > NAME_MAX:
        raise MalformedError(f"to: at most {NAME_MAX} characters", reason="name_too_long")
    said = _remark(remark, needed=False)

    def given(item: Item) -> Item:
        return replace(item, state="assigned" if whose else "open", assignee=whose)

    return _each(transaction, break_ids, given, by=by, action="assigned", remark=said)


def comment(transaction: Transaction, break_id: str, *, by: Actor, remark: str) -> None:
    """Write a remark into the break's life, whatever its state."""
    require(by, Deed.COMMENT)
    said = _remark(remark)
    item = breaks.get_locked(transaction, break_id)
    _keep(transaction, item, item, by=by, action="commented", remark=said)


def attach(transaction: Transaction, break_id: str, *, by: Actor, name: str, body: bytes) -> int:
    """Keep a file with the break, sealed; return its number. The same bytes again are the attachment that is there.

    What may be attached is told by attached.media_type, which refuses the rest.
    """
    require(by, Deed.ATTACH)
    called = _file_name(name)
    kind = media_type(called, body)
    item = breaks.get_locked(transaction, break_id)
    digest = hashlib.sha256(body).hexdigest()
    same = select(BREAK_ATTACHMENTS.c.number).where(BREAK_ATTACHMENTS.c.break_id == break_id)
    known = transaction.sql.execute(same.where(BREAK_ATTACHMENTS.c.digest == digest)).scalar()
    if known is not None:
        return int(known)
    last = select(func.coalesce(func.max(BREAK_ATTACHMENTS.c.number), 0))
    number = int(transaction.sql.execute(last.where(BREAK_ATTACHMENTS.c.break_id == break_id)).scalar_one()) + 1
    transaction.sql.execute(
        insert(BREAK_ATTACHMENTS).values(
            break_id=break_id,
            number=number,
            name=called,
            media_type=kind,
            digest=digest,
            bytes=len(body),
            body=transaction.sealer.seal(body, context=SEALED_AS),
            by=by.name,
        )
    )
    _keep(transaction, item, item, by=by, action="attached", remark=f"{number} {called} sha256:{digest}")
    return number


def propose(
    transaction: Transaction, break_id: str, *, by: Actor, proposal: str, reason_code: str, remark: str
) -> None:
    """Propose how to end the break: a kind of words.PROPOSALS, a reason of words.REASONS, and why in words."""
    require(by, Deed.PROPOSE)
    if proposal not in PROPOSALS:
        raise MalformedError(f"proposal: must be one of {', '.join(PROPOSALS)}", reason="proposal_unknown")
    if reason_code not in REASONS or reason_code == "carried":
        allowed = ", ".join(code for code in REASONS if code != "carried")
        raise MalformedError(
            f"reason_code: must be one of {allowed}; to carry it forward is a step of its own", reason="reason_unknown"
        )
    said = _remark(remark)
    item = breaks.get_locked(transaction, break_id)
    _require_state(item, WORKED_ON, "to propose")
    fitting = (*DECISIONS, *EXECUTED.get(item.break_class, ()))
    if proposal not in fitting:
        text = f"proposal: {proposal} does not fit {item.break_class}; one of {', '.join(fitting)} does"
        raise MalformedError(text, reason="proposal_unfit")
    after = replace(
        item,
        state="proposed",
        proposal=proposal,
        proposal_text=said,
        reason_code=reason_code,
        proposed_by=by.name,
        proposed_at=breaks.clock(transaction),
        approved_by=None,
        approved_at=None,
    )
    _keep(transaction, item, after, by=by, action="proposed", remark=said)


def approve(transaction: Transaction, break_id: str, *, by: Actor, remark: str = "") -> None:
    """Approve a decision (words.DECISIONS): the break is resolved.

    What is to be done through the exchange is approved by truc.operating.breaks.approve, which does it too.
    """
    item = proposed_for(transaction, break_id, by=by)
    if item.proposal not in DECISIONS:
        raise MalformedError(
            f"proposal: {item.proposal} is done when it is approved: truc.operating.breaks.approve",
            reason="to_be_executed",
        )
    end(transaction, item, by=by, remark=remark)


def reject(transaction: Transaction, break_id: str, *, by: Actor, remark: str) -> None:
    """Refuse the proposal: the break goes back to who proposed it, with the remark."""
    require(by, Deed.APPROVE)
    said = _remark(remark)
    item = breaks.get_locked(transaction, break_id)
    _require_state(item, ("proposed",), "to reject")
    after = _back_at_work(item)
    _keep(transaction, item, after, by=by, action="rejected", remark=said)


def carry_forward(transaction: Transaction, break_ids: Sequence[str], *, by: Actor, remark: str) -> int:
    """Say of open breaks that they go on to the next day, seen (reason `carried`); all or none; return how many."""
    require(by, Deed.CARRY)
    said = _remark(remark)

    def carried(item: Item) -> Item:
        return replace(item, reason_code="carried")

    return _each(transaction, break_ids, carried, by=by, action="carried", remark=said)


def proposed_for(transaction: Transaction, break_id: str, *, by: Actor) -> Item:
    """Return the break, locked, where this person may approve what is proposed for it; else raise MalformedError."""
    require(by, Deed.APPROVE)
    item = breaks.get_locked(transaction, break_id)
    _require_state(item, ("proposed",), "to approve")
    if by.is_also(item.proposed_by or ""):
        text = f"actor: {by.name} proposed this; a second person approves it"
        raise MalformedError(text, reason="same_person")
    return item


def end(transaction: Transaction, item: Item, *, by: Actor, remark: str = "", done: str = "") -> None:
    """Resolve a locked break by what was proposed; `done` says what was done through the exchange, where something was.

    Take the item from `proposed_for`.
    """
    at = breaks.clock(transaction)
    approved = replace(item, approved_by=by.name, approved_at=at)
    after = replace(approved, state="resolved", resolved_at=at, resolution=item.proposal)
    said = _remark(remark, needed=False)
    steps = [Step(before=item, after=approved if done else after, actor=by.name, action="approved", remark=said)]
    if done:
        steps.append(Step(before=approved, after=after, actor=by.name, action="executed", remark=done))
    breaks.keep_steps(transaction, steps)


def ask_on(transaction: Transaction, item: Item, *, by: Actor, remark: str = "", done: str = "") -> None:
    """Give a locked break back to who proposed to ask: it was asked, and the answer decides. See `end`."""
    approved = replace(item, approved_by=by.name, approved_at=breaks.clock(transaction))
    said = _remark(remark, needed=False)
    steps = [
        Step(before=item, after=approved, actor=by.name, action="approved", remark=said),
        Step(before=approved, after=_back_at_work(approved), actor=by.name, action="executed", remark=done),
    ]
    breaks.keep_steps(transaction, steps)


def _back_at_work(item: Item) -> Item:
    """As before the proposal, in the hands of who made it."""
    return replace(
        item,
        state="assigned",
        assignee=item.assignee or item.proposed_by or "",
        reason_code="",
        proposal="",
        proposal_text="",
        proposed_by=None,
        proposed_at=None,
        approved_by=None,
        approved_at=None,
    )


def _each(
    transaction: Transaction,
    break_ids: Sequence[str],
    change: Callable[[Item], Item],
    *,
    by: Actor,
    action: str,
    remark: str,
) -> int:
    """Make one step with each break that it changes, where it may be made with all."""
    wanted = set(break_ids)
    if not 0 < len(wanted) <= AT_ONCE_MAX:
        raise MalformedError(f"break_ids: 1 to {AT_ONCE_MAX:,} at once", reason="break_ids_count")
    found = breaks.locked(transaction, wanted)
    for break_id in sorted(wanted):
        if break_id not in found:
            raise breaks.unknown(break_id)
        _require_state(found[break_id], WORKED_ON, f"to be {action}")
    changed = [(item, change(item)) for _, item in sorted(found.items())]
    steps = [
        Step(before=before, after=after, actor=by.name, action=action, remark=remark)
        for before, after in changed
        if before != after
    ]
    breaks.keep_steps(transaction, steps)
    return len(steps)


def _keep(transaction: Transaction, before: Item, after: Item, *, by: Actor, action: str, remark: str) -> None:
    step = Step(before=before, after=after, actor=by.name, action=action, remark=remark)
    breaks.keep_steps(transaction, [step])


def _require_state(item: Item, states: Sequence[str], what: str) -> None:
    if item.state not in states:
        text = f"break_id: {item.break_id} is {item.state}; {what} it must be {' or '.join(states)}"
        raise MalformedError(text, reason=f"is_{item.state}")


def _remark(remark: str, *, needed: bool = True) -> str:
    said = as_storable(remark.strip())
    if needed and not said:
        raise MalformedError("remark: must not be blank; say why", reason="remark_missing")
    if len(said) > REMARK_MAX:
        raise MalformedError(f"remark: at most {REMARK_MAX:,} characters", reason="remark_too_long")
    return said


def _file_name(name: str) -> str:
    called = as_storable(name.strip())
    if not 0 < len(called) <= NAME_MAX or "/" in called or "\\" in called or not called.isprintable():
        text = f"name: a file's name of 1 to {NAME_MAX} characters, without a path"
        raise MalformedError(text, reason="name_malformed")
    return called
