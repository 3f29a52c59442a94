"""The inventory of certificates: what each partner's are for, until when they hold, and whether the files agree.

`certs/inventory.toml` has one table for each certificate of a file below `certs/`:

    [[certificate]]
    owner = "vietinbank"              # the party; "hub" for ours
    use = "signing"                   # ca | server | client | signing | encryption
    file = "vietinbank/signing.pem"   # below certs/; a file may hold several
    fingerprint = "5f…"               # SHA-256 of the certificate (DER), 64 hexadecimal digits
    valid_from = 2026-01-01T00:00:00Z
    valid_to = 2027-01-01T00:00:00Z

Certificates that connections name are looked at too: `ca_file`, and every setting that ends with `_cert` or
`_certificate`.
"""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from truc import connections
from truc.connections import Connection
from truc.errors import SetupError
from truc.trust import keys

Use = Literal["ca", "server", "client", "signing", "encryption"]
# What a person must do about it, the worst first.
Problem = Literal["differs", "unreadable", "missing", "not_listed", "expired", "not_yet_valid", "ends_soon", "weak"]

INVENTORY = "inventory.toml"
FIELDS: dict[str, type] = {
    "owner": str,
    "use": str,
    "file": str,
    "fingerprint": str,
    "valid_from": datetime,
    "valid_to": datetime,
}
WARN_DAYS = (7, 30, 60)
DAY_S = 86_400
RSA_BITS_MIN = 2048
HARMLESS: tuple[Problem, ...] = ("ends_soon", "weak", "not_yet_valid")  # work goes on today
SUFFIXES = (".pem", ".crt", ".cer", ".der")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One certificate of one party. `where` names the file below `certs/`, or the setting of the connection."""

    owner: str
    use: Use
    where: str
    fingerprint: str
    valid_from: datetime
    valid_to: datetime

    def expires_s(self, now: datetime) -> float:
        """Return the seconds until its end; below 0 when it is over."""
        return (self.valid_to - now).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is not as it should be. `days` until the end, for what ends; `is_harmless` when work goes on today."""

    owner: str
    use: str
    where: str
    problem: Problem
    detail: str = ""
    days: int = 0

    @property
    def is_harmless(self) -> bool:
        """Whether it is a warning only."""
        return self.problem in HARMLESS


def readable(parties: Iterable[str]) -> Iterator[Connection]:
    """Yield the connections of these parties, of those that have one where the command line and the gateway read it."""
    for party in parties:
        try:
            yield connections.read(party)
        except SetupError as error:
            if error.reason != "connection_missing":
                raise


def state(folder: Path, named: Iterable[Connection], now: datetime) -> tuple[list[Item], list[Finding]]:
    """Return every certificate of the inventory and of these connections, and all that is not as it should be."""
    (listed, wrong), (shown, unread) = of_files(folder), of_connections(named)
    items = [*listed, *shown]
    return items, [*wrong, *unread, *ending(items, now)]


