"""What a connection adds to ThongTinBienLai: beneficiary accounts, service codes, codes of kinds that are unpublished.

Only MaDichVu 1 (fines) and 2 (fees) are published (partners.md §9.1). For every other kind the connection says the
code, and in which field the platform wants which detail; without that the payment is refused here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from truc.connections import Connection
from truc.errors import RejectedError, SetupError

PARTY = "national_payment"
FEES, FINE = "2", "1"
ANY_AGENCY = "*"
ACCOUNT = {"account": "TKThuHuong", "bank": "MaNHThuHuong", "name": "TenTKThuHuong"}

Table = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """`kinds`: kind → field → a text, or {detail}; `accounts`: agency, or * for any other → account, bank, name."""

    kinds: Table
    accounts: Table
    service_suffix: str
    form: Literal["object", "text"]

    def completed(self, order: Mapping[str, Any]) -> object:
        """Return ThongTinBienLai as INIT sends it; raise as `filled`."""
        receipt = self.filled(order)
        return receipt if self.form == "object" else json.dumps(receipt, ensure_ascii=False, separators=(",", ":"))

    def filled(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of the bill; RejectedError for a kind or an agency the connection does not know."""
        receipt = dict(order["ThongTinBienLai"])
        if receipt["MaDichVu"] == FEES:
            receipt |= self._of_fees(receipt)
        elif receipt["MaDichVu"] != FINE:
            receipt |= self._of_kind(order["kind"], order["details"])
        return receipt

    def _of_fees(self, receipt: Mapping[str, str]) -> dict[str, str]:
        procedure, suffix = receipt["MaTTHC"], self.service_suffix
        service = {"MaDVC": f"{procedure}{suffix}", "TenDVC": receipt["TenTTHC"]} if procedure and suffix else {}
        if not self.accounts:
            return service
        account = self.accounts.get(receipt["MaDonVi"]) or self.accounts.get(ANY_AGENCY)
        if account is None:
            raise RejectedError(f"{PARTY}: accounts names none for the collecting agency", reason="no_account")
        return service | {field: account[ours] for ours, field in ACCOUNT.items()}

    def _of_kind(self, kind: str, details: Mapping[str, str]) -> dict[str, str]:
        wanted = self.kinds.get(kind)
        if wanted is None:
            text = f"{PARTY}: the setting kinds does not hold {kind}: ask the platform for its MaDichVu and fields"
            raise RejectedError(text, reason="kind_not_configured")
        return {field: _filled(value, details) for field, value in wanted.items()}


def of_connection(connection: Connection) -> Receipts:
    """Return what this connection adds; SetupError for a setting that cannot be."""
    as_text = connection.optional("receipt_as_text", "no")
    if as_text not in ("yes", "no"):
        raise SetupError(f"{PARTY}: receipt_as_text must be yes or no", reason="setting_malformed")
    return Receipts(
        kinds=read_kinds(connection.optional("kinds")),
        accounts=read_accounts(connection.optional("accounts")),
        service_suffix=connection.optional("service_suffix"),
        form="text" if as_text == "yes" else "object",
    )


def read_kinds(text: str) -> Table:
    """Return the setting `kinds`, or raise SetupError."""
    table = _table(text, "kinds")
    for kind, fields in table.items():
        if fields.get("MaDichVu", "") in ("", FEES, FINE):
            raise _wrong("kinds", f"{kind} needs a MaDichVu of its own")
    return table


def read_accounts(text: str) -> Table:
    """Return the setting `accounts`, or raise SetupError."""
    table = _table(text, "accounts")
    for agency, account in table.items():
        if set(account) != set(ACCOUNT):
            raise _wrong("accounts", f"{agency} needs {', '.join(ACCOUNT)}, and nothing else")
    return table


def _table(text: str, name: str) -> Table:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise _wrong(name, "it is not JSON") from error
    rows = found.values() if isinstance(found, dict) else (None,)
    if any(not isinstance(one, dict) or any(not isinstance(value, str) for value in one.values()) for one in rows):
        raise _wrong(name, "it must be a JSON object of objects of texts")
    table: Table = found
    return table


def _filled(value: str, details: Mapping[str, str]) -> str:
    if not (value.startswith("{") and value.endswith("}")):
        return value
    try:
        return details[value[1:-1]]
    except KeyError as error:
        text = f"{PARTY}: the setting kinds asks for {value}, which this kind has not"
        raise RejectedError(text, reason="kind_not_configured") from error


def _wrong(name: str, problem: str) -> SetupError:
    return SetupError(f"{PARTY}: {name}: {problem}", reason="setting_malformed")
