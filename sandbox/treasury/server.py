"""Starts the treasury: an SFTP port for orders and confirmations, and an HTTP control port.

Control calls of its own:
    GET    /_control/remittances  [{"reference", "agency", "account", "chapter", "sub_item", "amount_vnd", "times",
                                  "said": null | {"code", "amount_vnd"}, …}]
    POST   /_control/confirm      {"at": ISO, "orders": [{"reference", "code": 00|99, "amount_vnd", "reason"}] or
                                  absent for all of which nothing was said, "part": "_2", "wrong_total": true,
                                  "truncate": true}
    POST   /_control/plant        {"feed": "confirmation", "name"}: a file that confirms an order of that name
Fault operations: "connect", "read" (see sandbox/ssh.py) and "remittance", when an order's file gets its name.
"""

from pathlib import Path
from typing import Any

from sandbox.faults import Faults
from sandbox.http import HttpServer, Request, Response, json_response
from sandbox.serve import Running
from sandbox.sftp_bank import kept_key
from sandbox.ssh import Drop, SshServer
from sandbox.state import State
from sandbox.treasury.office import CONFIRMATIONS, ORDERS, TAKEN, Office

LOGIN, PASSWORD = "khanhhoa", "sandbox-treasury"


def start(port: int, home: Path, hub_url: str) -> Running:  # noqa: ARG001  (the treasury calls nobody)
    """Start the treasury; its files, its host key and the hub's key live under `home`."""
    state, faults = State(home / "state.sqlite"), Faults()
    office = Office(home / "files", state)
    ssh = SshServer(
        "treasury",
        port,
        office.files,
        host_key=kept_key(home / "host_key"),
        login=LOGIN,
        password=PASSWORD,
        client_key=kept_key(home / "client_key"),
        state=state,
        faults=faults,
        drop=Drop(ORDERS, "remittance", office.take),
    )
    http = HttpServer(
        "treasury-control",
        0,
        handle=lambda _: json_response({"error": "the treasury speaks SFTP"}, 404),
        operation_of=lambda _: "",
        state=state,
        faults=faults,
        control={
            ("GET", "/_control/remittances"): lambda _: json_response(office.orders()),
            ("POST", "/_control/confirm"): lambda request: _done(office.confirm, request),
            ("POST", "/_control/plant"): lambda request: _done(office.plant, request),
        },
    )

    def close() -> None:
        http.close()
        ssh.close()
        state.close()

    return Running("treasury", ssh.port, http.url, _connection(ssh), close)


def _connection(ssh: SshServer) -> dict[str, Any]:
    return {
        "conn_type": "truc_treasury",
        "host": "127.0.0.1",
        "port": ssh.port,
        "login": LOGIN,
        "password": PASSWORD,
        "extra": {
            "host_key": f"{ssh.host_key.get_name()} {ssh.host_key.get_base64()}",
            "order_directory": f"/{ORDERS}",
            "order_name": "NK_{reference}.txt",
            "taken_directory": f"/{TAKEN}",
            "confirmation_directory": f"/{CONFIRMATIONS}",
            "confirmation_name": "XN_{day}*.txt",
        },
    }


def _done(act: Any, request: Request) -> Response:
    try:
        return json_response(act(request.json()))
    except (KeyError, ValueError, TypeError) as error:
        return json_response({"error": f"{type(error).__name__}: {error}"}, 400)
