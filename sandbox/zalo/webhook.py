"""Zalo's webhook: tells that a message reached the citizen's phone."""

import json
from collections import Counter
from datetime import UTC, datetime
from hashlib import sha256

import requests

from sandbox.zalo.oauth import APP_ID

OA_SECRET = "sandbox-zalo-oa"  # noqa: S105  (made up for the sandbox)
TIMEOUT_S = 5


def tell(url: str, message_id: str, tracking_id: str, *, at: datetime, how: str) -> Counter[str]:
    """Send the event once, or as `how` says (twice, forged); count accepted, refused, unreachable."""
    stamp = str(int(at.astimezone(UTC).timestamp() * 1000))
    event = {
        "event_name": "user_received_message",
        "app_id": APP_ID,
        "message": {"msg_id": message_id, "tracking_id": tracking_id, "delivery_time": stamp},
        "timestamp": stamp,
    }
    body = json.dumps(event).encode()
    secret = "somebody-else" if how == "forged" else OA_SECRET
    mac = sha256(APP_ID.encode() + body + stamp.encode() + secret.encode()).hexdigest()
    return Counter(_post(url, body, f"mac={mac}") for _ in range(2 if how == "twice" else 1))


def _post(url: str, body: bytes, signature: str) -> str:
    headers = {"Content-Type": "application/json", "X-ZEvent-Signature": signature}
    try:
        answer = requests.post(url, data=body, headers=headers, timeout=TIMEOUT_S)
    except requests.RequestException:
        return "unreachable"
    return "accepted" if answer.status_code == 200 else "refused"
