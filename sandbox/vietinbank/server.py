"""Starts the bank: an SFTP port with the statements, and an HTTP port with the eWallet and the control calls.

Control calls of its own:
    POST   /_control/deposit          {"day", "lines": [{"our_reference", "partner_reference", "amount_vnd",
                                      "at", "kind", "fee_vnd", "state"}], "breaks": {"drop", "amount", "add"},
                                      "wrong_total": true, "truncate": true, "twice": true}
    GET    /_control/files            [{"name", "bytes"}]
    POST   /_control/change_host_key  a new host key from now on; DELETE puts the kept one back
    POST   /_control/wallet           {"transactions": [{"reference", "amount_vnd", "state": paid|pending|failed}]}
    POST   /_control/wallet_orders    {"codes": ["S5", …]}: the next answers carry these status codes;
                                      {"algorithm": "RSA-SHA1"}: sign and verify so from now on
Fault operations: "connect", "read" (see sandbox/ssh.py), "deposit" (twice) and "query" (the eWallet, as faults.py).
"""

from pathlib import Path

from sandbox.bank_statement import Form
from sandbox.faults import Faults
from sandbox.http import HttpServer, Request, Response
from sandbox.serve import Running
from sandbox.sftp_bank import SftpBank
from sandbox.state import State
from sandbox.vietinbank.wallet import INQUIRY, Wallet

BANK_BIN, ACCOUNT = "970415", "100000000001"  # NAPAS's number of the bank; nobody's account


def start(port: int, home: Path, hub_url: str) -> Running:  # noqa: ARG001  (the bank calls nobody)
    """Start the bank; its files, its host key and the hub's key live under `home`."""
    state, faults = State(home / "state.sqlite"), Faults()
    bank = SftpBank("vietinbank", port, home, form=Form("VTB"), state=state, faults=faults)
    wallet = Wallet(home, state)
    http = HttpServer(
        "vietinbank-control",
        0,
        handle=lambda request: wallet.handle(request) if _operation_of(request) else Response(404),
        operation_of=_operation_of,
        state=state,
        faults=faults,
        control=bank.control()
        | {
            ("POST", "/_control/wallet"): wallet.deposit,
            ("POST", "/_control/wallet_orders"): wallet.order,
        },
    )

    def close() -> None:
        http.close()
        bank.close()
        state.close()

    connection = {"conn_type": "truc_vietinbank", **bank.connection()}
    connection["extra"] |= wallet.settings(http.url) | {"bank_bin": BANK_BIN, "account": ACCOUNT}
    return Running("vietinbank", bank.port, http.url, connection, close)


def _operation_of(request: Request) -> str:
    return "query" if (request.method, request.path) == ("POST", INQUIRY) else ""
