"""Looks at a mail relay as a sender would, up to the login: EHLO, STARTTLS, its certificate, QUIT; no mail."""

from collections.abc import Iterator
from typing import cast, get_args

from truc.connections import Connection
from truc.errors import SetupError, TrucError
from truc.kit.party_look import Look, reached, trusted
from truc.manifest import Limits
from truc.transport.smtp import Relay, Security, Smtp
from truc.trust import tls

PORTS = {"starttls": 587, "tls": 465, "none": 25}
HELLO = "[127.0.0.1]"  # RFC 5321, 4.1.3: who has no name says an address


def looks(limits: Limits, connection: Connection) -> Iterator[Look]:
    """Yield name, port and certificate of the relay at `host` and `port`, reached by `security`, as it shows them."""
    security = connection.optional("security", "starttls")
    port = connection.optional("port", str(PORTS.get(security, 0)))
    if security not in get_args(Security) or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        yield Look(step="name", verdict="broken", seen="port must be a number, security starttls, tls or none")
        return
    host = connection.required("host")
    yield from reached(host, int(port), limits)
    relay = Relay(host=host, port=int(port), security=cast("Security", security), hello=HELLO)
    yield _certificate(limits, connection, relay)
    yield Look(step="clock", verdict="not_looked_at", seen="SMTP says no time")


def _certificate(limits: Limits, connection: Connection, relay: Relay) -> Look:
    try:
        greeted = Smtp(connection.party, relay, limits, tls=tls.context(connection)).greet()
    except SetupError as error:
        return Look(step="tls", verdict="broken", seen=f"{error.reason}: {error}")
    except TrucError as error:
        return Look(step="tls", verdict="warning", seen=f"{error.reason}: {error}")
    if greeted.ends_at is None:
        return Look(step="tls", verdict="not_looked_at", seen="security none: allowed on the loopback only")
    return trusted(f"{greeted.name}, {greeted.tls}", greeted.ends_at)
