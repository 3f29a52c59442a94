"""Builds the day's summary: the core is asked, every partner is asked, and the two are held against each other."""

from collections import Counter
from datetime import datetime, time
from typing import Any

from sandbox.day import books, ends, figures, finance, money, notices, statements, treasury, wallets
from sandbox.day.books import Exchange
from sandbox.day.channels import CHANNELS
from sandbox.day.morning import BAD_ITEMS
from sandbox.day.stage import Expectation, Stage
from truc.domain.calendar import BUSINESS_ZONE

CHANGES = """SELECT count(*) FROM dossier_history JOIN dossiers ON code = dossier_code
             WHERE from_status IS NOT NULL AND source_reference LIKE :name"""
PARCELS = "SELECT count(*) FROM shipments JOIN dossiers ON code = dossier_code WHERE source_reference LIKE :name"
RECEIPTS = "SELECT count(*) FROM receipts JOIN payments ON payments.id = payment_id WHERE source_reference LIKE :name"
IN_CLEARING = """SELECT sum(line.amount_vnd) FROM ledger_lines AS line
                 JOIN ledger_entries AS entry ON entry.id = entry_id
                 JOIN payments ON entry.reference = 'payment/' || our_reference
                 WHERE account LIKE 'clearing:%' AND source_reference LIKE :name"""
ON_TIME_WITHIN_PCT = 1.0  # how far the day may be from the seeds' on-time rate


# Every trouble a day plants; each must have been met, in this run or an earlier one.
TROUBLES = {
    "bad_portal_items", "portal_outage", "wrong_status_changes", "national_portal_DongBoHoSoMC_drop_after_error_after",
    "national_portal_CapNhatTienDoHoSoMC_drop_after_error_after", "vnpost_order_drop_after_error_after",
    "wrong_control_total", "statement_delivered_twice", treasury.TROUBLE, *wallets.names(),
}  # fmt: skip


def build(stage: Stage, before: dict[str, int]) -> dict[str, Any]:
    """Return the summary. `before` has the counts from before this run; they matter when the day was played earlier."""
    exchanges = books.exchanges(stage)
    same, all_dossiers = books.coverage(stage)
    summary = {
        "day": stage.plan.day.isoformat(),
        "seed": stage.plan.seed,
        "dossiers": _dossiers(stage),
        "statuses": _statuses(stage, exchanges["national_portal.progress"], same, all_dossiers),
        "shipments": _shipments(stage, exchanges["vnpost.order"]),
        "payments": _payments(stage),
        "reconciliation": _reconciliation(stage),
        "finance": finance.summary(stage),
        "remittance": treasury.summary(stage),
        "notices": notices.summary(stage, exchanges),
        "exchange": _exchange(stage, exchanges),
        "faults": _faults(stage),
    }
    if not stage.first_time:
        summary["second_run"] = added(before, counts(stage))
    _expect(stage, summary, exchanges)
    return summary


def counts(stage: Stage) -> dict[str, int]:
    """Return every table's rows and every partner's effects: what a second run must leave as it is."""
    tables = {f"core.{name}": rows for name, rows in books.count_tables(stage).items()}
    return tables | books.count_effects(stage.partners)


def added(before: dict[str, int], after: dict[str, int]) -> dict[str, Any]:
    """Return how much a run added, and where."""
    where = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
    return {"added": sum(abs(rows) for rows in where.values()), "where": where}


def verdict(expectations: list[Expectation]) -> str:
    """Return "ok" when everything came as expected."""
    return "ok" if all(one.holds for one in expectations) else "not as expected"