def inventory(folder: Path) -> tuple[Item, ...]:
    """Return the inventory as written, in its order; empty without one. SetupError names what is wrong in it."""
    try:
        written = tomllib.loads((folder / INVENTORY).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise SetupError(f"{folder / INVENTORY} cannot be read: {error}", reason="inventory_malformed") from error
    tables = written.pop("certificate", [])
    if written or not isinstance(tables, list):
        text = f"{folder / INVENTORY} holds tables [[certificate]] and nothing else"
        raise SetupError(text, reason="inventory_malformed")
    return tuple(_item(table, number) for number, table in enumerate(tables, start=1))


def of_files(folder: Path) -> tuple[tuple[Item, ...], tuple[Finding, ...]]:
    """Return what the inventory lists and the files hold, and what one has without the other."""
    listed = inventory(folder)
    found = [_compared(folder, name, [one for one in listed if one.where == name]) for name in _names(listed)]
    named = {one.where for one in listed}
    lying = [path for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES]
    strange = [str(path.relative_to(folder)) for path in lying if str(path.relative_to(folder)) not in named]
    problems = [finding for findings in found for finding in findings]
    problems += [
        Finding(owner="", use="", where=one, problem="not_listed", detail=entries(folder, one)) for one in strange
    ]
    return listed, tuple(problems)


def of_connections(named: Iterable[Connection]) -> tuple[tuple[Item, ...], tuple[Finding, ...]]:
    """Return the certificates that connections name, and what of them cannot be read."""
    items: list[Item] = []
    problems = []
    for connection in named:
        for name, use in _settings(connection):
            where = f"{connection.party}.{name}"
            try:
                found = keys.certificates(connection.fields[name], setting=where)
                items += [_of(one, owner=connection.party, use=use, where=where) for one in found]
            except SetupError as error:
                about: dict[str, Any] = {"owner": connection.party, "use": use, "where": where}
                problems.append(Finding(**about, problem="unreadable", detail=str(error)))
    return tuple(items), tuple(problems)


def use_of(setting: str) -> Use | None:
    """Return what a setting's certificate is for, None for a setting that names none. A `next_` one is for the same."""
    name = setting.removeprefix("next_")
    if name == "ca_file":
        return "ca"
    if not name.endswith(("_cert", "_certificate")):
        return None
    return "client" if name.startswith("client") else "encryption" if name.startswith("encryption") else "signing"


def _settings(connection: Connection) -> list[tuple[str, Use]]:
    return [(name, use) for name in sorted(connection.fields) if (use := use_of(name)) is not None]


def ending(items: Iterable[Item], now: datetime) -> tuple[Finding, ...]:
    """Return what has ended, has not begun, or ends within 60, 30 or 7 days (`days` is what is left)."""
    return tuple(finding for item in items if (finding := _period(item, now)) is not None)


def soonest(items: Iterable[Item], now: datetime) -> dict[tuple[str, str], float]:
    """Return the seconds until the first end, by (owner, use)."""
    found: dict[tuple[str, str], float] = {}
    for item in items:
        left = item.expires_s(now)
        found[item.owner, item.use] = min(left, found.get((item.owner, item.use), left))
    return found


def entries(folder: Path, name: str) -> str:
    """Return what the inventory should say of a file, for a person to complete; "" when it holds no certificate."""
    try:
        found = keys.certificates(str(folder / name))
    except SetupError:
        return ""
    owner = Path(name).parts[0] if len(Path(name).parts) > 1 else "hub"
    guesses: list[Use] = [one for one in get_args(Use) if one in Path(name).stem]
    use = guesses[0] if guesses else "signing"
    return "\n\n".join(_written(_of(one, owner=owner, use=use, where=name)) for one in found)


def fingerprint(certificate: x509.Certificate) -> str:
    """Return its SHA-256, 64 lower-case hexadecimal digits."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def _names(listed: Iterable[Item]) -> list[str]:
    return list(dict.fromkeys(one.where for one in listed))


def _compared(folder: Path, name: str, listed: list[Item]) -> Iterator[Finding]:
    """Hold one file against its entries."""
    about: dict[str, Any] = {"owner": listed[0].owner, "use": listed[0].use, "where": name}
    if not (folder / name).is_file():
        yield Finding(**about, problem="missing")
        return
    try:
        found = {fingerprint(one): one for one in keys.certificates(str(folder / name))}
    except SetupError as error:
        yield Finding(**about, problem="unreadable", detail=str(error))
        return
    for item in listed:
        certificate = found.pop(item.fingerprint, None)
        if certificate is None:
            yield Finding(**about, problem="differs", detail=f"{item.fingerprint[:16]}… is not in the file")
        elif (certificate.not_valid_before_utc, certificate.not_valid_after_utc) != (item.valid_from, item.valid_to):
            yield Finding(**about, problem="differs", detail="another period than the certificate's own")
        elif _is_weak(certificate):
            yield Finding(**about, problem="weak", detail=f"RSA below {RSA_BITS_MIN} bits")
    for rest in found:
        yield Finding(**about, problem="not_listed", detail=f"{rest[:16]}… in the file")


def _period(item: Item, now: datetime) -> Finding | None:
    about: dict[str, Any] = {"owner": item.owner, "use": item.use, "where": item.where}
    days = int(item.expires_s(now) // DAY_S)
    if item.expires_s(now) < 0:
        return Finding(**about, problem="expired", days=days)
    if item.valid_from > now:
        return Finding(**about, problem="not_yet_valid", detail=f"{item.valid_from:%Y-%m-%d %H:%M} UTC")
    within = next((mark for mark in WARN_DAYS if item.expires_s(now) < mark * DAY_S), None)
    return None if within is None else Finding(**about, problem="ends_soon", days=days, detail=str(within))


def _is_weak(certificate: x509.Certificate) -> bool:
    key = certificate.public_key()
    return isinstance(key, rsa.RSAPublicKey) and key.key_size < RSA_BITS_MIN


def _item(table: Any, number: int) -> Item:
    if not isinstance(table, dict) or {name: type(value) for name, value in table.items()} != FIELDS:
        text = (
            f"{INVENTORY}, certificate {number}: must have {', '.join(FIELDS)}, and the times as TOML's with an offset"
        )
        raise SetupError(text, reason="inventory_malformed")
    if table["use"] not in get_args(Use) or None in (table["valid_from"].tzinfo, table["valid_to"].tzinfo):
        text = f"{INVENTORY}, certificate {number}: use is one of {', '.join(get_args(Use))}; times have an offset"
        raise SetupError(text, reason="inventory_malformed")
    if Path(table["file"]).is_absolute() or ".." in Path(table["file"]).parts:
        raise SetupError(f"{INVENTORY}, certificate {number}: the file lies outside", reason="inventory_malformed")
    rest = {name: table[name] for name in ("owner", "use", "valid_from", "valid_to")}
    return Item(**rest, where=table["file"], fingerprint=table["fingerprint"].lower().replace(":", ""))


def _of(certificate: x509.Certificate, *, owner: str, use: Use, where: str) -> Item:
    return Item(
        owner=owner,
        use=use,
        where=where,
        fingerprint=fingerprint(certificate),
        valid_from=certificate.not_valid_before_utc,
        valid_to=certificate.not_valid_after_utc,
    )


def _written(item: Item) -> str:
    return (
        f'[[certificate]]\nowner = "{item.owner}"\nuse = "{item.use}"\nfile = "{item.where}"\n'
        f'fingerprint = "{item.fingerprint}"\n'
        f"valid_from = {item.valid_from:%Y-%m-%dT%H:%M:%SZ}\nvalid_to = {item.valid_to:%Y-%m-%dT%H:%M:%SZ}"
    )
