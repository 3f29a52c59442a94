"""Tells in words why a break is what it is: class and rule, what was tried before, the sides, the deciding steps."""

import json
from collections.abc import Iterator
from typing import get_args

from sqlalchemy import select

from truc.domain.money import format_vnd
from truc.operating.showing import at as told_at
from truc.reconcile.reading.breaks import BreakLine, BreakSeen
from truc.reconcile.reading.sides import COMPARED, SideRow
from truc.reconcile.spec import Pass
from truc.reconcile.words import (
    ACTIONS,
    BREAK_CLASSES,
    LEGS,
    PROPOSALS,
    REASONS,
    RULES,
    SIDES,
    STATES,
    Lang,
    Words,
    rule_said,
    said,
)
from truc.store.opened import Transaction
from truc.store.tables.reconciliation import RECONCILIATION_RUNS

# A rule of the statement's leg → what its steps are called in the run (truc/reconcile/engine).
STEPS_OF = {
    "exact_reference": "exact",
    "partner_reference": "partners",
    "normalised_reference": "normal",
    "amount_day": "amount",
    "batch": "batch",
    "settlement": "settlement",
    "original": "original",
}
JUDGED = ("state_differs", "amount_differs", "fee_differs", "timing")  # a pair was found, and does not agree
TEXT = {
    "tried": Words("Đã thử", "Tried"),
    "met": Words("khớp ở bước này", "met here"),
    "nothing": Words("không thấy", "found nothing"),
    "sides": Words("So sánh", "Compared"),
    "steps": Words("Bước SQL quyết định", "The steps that decided"),
    "life": Words("Quá trình", "Its life"),
    "no_steps": Words("lần chạy không lưu bước nào", "the run kept no steps"),
}


def told(line: BreakLine, lang: Lang) -> str:
    """Return a break as a line."""
    parts = [
        line.break_id,
        f"{line.business_on:%d/%m/%Y}",
        f"{line.party:<16}",
        f"{said(BREAK_CLASSES, line.break_class, lang):<26}",
        f"{format_vnd(line.at_risk_vnd):>18}",
        f"{line.our_reference or line.partner_reference:<18}",
        f"{line.age_days:>4}d",
        said(STATES, line.state, lang),
        line.assignee,
        said(REASONS, line.reason_code, lang),
    ]
    return "  ".join(part for part in parts if part)


def explained(transaction: Transaction, seen: BreakSeen, lang: Lang, *, with_sql: bool) -> Iterator[str]:
    """Yield the explanation, line by line."""
    line = seen.line
    yield told(line, lang)
    leg, rule = said(LEGS, line.leg, lang), rule_said(line.rule, lang)
    yield f"  {leg} · {rule} · {format_vnd(line.core_vnd)} − {format_vnd(line.partner_vnd)}: {line.difference_vnd:+d} đ"
    if line.leg == "statement":
        yield f"{said(TEXT, 'tried', lang)}:"
        yield from (f"  {one}" for one in _tried(line, lang))
    yield f"{said(TEXT, 'sides', lang)}:"
    yield from (f"  {_side(row, lang)}" for row in seen.sides)
    yield f"{said(TEXT, 'steps', lang)} (run {seen.last_run_id}, {seen.last_run_on:%d/%m/%Y} v{seen.last_version}):"
    yield from _steps(transaction, seen, lang, with_sql=with_sql)
    yield f"{said(TEXT, 'life', lang)}:"
    for event in seen.events:
        words = [said(ACTIONS, event.action, lang), said(PROPOSALS, event.proposal, lang), event.remark]
        yield f"  {told_at(event.at)} {event.actor}: {' · '.join(word for word in words if word)}"


def _tried(line: BreakLine, lang: Lang) -> Iterator[str]:
    """The passes in their order, up to the one that placed it."""
    stem = line.rule.partition("/")[0]
    for name in get_args(Pass):
        met = name == stem
        yield f"{said(RULES, name, lang)}: {said(TEXT, 'met' if met else 'nothing', lang)}"
        if met:
            return


def _side(row: SideRow, lang: Lang) -> str:
    def marked(name: str, value: object) -> str:
        return f"{value} (≠)" if name in row.differs else str(value)

    values = [marked(name, getattr(row, name)) for name in COMPARED if getattr(row, name) not in ("", None)]
    return f"{said(SIDES, row.side, lang)} [{row.source}] {row.kind}: {', '.join(values)}"


def _steps(transaction: Transaction, seen: BreakSeen, lang: Lang, *, with_sql: bool) -> Iterator[str]:
    query = select(RECONCILIATION_RUNS.c.sql).where(RECONCILIATION_RUNS.c.id == seen.last_run_id)
    kept = transaction.sql.execute(query).scalar_one()
    steps = json.loads(kept) if kept.startswith("[") else []
    names = _deciding(seen.line)
    found = [one for one in steps if one["name"].startswith(names)]
    if not found:
        yield f"  {said(TEXT, 'no_steps', lang)}"
    for one in found:
        yield f"  {one['name']}"
        if with_sql:
            yield from (f"    {row}" for row in one["sql"].splitlines())


def _deciding(line: BreakLine) -> tuple[str, ...]:
    """Return how the names of the deciding steps begin."""
    if line.leg in ("receipts", "remittance"):
        return (f"{line.leg}_",)
    stem = STEPS_OF.get(line.rule.partition("/")[0])
    named = [f"statement_{stem}"] if stem else ["statement_known", "statement_places"]
    return (*named, *(["statement_judged"] if line.break_class in JUDGED else []))
