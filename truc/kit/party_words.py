"""The words that fill the templates of a new party: its messages, feeds, pipelines, and what each file imports."""

from typing import Any

READS_PAYMENT = {
    "fields": "json_object, text",
    "states": "",
    "errors": True,
    "imports": "PaymentAddress, PaymentRequested",
}
READS_REFUND = {
    "fields": "amount_vnd, json_object, moment, text",
    "states": "refund_state",
    "errors": False,
    "imports": "RefundRequested, RefundResult",
}
# One row for each capability by which we send: the message, and (field, how it is made) of its document.
OPERATIONS: tuple[dict[str, Any], ...] = (
    {
        "capability": "push_dossiers",
        "name": "dossier",
        "what": "a dossier",
        "event": "DOSSIER_RECEIVED",
        "message": "DossierReceived",
        "reads": None,
        "sample": "dossier(1)",
        "fields": (
            ("reference", "message.dossier_code"),
            ("procedure", "message.procedure_code"),
            ("agency", "message.agency_code"),
            ("channel", "str(message.channel)"),
            ("applicant", "message.applicant.name"),
            ("at", "message.received_at.isoformat()"),
            ("status", "message.status"),
        ),
    },
    {
        "capability": "push_status",
        "name": "progress",
        "what": "a step of a dossier",
        "event": "STATUS_CHANGED",
        "message": "StatusChanged",
        "reads": None,
        "sample": "step(1, 4, 1)",
        "fields": (
            ("reference", 'f"{message.dossier_code}/{message.changed_at.isoformat()}"'),
            ("dossier", "message.dossier_code"),
            ("status", "message.status"),
            ("at", "message.changed_at.isoformat()"),
            ("officer", "message.officer_name"),
            ("note", "message.note"),
        ),
    },
    {
        "capability": "take_payments",
        "name": "payment",
        "what": "a payment request",
        "event": "PAYMENT_REQUESTED",
        "message": "PaymentRequested",
        "reads": READS_PAYMENT,
        "sample": "payment(1)",
        "fields": (
            ("reference", "message.our_reference"),
            ("amount", "message.amount_vnd"),
            ("purpose", "message.purpose"),
            ("at", "message.requested_at.isoformat()"),
        ),
    },
    {
        "capability": "refund",
        "name": "refund",
        "what": "a refund request",
        "event": "REFUND_REQUESTED",
        "message": "RefundRequested",
        "reads": READS_REFUND,
        "sample": "",
        "fields": (
            ("reference", "message.refund_reference"),
            ("payment", "message.our_reference"),
            ("transaction", "message.partner_reference"),
            ("amount", "message.amount_vnd"),
            ("purpose", "message.purpose"),
        ),
    },
    {
        "capability": "ship",
        "name": "order",
        "what": "an order of a parcel",
        "event": "POSTAL_REQUESTED",
        "message": "PostalRequested",
        "reads": None,
        "sample": "parcel(1)",
        "fields": (
            ("reference", "message.order_number"),
            ("direction", "message.direction"),
            ("sender", "message.sender.name"),
            ("sender_address", "message.sender.address"),
            ("receiver", "message.receiver.name"),
            ("receiver_address", "message.receiver.address"),
            ("fee", "message.fee_vnd"),
        ),
    },
    {
        "capability": "notify",
        "name": "message",
        "what": "a message to a citizen",
        "event": "NOTICE_DUE",
        "message": "NoticeDue",
        "reads": None,
        "sample": "notice(1)",
        "fields": (
            ("reference", "message.notice_id"),
            ("phone", "message.phone"),
            ("text", "message.text or unicode_text(message.notice, message.said)"),
        ),
    },
)
FEEDS: tuple[dict[str, Any], ...] = (
    {"capability": "give_dossiers", "name": "online_dossiers", "by_day": False},
    {"capability": "track", "name": "tracking", "by_day": False},
    {"capability": "fetch_statement", "name": "statement", "by_day": True},
)
RESULTS = (
    ("say_payment", "query", "the answer to a question about a payment"),
    ("call_back", "notice", "what the partner calls to say"),
)
INTEGERS = ("amount", "fee", "status")
PAID = '{"reference": "P1", "amount": 50_000, "state": "paid", "transaction": "T1", "at": AT}'
IS_PAID = '{"our_reference": "P1", "amount_vnd": 50_000, "state": "paid", "partner_reference": "T1"}'
# Capability → (mapping, a document of its kind, what it is read as); the tests of the party hold it to that.
READ = {
    "take_payments": (
        "payment",
        '{"reference": "P1", "payUrl": "https://pay.invalid/1"}',
        '{"our_reference": "P1", "pay_url": "https://pay.invalid/1"}',
    ),
    "say_payment": ("query", PAID, IS_PAID),
    "call_back": ("notice", PAID, IS_PAID),
    "refund": (
        "refund",
        PAID.replace('"paid"', '"refunded"'),
        IS_PAID.replace('"our_reference"', '"refund_reference"').replace('"paid"', '"refunded"'),
    ),
    "give_dossiers": (
        "online_dossiers",
        '{"items": [{"reference": "D1", "procedure": "1", "agency": "H32", "applicant": "A", "phone": "1", "at": AT}]}',
        '{"portal_code": "D1", "procedure_code": "1", "agency_code": "H32"}',
    ),
    "track": (
        "tracking",
        '{"items": [{"id": "1", "reference": "O1", "state": "delivered", "at": AT}]}',
        '{"event_id": "1", "order_number": "O1", "state": "delivered"}',
    ),
}


