"""Finds connectors and mappings by folder convention; there is no list to edit."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from types import ModuleType
from typing import Any, Protocol

from truc.connections import Connection
from truc.envelope import Answer, Outgoing, Page, Receipt
from truc.errors import SetupError
from truc.manifest import Capability, Limits, Manifest
from truc.messages import Inbound, Outbound

Send = Callable[[Outgoing], Receipt]
SendBatch = Callable[[Sequence[Outgoing]], Receipt]
Ask = Callable[[Outgoing], Answer]
Fetch = Callable[[str], Iterator[Page]]
Probe = Callable[[], str]
Write = Callable[[Outbound], bytes]
Read = Callable[[bytes], Iterable[Inbound]]


class OpenClient(Protocol):
    """The one door of a connector: `connectors.<party>.client.open_client`."""

    def __call__(self, connection: Connection, limits: Limits) -> "Client": ...


class Client(Protocol):
    """What every client has; its verbs (`send_…`, `ask_…`, `fetch_…`) are found by name."""

    def close(self) -> None: ...


@cache
def names() -> tuple[str, ...]:
    """Return every party that has a connector folder, in order of name; a new folder is seen after a restart."""
    connectors = importlib.import_module("connectors")
    found = (module.name for module in pkgutil.iter_modules(connectors.__path__) if module.ispkg)
    return tuple(sorted(found))


@cache
def manifest(party: str) -> Manifest:
    """Return the party's declaration, or raise SetupError for an unknown party."""
    found = _module(f"connectors.{party}.manifest", party).MANIFEST
    assert isinstance(found, Manifest)
    return found


def manifests() -> tuple[Manifest, ...]:
    """Return every declaration, in order of party."""
    return tuple(manifest(party) for party in names())


def called(party: str) -> tuple[str, str]:
    """Return what a party is called, in Vietnamese and in English; one that has no room here by its word, in both."""
    if party not in names():
        return party, party
    declared = manifest(party)
    return declared.title_vi, declared.title


def with_capability(capability: Capability) -> tuple[Manifest, ...]:
    """Return the declarations of the parties that can do `capability`."""
    return tuple(one for one in manifests() if capability in one.capabilities)


def open_client(connection: Connection) -> Client:
    """Open the party's client with its declared limits."""
    party = connection.party
    opened: OpenClient = _module(f"connectors.{party}.client", party).open_client
    return opened(connection, manifest(party).limits)


def sender(client: Client, name: str) -> Send:
    """Return `client.send_<name>`, or raise SetupError: unsupported."""
    verb: Send = _verb(client, f"send_{name}")
    return verb


def batch_sender(client: Client, name: str) -> SendBatch:
    """Return `client.send_<name>_batch`, or raise SetupError: unsupported."""
    verb: SendBatch = _verb(client, f"send_{name}_batch")
    return verb


def asker(client: Client, name: str) -> Ask:
    """Return `client.ask_<name>`, or raise SetupError: unsupported."""
    verb: Ask = _verb(client, f"ask_{name}")
    return verb


def fetcher(client: Client, name: str) -> Fetch:
    """Return `client.fetch_<name>`, or raise SetupError: unsupported."""
    verb: Fetch = _verb(client, f"fetch_{name}")
    return verb


def prober(client: Client) -> Probe:
    """Return `client.probe`, or raise SetupError: unsupported.

    It makes a call that only reads, with our credentials, and returns what the partner says of itself, "" for nothing.
    Failures as of any call; SetupError `unsupported` with the reason where no such call is known.
    """
    verb: Probe = _verb(client, "probe")
    return verb


def gives(client: Client, name: str) -> bool:
    """Tell whether the client has `get_<name>`: what a party may give and need not, as the receipt of a payment."""
    return hasattr(client, f"get_{name}")


def writer(party: str, kind: str) -> Write:
    """Return `mappings.<party>.<kind>.write`."""
    write: Write = _module(f"mappings.{party}.{kind}", party).write
    return write


def reader(party: str, kind: str) -> Read:
    """Return `mappings.<party>.<kind>.read`."""
    read: Read = _module(f"mappings.{party}.{kind}", party).read
    return read


def reads_receipts(party: str, operation: str) -> bool:
    """Tell whether a mapping reads what the partner answers to this operation."""
    return hasattr(_module(f"mappings.{party}.{operation}", party), "read")


def inbound(party: str) -> ModuleType:
    """Return `connectors.<party>.inbound`; see truc.inbound.callbacks for what it must offer."""
    return _module(f"connectors.{party}.inbound", party)


def _verb(client: Client, name: str) -> Callable[..., Any]:
    verb = getattr(client, name, None)
    if verb is None:
        party = type(client).__module__.split(".")[1]
        raise SetupError(f"{party} does not support {name}", reason="unsupported")
    found: Callable[..., Any] = verb
    return found


def _module(path: str, party: str) -> ModuleType:
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name is not None and path.startswith(error.name):
            raise SetupError(f"no {path}: {party!r} is not a party here", reason="unknown_party") from error
        raise
