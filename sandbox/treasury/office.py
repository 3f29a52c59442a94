"""The treasury's desk: reads the order files that arrive, keeps what they order, and writes confirmations."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.state import State

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
ORDERS, TAKEN, REFUSED, CONFIRMATIONS = "orders", "taken", "refused", "confirmations"
FIELDS = ("reference", "agency", "beneficiary", "treasury", "account", "chapter", "sub_item", "amount_vnd")


class Office:
    """One treasury office over the folders under `files`."""

    def __init__(self, files: Path, state: State) -> None:
        self.files, self._state = files, state
        for folder in (ORDERS, TAKEN, REFUSED, CONFIRMATIONS):
            (files / folder).mkdir(parents=True, exist_ok=True)

    def take(self, path: Path) -> None:
        """Book what a file orders and move it to the taken ones; one that does not hold goes to the refused ones."""
        try:
            orders = read_orders(path.read_text(encoding="utf-8"))
        except (ValueError, UnicodeDecodeError):
            path.replace(self.files / REFUSED / path.name)
            self._state.record("refused_file", path.name, {})
            return
        for order in orders:
            self._state.record("remittance", order["reference"], order, key=order["reference"])
        path.replace(self.files / TAKEN / path.name)

    def orders(self) -> list[dict[str, Any]]:
        """Return every order taken, with what was said of it."""
        taken = self._state.effects("remittance")
        return [one.data | {"times": one.times, "said": self._state.get("said", one.external_id)} for one in taken]

    def confirm(self, order: dict[str, Any]) -> dict[str, Any]:
        """Write the confirmations of a day: of the orders named, or of all of which nothing was said yet."""
        known = {one["reference"]: one for one in self.orders()}
        wanted = order.get("orders")
        if wanted is None:
            wanted = [{"reference": name} for name, one in known.items() if one["said"] is None]
        at = datetime.fromisoformat(order["at"]).astimezone(VIETNAM)
        lines = []
        for number, one in enumerate(wanted, start=1):
            name, code = one["reference"], one.get("code", "00")
            amount = int(one.get("amount_vnd", known.get(name, {"amount_vnd": 0})["amount_vnd"]))
            lines.append((name, f"KB{at:%y%m%d}{number:05d}", code, amount, one.get("reason", "")))
            self._state.put("said", name, {"code": code, "amount_vnd": amount})
        name = f"XN_{at:%Y%m%d}{order.get('part', '')}.txt"
        body = confirmation_bytes(at, lines, too_much_vnd=1_000 if order.get("wrong_total") else 0)
        if order.get("truncate"):
            body = body[: len(body) * 2 // 3]
        self._write(name, body)
        return {"name": name, "lines": len(lines)}

    def plant(self, order: dict[str, Any]) -> dict[str, Any]:
        """Confirm one order more by name, whether it was taken or not: its file holds it alone."""
        name = str(order["name"])
        at = datetime(2026, 3, 4, 9, 0, tzinfo=VIETNAM)
        body = confirmation_bytes(at, [(name, "KB26030400001", "00", 50_000, "")])
        self._write(f"XN_{at:%Y%m%d}_{name[-4:]}.txt", body)
        return {"name": name}

    def _write(self, name: str, body: bytes) -> None:
        part = self.files / CONFIRMATIONS / f"{name}.part"
        part.write_bytes(body)
        part.replace(self.files / CONFIRMATIONS / name)
        self._state.record("confirmations", name, {"bytes": len(body)})


def read_orders(text: str) -> list[dict[str, Any]]:
    """Return the orders of a file; raise ValueError where marks, cells, count or sum do not hold."""
    head, *lines, end = [line.split("|") for line in text.removesuffix("\n").split("\n")]
    orders = [dict(zip(FIELDS, cells[2:], strict=True)) | {"amount_vnd": int(cells[-1])} for cells in lines]
    whole = text.endswith("\n") and head[:2] == ["H", "NOPKB"] and all(cells[0] == "D" for cells in lines)
    total = sum(int(one["amount_vnd"]) for one in orders)
    if not whole or end != ["T", str(len(orders)), str(total)]:
        raise ValueError("the file does not hold")
    return orders


def confirmation_bytes(at: datetime, lines: list[tuple[str, str, str, int, str]], *, too_much_vnd: int = 0) -> bytes:
    """Return a file of (our reference, the treasury's, code, amount, why); `too_much_vnd` makes its sum wrong."""
    rows = [f"H|KBNN|{at:%Y%m%d}"]
    for number, (ours, theirs, code, amount, why) in enumerate(lines, start=1):
        rows.append(f"D|{number}|{ours}|{theirs}|{code}|{amount}|{at:%Y%m%d%H%M%S}|{why}")
    rows.append(f"T|{len(lines)}|{sum(one[3] for one in lines) + too_much_vnd}")
    return "".join(f"{row}\n" for row in rows).encode()