def _dossiers(stage: Stage) -> dict[str, Any]:
    query = """SELECT count(*) AS received, count(*) FILTER (WHERE channel = 'online') AS online,
                      count(*) FILTER (WHERE wants_postal_return) AS by_post
               FROM dossiers WHERE source_reference LIKE :name AND received_at >= :begins"""
    begins = datetime.combine(stage.plan.day, time(), BUSINESS_ZONE)
    came = stage.rows(query, name=f"%-{stage.plan.name}-%", begins=begins)[0]
    query = """SELECT count(*) AS finished, count(*) FILTER (WHERE due_at IS NULL OR finished_at <= due_at) AS on_time
               FROM dossiers WHERE source_reference LIKE :name AND status IN (9, 10)"""
    went = stage.rows(query, name=f"%-{stage.plan.name}-%")[0]
    return {
        "received": came.received,
        "online": came.online,
        "online_pct": _percent(came.online, came.received),
        "by_post": came.by_post,
        "finished": went.finished,
        "on_time": went.on_time,
        "on_time_pct": _percent(went.on_time, went.finished),
        "in_core": stage.number("SELECT count(*) FROM dossiers"),
    }


def _statuses(stage: Stage, progress: Exchange, same: int, all_dossiers: int) -> dict[str, Any]:
    return {
        "changed": stage.number("SELECT count(*) FROM dossier_history WHERE from_status IS NOT NULL"),
        "at_partner": len(progress.at_partner),
        "dossiers_standing_the_same": same,
        "coverage_pct": _percent(same, all_dossiers),
    }


def _shipments(stage: Stage, orders: Exchange) -> dict[str, Any]:
    rows = stage.rows("SELECT state, count(*) AS parcels FROM shipments GROUP BY state ORDER BY state")
    states = {row.state: row.parcels for row in rows}
    ordered = stage.number("SELECT count(*) FROM shipments WHERE ordered_at IS NOT NULL")
    return {"ordered": ordered, "at_partner": len(orders.at_partner), "states": states}


def _payments(stage: Stage) -> dict[str, Any]:
    channels, name = ends.by_channel(stage), f"%-{stage.plan.name}-%"
    count, amount_vnd = (sum(one[what] for one in channels.values()) for what in ("count", "amount_vnd"))
    states = sum((Counter(one["states"]) for one in channels.values()), Counter[str]())
    return {
        "count": count,
        "amount_vnd": amount_vnd,
        "mean_vnd": round(amount_vnd / count) if count else 0,
        "by_channel": channels,
        "states": dict(sorted(states.items())),
        "found_by_asking": stage.journal.troubles.get(wallets.FOUND, {}),
        "receipts": stage.number(RECEIPTS, name=name),
        "ledger_clearing_vnd": stage.number(IN_CLEARING, name=name),
    }


def _reconciliation(stage: Stage) -> dict[str, Any]:
    query = """SELECT DISTINCT ON (party) id, party, core_vnd, partner_vnd FROM reconciliation_runs
               WHERE business_on = :day ORDER BY party, version DESC"""
    runs = stage.rows(query, day=stage.plan.day)
    channels = {row.party: _channel(stage, row) for row in runs}
    query = "SELECT break_class, difference_vnd FROM reconciliation_breaks WHERE run_id = ANY(:runs)"
    breaks = stage.rows(query, runs=[row.id for row in runs])
    return {
        "matched": sum(one["matched"] for one in channels.values()),
        "breaks": dict(sorted(Counter(row.break_class for row in breaks).items())),
        "breaks_vnd": _sums(breaks),
        **totals([row.difference_vnd for row in breaks]),
        "by_channel": channels,
    }


def _channel(stage: Stage, run: Any) -> dict[str, Any]:
    """Return a party's day: the sums of both sides, how many payments met a line or a receipt, its breaks by class."""
    query = "SELECT leg, count(*) AS places FROM reconciliation_matches WHERE run_id = :run GROUP BY leg"
    matched = {row.leg: row.places for row in stage.rows(query, run=run.id)}
    query = """SELECT break_class, count(*) AS places FROM reconciliation_breaks WHERE run_id = :run
               GROUP BY break_class ORDER BY break_class"""
    return {
        "core_vnd": run.core_vnd,
        "partner_vnd": run.partner_vnd,
        "matched": matched.get("statement", 0),
        "with_receipt": matched.get("receipts", 0),
        "breaks": {row.break_class: row.places for row in stage.rows(query, run=run.id)},
    }


