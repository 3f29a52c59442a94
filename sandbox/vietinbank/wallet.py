"""The eWallet of the bank: transactions told to it by control calls, and transactionInquiry, signed both ways.

The path and the order of what a question signs are those of partners.md §7. The bank has published neither its status
codes nor what an answer signs: those here are the stand-in's own, and the connection that it hands out names them.
"""

import base64
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from sandbox.http import Request, Response, json_response
from sandbox.state import State

ROOT = "/v1/ewallet"
INQUIRY = f"{ROOT}/transactionInquiry"
CLIENT_ID, CLIENT_SECRET = "sandbox-client-id", "sandbox-client-secret"
OURS = {"providerId": "KHANHHOA", "merchantId": "MOTCUA"}
ASKED = "queryTransactionId queryType providerId merchantId channel version language mac"
ANSWERED = "requestId providerId merchantId bankTransactionId queryTransactionId amount status.code"
CODES = {"paid": "S1", "pending": "S2", "failed": "S3"}
NOT_FOUND, LATER, SETUP = "S4", "S5", "S6"
HASHES = {"RSA-SHA1": hashes.SHA1(), "RSA-SHA256": hashes.SHA256()}  # noqa: S303  (all that was seen of the bank)

Fields = dict[str, str]


class Wallet:
    """The transactions by the name they are asked by. `insist_on` has the next answers carry these codes."""

    def __init__(self, home: Path, state: State) -> None:
        self._state, self._home = state, home
        self._bank, self._hub = _key(home / "bank_key.pem"), _key(home / "hub_key.pem")
        self.algorithm = "RSA-SHA256"
        self.insist_on: list[str] = []

    def settings(self, url: str) -> Fields:
        """Return what the bank would give a merchant with its contract."""
        return {
            "wallet_url": f"{url}{ROOT}",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "wallet_private_key": f"file:{self._home / 'hub_key.pem'}",
            "bank_certificate": _certificate(self._bank),
            "provider_id": OURS["providerId"],
            "merchant_id": OURS["merchantId"],
            "channel": "WEB",
            "api_version": "1.0",
            "query_type": "PAYMENT",
            "answer_signed": ANSWERED.replace(" ", ","),
            "answer_reference": "queryTransactionId",
            "answer_amount": "amount",
            **{f"status_{state}": code for state, code in CODES.items()},
            "status_not_found": NOT_FOUND,
            "status_later": LATER,
            "status_setup": SETUP,
        }

    def handle(self, request: Request) -> Response:
        """Answer one call as the bank's gateway does: 401 to a stranger, signed to a merchant."""
        shown = (request.headers.get("x-ibm-client-id"), request.headers.get("x-ibm-client-secret"))
        if shown != (CLIENT_ID, CLIENT_SECRET):
            return Response(401)
        try:
            asked = {str(name): str(value) for name, value in dict(request.json()).items()}
        except (ValueError, TypeError):
            return Response(400)
        return json_response(self._signed(self._answer(asked)))

    def deposit(self, request: Request) -> Response:
        """Note transactions: {"transactions": [{"reference", "amount_vnd", "state"}]}."""
        for one in request.json()["transactions"]:
            self._state.put("transaction", one["reference"], {"amount": one["amount_vnd"], "state": one["state"]})
        return json_response({})

    def order(self, request: Request) -> Response:
        """Take {"codes": [...]} to insist on, or {"algorithm": ...} to sign and verify with."""
        order = request.json()
        self.insist_on.extend(order.get("codes", ()))
        self.algorithm = order.get("algorithm", self.algorithm)
        return json_response({})

    def _answer(self, asked: Fields) -> dict[str, Any]:
        name = asked.get("queryTransactionId", "")
        answer = {**OURS, "requestId": f"R{name}", "queryTransactionId": name}
        if not self._is_ours(asked):
            return {**answer, "status": {"code": SETUP, "message": "Refused"}}
        known = self._state.get("transaction", name)
        told = {} if known is None else {"amount": str(known["amount"]), "bankTransactionId": f"VTB{name}"}
        code = NOT_FOUND if known is None else CODES[known["state"]]
        code = self.insist_on.pop(0) if self.insist_on else code
        return {**answer, **told, "status": {"code": code, "message": "As you see"}}

    def _is_ours(self, asked: Fields) -> bool:
        text = "".join(asked.get(name, "") for name in ASKED.split())
        try:
            raw = base64.b64decode(asked.get("signature", ""), validate=True)
            self._hub.public_key().verify(raw, text.encode(), padding.PKCS1v15(), HASHES[self.algorithm])
        except (ValueError, InvalidSignature):
            return False
        return {name: asked.get(name) for name in OURS} == OURS

    def _signed(self, answer: dict[str, Any]) -> dict[str, Any]:
        flat = {**answer, "status.code": answer["status"]["code"]}
        text = "".join(str(flat.get(name, "")) for name in ANSWERED.split())
        raw = self._bank.sign(text.encode(), padding.PKCS1v15(), HASHES[self.algorithm])
        return {**answer, "signature": base64.b64encode(raw).decode()}


def _key(path: Path) -> rsa.RSAPrivateKey:
    """Return the key kept at `path` (mode 0600), made the first time."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        text = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
    return cast(rsa.RSAPrivateKey, load_pem_private_key(path.read_bytes(), None))


def _certificate(key: rsa.RSAPrivateKey) -> str:
    """Return the bank's certificate as PEM: its public key is delivered so."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "VietinBank stand-in")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
    )
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
