"""Notices of the day: some citizens say by which channel, a night passes, and each event was told once."""

import hashlib
from collections import Counter
from typing import Any

from sandbox.day.stage import Stage
from sandbox.email.relay import SENDER
from truc.domain.notices import plain_text
from truc.messages import NoticeDue

PARTIES = ("zalo", "sms", "email")
EVERY = 4  # each so many-th citizen who asked for messages wants them by SMS

WANTING = """
    SELECT code FROM dossiers WHERE wants_sms AND channel <> 'online' AND source_reference LIKE :name
    ORDER BY source_reference
"""
# What happened, as the books of dossiers, parcels and payments hold it; the table of notices is not asked.
HAPPENED = """
    SELECT dossier_code || '/' || number AS event
    FROM dossier_history AS step JOIN dossiers ON code = dossier_code
    WHERE wants_sms AND (to_status <> 4 OR from_status = 5 OR (from_status = 6 AND due_at IS NOT NULL))
    UNION
    SELECT order_number || '/' || CASE told.state
        WHEN 'ordered' THEN 'postal_ordered'
        WHEN 'collecting' THEN 'shipment_sent'
        WHEN 'in_transit' THEN 'shipment_sent'
        ELSE 'shipment_failed/' || to_char(told.occurred_at AT TIME ZONE 'Asia/Ho_Chi_Minh', 'YYMMDD') END
    FROM shipment_events AS told JOIN shipments USING (order_number) JOIN dossiers ON code = dossier_code
    WHERE wants_sms AND direction = 'return'
        AND told.state IN ('ordered', 'collecting', 'in_transit', 'failed', 'returned')
    UNION
    SELECT our_reference || '/payment_confirmed'
    FROM payments JOIN dossiers ON code = dossier_code WHERE wants_sms AND business_on IS NOT NULL
    UNION
    SELECT our_reference || '/fee_due'
    FROM payments JOIN dossiers ON code = dossier_code
    JOIN outbox_names AS named ON named.party = payments.party AND named.external_id = our_reference
    WHERE wants_sms AND named.operation = 'payment'
"""
# Whether a payment that is over by now was in doubt, or failed before it was paid, no table of its own says.
PASSING = ("payment_in_doubt", "payment_failed")
ALIVE = """
    SELECT external_id, count(*) AS channels FROM outbox
    WHERE operation = 'message' AND party = ANY(:parties) AND NOT (state = 'superseded' AND reason = 'other_way')
    GROUP BY external_id
"""


def say_wishes(stage: Stage) -> None:
    """Let citizens say at the counter how they want to hear; the others hear as the province orders its channels."""
    by_mail = {one.reference for one in stage.plan.dossiers if one.applicant.email}
    codes = stage.rows(
        "SELECT code FROM dossiers WHERE source_reference = ANY(:references)", references=sorted(by_mail)
    )
    mailed = {row.code for row in codes}
    said: Counter[str] = Counter()
    for number, row in enumerate(stage.rows(WANTING, name=f"%-{stage.plan.name}-%")):
        channel = "email" if row.code in mailed else "sms" if number % EVERY == 0 else ""
        if channel:
            stage.one_stop.one(f"dossiers/{row.code}/wish", {"channel": channel, "wants": "as_asked"})
            said[channel] += 1
    stage.progress.say(f"{sum(said.values())} người chọn kênh nhận tin · citizens choose a channel")


def let_the_night_pass(stage: Stage) -> None:
    """Let what waits for the morning go: the day has a clock of its own, and the hub's quiet hours are real ones."""
    query = """UPDATE outbox SET not_before = now() WHERE drawer = 0 AND operation = 'message' AND state = 'waiting'
               AND attempts = 0 AND not_before > now() RETURNING id"""
    if waited := len(stage.rows(query)):
        stage.progress.say(f"{waited} tin chờ qua giờ yên lặng · messages waited for the morning")


def summary(stage: Stage, exchanges: dict[str, Any]) -> dict[str, Any]:
    """Return how notices stand, and how many messages each channel was given and has."""
    channels = {party: exchanges[f"{party}.message"] for party in PARTIES if f"{party}.message" in exchanges}
    rows = stage.rows("SELECT state, count(*) AS notices FROM notices GROUP BY state ORDER BY state")
    return {
        "sent": sum(len(one.sent) for one in channels.values()),
        "at_partner": sum(len(one.at_partner) for one in channels.values()),
        "by_channel": {party: len(one.at_partner) for party, one in channels.items()},
        "states": {row.state: row.notices for row in rows},
    }


def expect(stage: Stage, found: dict[str, Any]) -> None:
    """Hold what happened against what citizens were told: every event one message, by exactly one channel."""
    happened = {row.event for row in stage.rows(HAPPENED)}
    told = {row.event_key: row.kind for row in stage.rows("SELECT event_key, kind FROM notices")}
    stage.expect("events no citizen was told of", [], sorted(happened - told.keys())[:5], "notices")
    passing = {event for event, kind in told.items() if kind in PASSING}
    stage.expect("notices of nothing that happened", [], sorted(told.keys() - happened - passing)[:5])
    alive = {row.external_id: row.channels for row in stage.rows(ALIVE, parties=list(PARTIES))}
    stage.expect("events told by exactly one channel", len(told), sum(alive.get(one) == 1 for one in told))
    stage.expect("notices, by state", {"sent": len(told)}, found["states"], "notices")
    stage.expect("messages to citizens at the partners", len(told), found["at_partner"], stage.log("sandbox"))
    for party in PARTIES:
        stage.require(f"messages through {party}", found["by_channel"].get(party, 0), f"notify_{party}")


def sms_name(notice: NoticeDue) -> str:
    """Return how the SMS stand-in names a message: receiver and digest of the text."""
    text = plain_text(notice.notice, notice.said)
    return f"84{notice.phone.removeprefix('0')}:{hashlib.sha256(text.encode()).hexdigest()}"


def mail_name(notice: NoticeDue) -> str:
    """Return how the relay names a message: its Message-ID, which is made of our name for it."""
    return f"<{hashlib.sha256(notice.notice_id.encode()).hexdigest()}@{SENDER.rpartition('@')[2]}>"