def totals(differences: list[int]) -> dict[str, int]:
    """Return what the breaks come to, in đồng: netted, and gross, where no two hide each other."""
    return {"difference_vnd": sum(differences), "gross_vnd": sum(map(abs, differences))}


def _exchange(stage: Stage, exchanges: dict[str, Exchange]) -> dict[str, Any]:
    rows = stage.rows(
        "SELECT party || '.' || reason AS what, count(*) AS items FROM set_aside"
        " WHERE resolved_how IS DISTINCT FROM 'superseded' GROUP BY 1 ORDER BY 1"  # that went another way
    )
    reasons = {row.what: row.items for row in rows}
    return {
        "sent": sum(len(one.sent) for one in exchanges.values()),
        "waiting": sum(one.waiting for one in exchanges.values()),
        "lost": sum(one.lost for one in exchanges.values()),
        "doubled": sum(one.doubled for one in exchanges.values()),
        "unexplained": sum(one.unexplained for one in exchanges.values()),
        "set_aside": sum(reasons.values()),
        "set_aside_reasons": reasons,
    }


def _faults(stage: Stage) -> dict[str, Any]:
    calls = {
        f"{party}.{what}": times
        for party, one in stage.partners.items()
        for what, times in sorted(one.faults_met().items())
    }
    troubles = {name: value for name, value in stage.journal.troubles.items() if name != money.PARTS}
    return {"met": len(troubles), "troubles": troubles, "calls_in_this_run": calls}


def _expect(stage: Stage, summary: dict[str, Any], exchanges: dict[str, Exchange]) -> None:
    """Hold what was found against what was planned, and each partner's books against ours."""
    plan = stage.plan
    of_day, online = len(plan.today), sum(one.online for one in plan.today)
    stage.expect("dossiers received", of_day, summary["dossiers"]["received"])
    stage.expect("dossiers online", online, summary["dossiers"]["online"])
    ended = [one for one in plan.dossiers if one.finished_at is not None]
    stage.expect("dossiers on time", sum(one.on_time for one in ended), summary["dossiers"]["on_time"])
    stage.expect("due dates other than promised", [], _other_due_dates(stage))
    if len(ended) >= 500:
        off = abs(summary["dossiers"]["on_time_pct"] - 100 * figures.ON_TIME_SHARE)
        stage.expect("on-time rate, points off the seeds'", 0, int(off / ON_TIME_WITHIN_PCT))
    changes = sum(len(one.moves) for one in plan.dossiers)
    stage.expect("status changes of the day", changes, stage.number(CHANGES, name=f"%-{plan.name}-%"))
    stage.expect("status changes at the portal", summary["statuses"]["changed"], summary["statuses"]["at_partner"])
    expect_coverage(stage, summary)
    for name, one in exchanges.items():
        where = stage.log("sandbox")
        stage.expect(f"{name}: lost, doubled, unexplained", (0, 0, 0), (one.lost, one.doubled, one.unexplained), where)
        stage.expect(f"{name}: still waiting", 0, one.waiting, "truc exchange")
    parcels = sum(one.wants_postal_return for one in plan.dossiers)
    stage.expect("parcels of the day", parcels, stage.number(PARCELS, name=f"%-{plan.name}-%"))
    shipments = summary["shipments"]
    stage.expect("parcels at the post", shipments["ordered"], shipments["at_partner"], "postal_orders")
    notices.expect(stage, summary["notices"])
    _expect_money(stage, summary)
    treasury.expect(stage, summary["remittance"])
    stage.expect("planted troubles not met", [], unmet(stage.journal.troubles))
    planted = sum((planted_reasons(troubles) for troubles in stage.journal.troubles_of_all_days()), Counter[str]())
    stage.expect("set aside, by reason", dict(sorted(planted.items())), summary["exchange"]["set_aside_reasons"])
    if not stage.first_time:
        stage.expect("added by the second run", {}, summary["second_run"]["where"])


