"""Endpoint and credentials of a party: one Airflow connection of the party's name, read from where Airflow reads it.

Order, as Airflow's own: the local-file secrets backend's JSON file (`TRUC_CONNECTIONS_FILE`, default
`var/secrets/connections.json`), then the environment (`AIRFLOW_CONN_<PARTY>`, JSON form). Airflow
itself is not imported: the CLI and the gateway must start fast. Inside a task, truc.on_airflow
reads through Airflow instead, which adds connections kept in its database and masks secrets in logs.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from truc.errors import SetupError

STANDARD_FIELDS = ("host", "port", "login", "password", "schema")


@dataclass(frozen=True, slots=True)
class Connection:
    """One party's settings. Printing it shows names, never values."""

    party: str
    fields: Mapping[str, str] = field(repr=False)

    def required(self, name: str) -> str:
        """Return the setting, or raise SetupError that names it."""
        value = self.fields.get(name, "")
        if not value:
            raise SetupError(
                f"connection {self.party!r} has no {name!r}: set it in the Airflow connection "
                f"{self.party!r} (standard field or extra)",
                reason="setting_missing",
            )
        return value

    def optional(self, name: str, default: str = "") -> str:
        """Return the setting or the default."""
        return self.fields.get(name, "") or default


def from_airflow_json(party: str, value: Mapping[str, object]) -> Connection:
    """Flatten Airflow's JSON form (standard fields and `extra`) to one table of text."""
    extra = value.get("extra") or {}
    if isinstance(extra, str):
        extra = _object(extra, f"connection {party!r}: extra")
    if not isinstance(extra, Mapping):
        raise SetupError(f"connection {party!r}: extra must be a JSON object", reason="setting_malformed")
    fields = {name: str(value[name]) for name in STANDARD_FIELDS if value.get(name) not in (None, "")}
    fields.update({str(name): str(item) for name, item in extra.items() if item not in (None, "")})
    return Connection(party, fields)


def connections_file() -> Path:
    """Return the path of the local-file secrets backend."""
    return Path(os.environ.get("TRUC_CONNECTIONS_FILE", "var/secrets/connections.json"))


def read(party: str) -> Connection:
    """Return the party's connection, or raise SetupError that says where to put one."""
    path = connections_file()
    if path.exists():
        known = _object(path.read_text(encoding="utf-8"), str(path))
        if party in known:
            return from_airflow_json(party, _entry(known, party, path))
    name = f"AIRFLOW_CONN_{party.upper()}"
    if text := os.environ.get(name):
        return from_airflow_json(party, _object(text, name))
    raise SetupError(
        f"no connection {party!r}: add it to {path} or to the environment as {name} (JSON)",
        reason="connection_missing",
    )


def has(party: str) -> bool:
    """Tell whether there is a connection to the party; one that cannot be read is none, and its pipeline says so."""
    try:
        read(party)
    except SetupError:
        return False
    return True


def _entry(known: Mapping[str, object], party: str, path: Path) -> Mapping[str, object]:
    value = known[party]
    if not isinstance(value, Mapping):
        raise SetupError(f"connection {party!r} in {path} must be a JSON object", reason="setting_malformed")
    return value


def _object(text: str, where: str) -> Mapping[str, object]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise SetupError(f"{where} is not JSON: line {error.lineno}", reason="setting_malformed") from error
    if not isinstance(value, Mapping):
        raise SetupError(f"{where} must hold a JSON object", reason="setting_malformed")
    return value
