"""Looks at an SFTP endpoint: whether its host key is the pinned one."""

from collections.abc import Iterator

from truc.connections import Connection
from truc.errors import SetupError, TrucError
from truc.kit.party_look import Look, reached
from truc.manifest import Limits
from truc.transport import sftp
from truc.transport.sftp import Endpoint


def looks(limits: Limits, connection: Connection) -> Iterator[Look]:
    """Yield name, port and host key of the server at `host` and `port`."""
    port = connection.optional("port", "22")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        yield Look(step="name", verdict="broken", seen="port must be a number from 1 to 65535")
        return
    host = connection.required("host")
    yield from reached(host, int(port), limits)
    pinned = connection.required("host_key")
    yield _host_key(connection.party, Endpoint(host=host, port=int(port), login="", host_key=pinned), limits)
    yield Look(step="clock", verdict="not_looked_at", seen="SSH says no time")


def _host_key(party: str, endpoint: Endpoint, limits: Limits) -> Look:
    try:
        version = sftp.introduced(party, endpoint, limits)
    except SetupError as error:
        return Look(step="host_key", verdict="broken", seen=f"{error.reason}: {error}")
    except TrucError as error:
        return Look(step="host_key", verdict="warning", seen=f"{error.reason}: {error}")
    return Look(step="host_key", verdict="well", seen=f"as pinned; {version}")
