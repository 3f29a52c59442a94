"""Starts every stand-in there is, finds them by folder, and tells the hub where they are.

A stand-in is a folder with `server.py` that offers
`start(port: int, home: Path, hub_url: str) -> Running` (port 0 = any free one; `hub_url` is the
gateway that callbacks go to).
"""

import importlib
import json
import os
import pkgutil
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sandbox
from truc.errors import SetupError

MARK = "stand_in"  # in the extra of a connection that leads to a stand-in
# A played day may lie years back, and the calls about it say so: in place of the replay window of a real party.
OF_A_PLAYED_DAY = {"callback_age_max_s": str(100 * 366 * 86_400)}


@dataclass(frozen=True, slots=True)
class Running:
    """One stand-in at work. `connection` is the Airflow connection (JSON form) by which the hub reaches it.

    `control_url` is where its control calls are (for a party that does not speak HTTP itself, a
    second port).
    """

    party: str
    port: int
    control_url: str
    connection: dict[str, Any]
    close: Callable[[], None]


def parties() -> tuple[str, ...]:
    """Return every party that has a stand-in, in order of name."""
    folders = (module.name for module in pkgutil.iter_modules(sandbox.__path__) if module.ispkg)
    return tuple(sorted(name for name in folders if _has_server(name)))


def start_all(home: Path, hub_url: str) -> list[Running]:
    """Start every stand-in on the port it had last time, or on a free one when that is taken."""
    kept = _read(home / "ports.json")
    running = [_start(party, int(kept.get(party, 0)), home / party, hub_url) for party in parties()]
    _write(home / "ports.json", {one.party: one.port for one in running})
    return running


def tell_the_hub(running: list[Running], connections_file: Path) -> None:
    """Write the connections of the stand-ins into the hub's connection file (mode 0600), keeping the others.

    Raise SetupError when a party there is a real one: its credentials must not be written over.
    """
    known = _read(connections_file)
    for one in running:
        if one.party in known and MARK not in known[one.party].get("extra", {}):
            text = f"connection {one.party!r} in {connections_file} is not a stand-in's: the sandbox leaves it alone"
            raise SetupError(text, reason="connection_in_use")
        known[one.party] = {**one.connection, "extra": {**one.connection["extra"], **OF_A_PLAYED_DAY, MARK: "yes"}}
    _write(connections_file, known)


def serve(home: Path, hub_url: str, connections_file: Path) -> None:
    """Serve until SIGTERM or Ctrl-C. `home/ready.json` appears once every stand-in listens."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    ready = home / "ready.json"
    ready.unlink(missing_ok=True)
    running = start_all(home, hub_url)
    tell_the_hub(running, connections_file)
    _write(ready, {one.party: one.control_url for one in running})
    stop.wait()
    ready.unlink(missing_ok=True)
    for one in running:
        one.close()


def _has_server(name: str) -> bool:
    return any((Path(root) / name / "server.py").exists() for root in sandbox.__path__)


def _start(party: str, port: int, home: Path, hub_url: str) -> Running:
    start = importlib.import_module(f"sandbox.{party}.server").start
    try:
        running: Running = start(port, home, hub_url)
    except OSError:  # the port of last time is taken by now
        running = start(0, home, hub_url)
    return running


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _write(path: Path, value: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
    part.replace(path)
