"""Starts the bank: an SFTP port with the statements, and an HTTP control port.

Control calls of its own:
    POST   /_control/deposit          {"day", "lines": [{"our_reference", "partner_reference", "amount_vnd",
                                      "at", "kind", "fee_vnd", "state"}], "breaks": {"drop", "amount", "add"},
                                      "wrong_total": true, "truncate": true, "twice": true,
                                      "pgp": true, "signer": "other"}
    GET    /_control/files            [{"name", "bytes"}]
    POST   /_control/change_host_key  a new host key from now on; DELETE puts the kept one back
    GET    /_control/pgp              {"hub_private_key", "bank_certificate"}: what the hub is given of the bank's PGP
With "pgp" the file is signed by the bank (by a stranger with "signer": "other") and encrypted for the hub.
Fault operations: "connect", "read" (see sandbox/ssh.py) and "deposit" (twice).
"""

from pathlib import Path
from typing import Any

import pysequoia

from sandbox.bank_statement import Form
from sandbox.faults import Faults
from sandbox.http import HttpServer, Request, Response, json_response
from sandbox.serve import Running
from sandbox.sftp_bank import SftpBank, keep_secret
from sandbox.state import State

BANK_BIN, ACCOUNT = "970436", "200000000001"  # NAPAS's number of the bank; nobody's account
FORM = Form("VCB", days=("settled_on",))


def start(port: int, home: Path, hub_url: str) -> Running:  # noqa: ARG001  (the bank calls nobody)
    """Start the bank; its files, its keys and the hub's keys live under `home`."""
    state, faults, pgp = State(home / "state.sqlite"), Faults(), _Pgp(home)
    bank = SftpBank("vietcombank", port, home, form=FORM, state=state, faults=faults, closed=pgp.closed)
    http = HttpServer(
        "vietcombank-control",
        0,
        handle=lambda _: json_response({"error": "this bank speaks SFTP"}, 404),
        operation_of=lambda _: "",
        state=state,
        faults=faults,
        control=bank.control() | {("GET", "/_control/pgp"): pgp.keys},
    )

    def close() -> None:
        http.close()
        bank.close()
        state.close()

    connection = {"conn_type": "truc_vietcombank", **bank.connection()}
    connection["extra"] |= {"bank_bin": BANK_BIN, "account": ACCOUNT}
    return Running("vietcombank", bank.port, http.url, connection, close)


class _Pgp:
    def __init__(self, home: Path) -> None:
        self._home = home

    def closed(self, body: bytes, order: dict[str, Any]) -> bytes:
        if not order.get("pgp"):
            return body
        hub, sender = self._key("hub"), self._key(str(order.get("signer", "bank")))
        return pysequoia.encrypt(body, recipients=[hub.extract_certificate()], signer=sender.signer())

    def keys(self, _request: Request) -> Response:
        bank = self._key("bank").extract_certificate()
        return json_response({"hub_private_key": str(self._key("hub")), "bank_certificate": str(bank)})

    def _key(self, whose: str) -> pysequoia.Tsk:
        """Return the PGP key of one side, made the first time."""
        path = self._home / f"{whose}.pgp"
        if not path.exists():
            keep_secret(path, str(pysequoia.Tsk.generate(f"{whose} <{whose}@example.test>")))
        return pysequoia.Tsk.from_file(str(path))
