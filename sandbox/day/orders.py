"""The orders of a day at one channel: what citizens do with them there, and which have no end yet."""

from typing import Any

import requests

from sandbox.day.channels import Channel
from sandbox.day.stage import Stage
from sandbox.faults import Mode

OPEN = ("created", "pending")  # a stand-in's words for an order that may still be paid
OF_DAY = """SELECT our_reference, source_reference, state, pay_url FROM payments
            WHERE party = :party AND source_reference LIKE :name ORDER BY source_reference"""


def open_pages(stage: Stage, channel: Channel) -> None:
    """Let every citizen open the pay page once, whether they will pay or not."""
    known = {one["reference"] for one in stage.partners[channel.party].ask("payments")}
    closed = []
    with requests.Session() as browser:
        browser.trust_env = False
        for row in _of_day(stage, channel):
            if row.pay_url is not None and row.our_reference not in known:
                answer = browser.get(row.pay_url, timeout=30, allow_redirects=False)
                closed += [] if answer.status_code == 200 else [row.our_reference]
    stage.expect(f"pay pages that did not open: {channel.party}", [], closed, stage.log("sandbox"))


def act(stage: Stage, channel: Channel, references: list[str], *, code: str = "", fault: Mode | None = None) -> int:
    """Let the owners of these orders act, those who have not yet; return how often the partner misbehaved as ordered.

    `code` is the partner's own for how it ends, "" for paid. The partner calls the hub, unless its fault is not to.
    """
    partner, orders = stage.partners[channel.party], _acts(stage, channel, references, code)
    if not orders:
        return 0
    before = partner.faults_met()
    if fault is not None:
        partner.misbehave("notify", fault, 1)
    partner.tell("pay", {"orders": orders})
    partner.behave()
    return (partner.faults_met() - before).total()


def lapse(stage: Stage, channel: Channel) -> None:
    """Let what nobody paid lapse at a partner where it does; the partner calls nobody about that."""
    if channel.lapsed is None:
        return
    orders = _acts(stage, channel, sorted(still_open(stage, channel)), channel.lapsed.code)
    if orders:
        stage.partners[channel.party].tell("pay", {"orders": orders, "notify": False})


def still_open(stage: Stage, channel: Channel) -> set[str]:
    """Return the references of the day's orders that may still be paid, by the partner's own books."""
    theirs = stage.partners[channel.party].ask("payments")
    return {one["reference"] for one in theirs if one["state"] in OPEN} & pays_at(stage, channel).keys()


def pays_at(stage: Stage, channel: Channel) -> dict[str, str]:
    """Return our reference → when its citizen acts (ISO), of every payment of the day through the channel."""
    when = {one.reference: one.pays_at.isoformat() for one in stage.plan.payments}
    return {row.our_reference: when[row.source_reference] for row in _of_day(stage, channel)}


def payable(stage: Stage, channel: Channel) -> list[str]:
    """Return the references of the day's payments that have no end, and an address where the citizen pays."""
    rows = _of_day(stage, channel)
    return [row.our_reference for row in rows if row.state == "pending" and row.pay_url is not None]


def pending(stage: Stage, channel: Channel) -> list[str]:
    """Return the references of the day's payments that have no end yet."""
    return [row.our_reference for row in _of_day(stage, channel) if row.state == "pending"]


def _acts(stage: Stage, channel: Channel, references: list[str], code: str) -> list[dict[str, str]]:
    may, when, ending = still_open(stage, channel), pays_at(stage, channel), {"code": code} if code else {}
    return [{"reference": one, "at": when[one], **ending} for one in references if one in may]


def _of_day(stage: Stage, channel: Channel) -> list[Any]:
    return stage.rows(OF_DAY, party=channel.party, name=f"%-{stage.plan.name}-%")