def pipelines(party: str, title: str, title_vi: str, can: set[str]) -> list[dict[str, Any]]:
    """Return the DAGs: one that sends, one per feed, one that asks about payments."""
    found: list[dict[str, Any]] = []
    sent = [one["name"] for one in OPERATIONS if one["capability"] in can]
    if sent:
        name = f"payments_{party}" if "take_payments" in can else f"send_{party}"
        words = (f"Send to {title}", f"Gửi sang {title_vi}")
        found.append(_pipeline(name, "deliver", sent, "*/5 * * * *", words))
    if "say_payment" in can:
        words = (f"Ask {title} about payments", f"Hỏi {title_vi} về các khoản thanh toán")
        found.append(_pipeline(f"ask_payments_{party}", "ask_payments", ["query"], "*/5 * * * *", words))
    for one in FEEDS:
        if one["capability"] in can:
            does, schedule = ("fetch_day", "30 2 * * *") if one["by_day"] else ("fetch", "*/10 * * * *")
            words = (f"Fetch {one['name']} from {title}", f"Lấy {one['name']} từ {title_vi}")
            found.append(_pipeline(f"{one['name']}_{party}", does, [one["name"]], schedule, words))
    return found


def _pipeline(dag_id: str, does: str, of: list[str], schedule: str, titles: tuple[str, str]) -> dict[str, Any]:
    title, title_vi = titles
    return {"dag_id": dag_id, "does": does, "of": of, "schedule": schedule, "title": title, "title_vi": title_vi}


def wall(can: set[str], *, operations: bool, cursored: bool) -> list[str]:
    """Return what a client imports from truc.envelope."""
    found = {"Answer", "Arrival", "Outgoing", "Receipt"} if operations else set()
    found |= {"Order"} if "say_payment" in can else set()
    found |= {"RefundOrder"} if "refund" in can else set()
    found |= {"Envelope", "Page"} if cursored or "fetch_statement" in can else set()
    return sorted(found) + (["digest_of"] if cursored else [])


def errors(can: set[str], *, operations: bool) -> list[str]:
    """Return what a client imports from truc.errors."""
    found = {"MalformedError"}
    found |= {"OutcomeUnknownError"} if operations else set()
    found |= {"RejectedError"} if "say_payment" in can else set()
    found |= {"SetupError", "TransientError"} if "fetch_statement" in can else set()
    return sorted(found)


def stand_in_imports(transport: str, can: set[str]) -> list[str]:
    """Return the import lines of a stand-in, in order."""
    names = "Callable"
    lines = ["import hashlib", "import hmac", "import json", "import threading"]
    lines += ["from collections import Counter"] if "take_payments" in can else []
    lines += [f"from collections.abc import {names}"]
    dated = can & {"take_payments", "give_dossiers", "track", "fetch_statement"}
    lines += ["from datetime import UTC, datetime"] if dated else []
    lines += ["from pathlib import Path", "from typing import Any"]
    lines += ["from zoneinfo import ZoneInfo"] if "fetch_statement" in can else []
    others = ["import requests"] if "call_back" in can else []
    others += ["from lxml import etree"] if transport == "soap" else []
    lines += ["", *others] if others else []
    lines += ["", "from sandbox.faults import Faults"]
    lines += ["from sandbox.http import HttpServer, Request, Response, json_response"]
    return [*lines, "from sandbox.serve import Running", "from sandbox.state import State"]


def file_stand_in_imports(party: str) -> list[str]:
    """Return the import lines of a stand-in that gives files, in order."""
    lines = [
        "from sandbox.faults import Faults",
        "from sandbox.http import HttpServer, Request, Response, json_response",
    ]
    lines += ["from sandbox.serve import Running", "from sandbox.state import State"]
    return sorted([*lines, f"from sandbox.{party}.ssh import SshServer"])


def readings(can: set[str]) -> list[tuple[str, str, str]]:
    """Return (mapping, a document it reads as one item, what that item is) for the tests."""
    return sorted(reading for capability, reading in READ.items() if capability in can)


def stated(can: set[str]) -> list[str]:
    """Return the mappings that read the state of a payment or a refund."""
    return [name for name, _, _ in readings(can) if name in ("notice", "query", "refund")]


def test_imports(party: str, can: set[str]) -> list[str]:
    """Return the import lines of the mappings' tests, in order."""
    read = sorted({name for name, _, _ in readings(can)} | ({"statement"} if "fetch_statement" in can else set()))
    lines = [f"from mappings.{party} import {', '.join(read)}"] if read else []
    sends = any(one["capability"] in can for one in OPERATIONS)
    return lines + (["from tests.truc import samples"] if sends else [])


def client_test_imports(party: str, can: set[str], *, signs: bool) -> list[str]:
    """Return the import lines of the client's tests, in order."""
    called = "call_back" in can
    lines = [f"from connectors.{party}.client import open_client"]
    lines += [f"from connectors.{party}.inbound import receive"] if called else []
    lines += [f"from connectors.{party}.signatures import DOCUMENT"] if signs else []
    lines += [f"from sandbox.{party}.server import start", "from truc.connections import Connection, from_airflow_json"]
    lines += ["from truc.errors import SetupError"]
    lines += ["from truc.inbound.callbacks import Incoming, Refused"] if called else []
    lines += ["from truc.kit import vectors"] if signs else []
    lines += ["from truc.manifest import Limits"]
    return lines + (["from truc.trust.signing import sign_bytes"] if signs else [])