def expect_coverage(stage: Stage, summary: dict[str, Any]) -> None:
    """Hold every dossier of ours, and not a rounded share of them, against the portal's books."""
    same, all_dossiers = summary["statuses"]["dossiers_standing_the_same"], summary["dossiers"]["in_core"]
    stage.expect("dossiers that stand at the portal as here", all_dossiers, same, "status_push")


def _other_due_dates(stage: Stage) -> list[str]:
    """Return the dossiers of the day whose due date in the core is not the planned one, pauses included."""
    query = "SELECT source_reference, due_at FROM dossiers WHERE source_reference LIKE :name"
    due = {row.source_reference: row.due_at for row in stage.rows(query, name=f"%-{stage.plan.name}-%")}
    return [one.reference for one in stage.plan.dossiers if due.get(one.reference) != one.due_at]


def _expect_money(stage: Stage, summary: dict[str, Any]) -> None:
    ends.expect(stage)
    stage.expect("payments booked", ends.booked(stage), summary["payments"]["count"], "payment_callbacks")
    stage.expect("receipts, one each", summary["payments"]["count"], summary["payments"]["receipts"])
    in_ledger = summary["payments"]["ledger_clearing_vnd"]
    stage.expect("đồng in the ledger", summary["payments"]["amount_vnd"], in_ledger)
    breaks, differences = statements.expected_breaks(stage)
    found = summary["reconciliation"]
    stage.expect("breaks by class", breaks, found["breaks"], statements.DAG)
    for name, expected_vnd in totals(differences).items():
        stage.expect(f"reconciliation, {name}", expected_vnd, found[name], statements.DAG)
    compared = sum(summary["payments"]["by_channel"][party]["count"] for party in statements.GIVING)
    stage.expect("parties reconciled", sorted(statements.GIVING), sorted(found["by_channel"]), statements.DAG)
    # But for the amount that the bank tells wrongly, and the one that the wallet's statement leaves out.
    stage.expect("payments matched", compared - 2, found["matched"], statements.DAG)
    with_receipt = sum(one["with_receipt"] for one in found["by_channel"].values())
    stage.expect("payments with their receipt", compared, with_receipt, statements.DAG)


def unmet(troubles: dict[str, Any]) -> list[str]:
    """Return the planted troubles of which there is no evidence."""
    return sorted(name for name in TROUBLES if not troubles.get(name))


def planted_reasons(troubles: dict[str, Any]) -> Counter[str]:
    """Return what the troubles of one day leave set aside, by party and reason."""
    made = {
        "forged_callbacks": {"momo.amount_differs": 1, "momo.bad_signature": 1},
        "bad_portal_items": {f"national_portal.{reason}": items for reason, items in BAD_ITEMS.items()},
        "wrong_control_total": {"vietinbank.control_total_differs": 1, "vietinbank.same_id_other_bytes": 1},
        treasury.TROUBLE: {"treasury.remittance_refused": 1},
    }
    found = Counter({reason: n for name, reasons in made.items() if name in troubles for reason, n in reasons.items()})
    # Whoever asked for an order and got no answer has no address to pay at: a person asks anew.
    for one in CHANNELS:
        unheard = troubles.get(wallets.name_of_unheard(one), {})
        found[f"{one.party}.pay_url_not_given"] = sum(unheard.values())
    return +found


def _sums(breaks: list[Any]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for row in breaks:
        found[row.break_class] += row.difference_vnd
    return dict(sorted(found.items()))


def _percent(part: int, whole: int) -> float:
    """Return a share rounded down, so that 100.0 means all."""
    return 10_000 * part // whole / 100 if whole else 0.0
