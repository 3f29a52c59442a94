"""Starts the mail relay: an SMTP port, and an HTTP control port.

A message is known by its Message-ID: effects of operation `message` carry it, with digests of receiver and text.
Control calls of its own:
    POST /_control/insist   {"operation": "message", "codes": [451, …]}: the next texts are answered so, and not taken
Fault operation: "message" (as sandbox/faults.py). refuse, unavailable (421) and silent_before meet the connection,
error_before (451) the sender's address, the others the text; error_after is 421 after it was taken.
"""

from pathlib import Path
from typing import Any

from sandbox.email import certificate
from sandbox.email.relay import LOGIN, PASSWORD, SENDER, Mailroom, Relay
from sandbox.faults import Faults
from sandbox.http import HttpServer, Request, Response, json_response
from sandbox.serve import Running
from sandbox.state import State


def start(port: int, home: Path, hub_url: str) -> Running:  # noqa: ARG001  (a relay calls nobody)
    """Start the relay; its certificate lives under `home`."""
    public, key = certificate.kept(home)
    state, faults = State(home / "state.sqlite"), Faults()
    mailroom = Mailroom(state, faults)
    relay = Relay(port, mailroom, certificate=public, key=key)

    def insist(request: Request) -> Response:
        mailroom.insist(request.json()["codes"])
        return json_response({})

    http = HttpServer(
        "email-control",
        0,
        handle=lambda _: json_response({"error": "this party speaks SMTP"}, 404),
        operation_of=lambda _: "",
        state=state,
        faults=faults,
        control={("POST", "/_control/insist"): insist},
    )

    def close() -> None:
        http.close()
        relay.close()
        state.close()

    return Running("email", relay.port, http.url, _connection(relay.port, public), close)


def _connection(port: int, public: Path) -> dict[str, Any]:
    return {
        "conn_type": "truc_email",
        "host": "127.0.0.1",
        "port": port,
        "login": LOGIN,
        "password": PASSWORD,
        "extra": {
            "security": "starttls",
            "sender": SENDER,
            "sender_name": "Trung tâm Phục vụ hành chính công",
            "ca_file": str(public.resolve()),
        },
    }
