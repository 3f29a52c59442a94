"""Looks at an HTTP endpoint: its certificate, and its clock."""

import ssl
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from socket import create_connection
from urllib.parse import SplitResult, urlsplit

from truc.connections import Connection
from truc.errors import SetupError
from truc.kit.party_look import Look, Verdict, reached, trusted
from truc.manifest import Limits
from truc.trust import tls

SKEW_S_MAX = 60.0


def looks(limits: Limits, connection: Connection) -> Iterator[Look]:
    """Yield name, port, certificate and clock of the connection's `host`, a URL."""
    address = urlsplit(connection.required("host"))
    try:
        host, port = address.hostname or "", address.port or (443 if address.scheme == "https" else 80)
    except ValueError:
        host, port = "", 0
    if not host or address.scheme not in ("http", "https"):
        yield Look(step="name", verdict="broken", seen="host must be a URL, such as https://pay.example:8443")
        return
    yield from reached(host, port, limits)
    if address.scheme == "https":
        yield _certificate(limits, connection, host, port)
    else:
        yield Look(step="tls", verdict="not_looked_at", seen="http: allowed on the loopback only")
    yield _clock(limits, connection, address)


def _certificate(limits: Limits, connection: Connection, host: str, port: int) -> Look:
    try:
        context = tls.context(connection)
        with (
            create_connection((host, port), timeout=limits.connect_timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=host) as safe,
        ):
            ends_at_s = ssl.cert_time_to_seconds(str((safe.getpeercert() or {})["notAfter"]))
            return trusted(safe.version() or "", datetime.fromtimestamp(ends_at_s, UTC))
    except SetupError as error:
        return Look(step="tls", verdict="broken", seen=str(error))
    except ssl.SSLCertVerificationError as error:
        return Look(step="tls", verdict="broken", seen=f"certificate refused: {error.verify_message}")
    except OSError as error:
        return Look(step="tls", verdict="broken", seen=f"no handshake: {type(error).__name__}")


def _clock(limits: Limits, connection: Connection, address: SplitResult) -> Look:
    """Compare clocks by the Date of whatever is answered to a HEAD, which changes nothing (RFC 9110, 9.2.1)."""
    host = address.hostname or ""
    made = (
        HTTPSConnection(host, address.port, timeout=limits.timeout_s, context=tls.context(connection))
        if address.scheme == "https"
        else HTTPConnection(host, address.port, timeout=limits.timeout_s)
    )
    try:
        with closing(made):
            made.request("HEAD", "/")
            told = made.getresponse().headers.get("Date", "")
    except (OSError, HTTPException) as error:
        return Look(step="clock", verdict="not_looked_at", seen=f"HEAD / is not answered: {type(error).__name__}")
    return skew(told)


def skew(told: str) -> Look:
    """Return how far a Date of HTTP is from our clock; over SKEW_S_MAX is a warning, signatures may carry times."""
    try:
        apart_s = (datetime.now(UTC) - parsedate_to_datetime(told)).total_seconds()
    except (TypeError, ValueError):
        return Look(step="clock", verdict="not_looked_at", seen="the answer carries no Date with a zone")
    verdict: Verdict = "well" if abs(apart_s) <= SKEW_S_MAX else "warning"
    return Look(step="clock", verdict=verdict, seen=f"{apart_s:+.0f} s apart (Date is in whole seconds)")
