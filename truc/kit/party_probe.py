"""Looks at a party's configured endpoint step by step, each with a verdict; nothing is ever written there."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from truc import parties
from truc.connections import Connection
from truc.errors import SetupError, TrucError
from truc.manifest import Manifest
from truc.trust import tls

Verdict = Literal["well", "warning", "broken", "not_looked_at"]
DAYS_WARNED = 60  # as the certificates of the inventory are
SKEW_S_MAX = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One step: what was looked at (`step` is a stable word), how it stands, and what was seen."""

    step: str
    verdict: Verdict
    seen: str


def probe(manifest: Manifest, connection: Connection) -> Iterator[Look]:
    """Yield each step in order; after a broken one the steps that need it are not looked at."""
    settings = _settings(manifest, connection)
    yield settings
    if settings.verdict == "broken":
        return
    address = _address(manifest, connection)
    steps = _over_ssh if manifest.transport == "sftp" else _over_http
    for look in steps(manifest, connection, address):
        yield look
        if look.verdict == "broken":
            return
    yield _credentials(connection)


def _settings(manifest: Manifest, connection: Connection) -> Look:
    missing = [one.name for one in manifest.settings if one.required and not connection.optional(one.name)]
    if missing:
        return Look(step="settings", verdict="broken", seen=f"missing: {', '.join(missing)}")
    return Look(step="settings", verdict="well", seen=f"{len(manifest.settings)} known, none missing")


def _address(manifest: Manifest, connection: Connection) -> SplitResult:
    host = connection.required("host")
    if manifest.transport == "sftp":
        return urlsplit(f"sftp://{host}:{connection.optional('port', '22')}")
    return urlsplit(host)


def _over_http(manifest: Manifest, connection: Connection, address: SplitResult) -> Iterator[Look]:
    port = address.port or (443 if address.scheme == "https" else 80)
    yield from _reached(manifest, address.hostname or "", port)
    if address.scheme == "https":
        yield _tls(manifest, connection, address.hostname or "", port)
    else:
        yield Look(step="tls", verdict="not_looked_at", seen="http: allowed on the loopback only")
    yield _clock(manifest, connection, address)


def _over_ssh(manifest: Manifest, _connection: Connection, address: SplitResult) -> Iterator[Look]:
    # The host key is compared with the pinned one by the transport, before the login, in the last step.
    yield from _reached(manifest, address.hostname or "", address.port or 22)


def _reached(manifest: Manifest, host: str, port: int) -> Iterator[Look]:
    try:
        found = sorted({str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except OSError as error:
        yield Look(step="name", verdict="broken", seen=f"{host}: {error.strerror}")
        return
    yield Look(step="name", verdict="well", seen=f"{host}: {', '.join(found)}")
    try:
        socket.create_connection((host, port), timeout=manifest.limits.connect_timeout_s).close()
    except OSError as error:
        yield Look(step="tcp", verdict="broken", seen=f"port {port}: {error.strerror or type(error).__name__}")
        return
    yield Look(step="tcp", verdict="well", seen=f"port {port} answers")


def _tls(manifest: Manifest, connection: Connection, host: str, port: int) -> Look:
    timeout_s = manifest.limits.connect_timeout_s
    try:
        context = tls.context(connection)
        with (
            socket.create_connection((host, port), timeout=timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=host) as safe,
        ):
            return _certificate(safe)
    except SetupError as error:
        return Look(step="tls", verdict="broken", seen=str(error))
    except ssl.SSLCertVerificationError as error:
        return Look(step="tls", verdict="broken", seen=f"certificate refused: {error.verify_message}")
    except OSError as error:
        return Look(step="tls", verdict="broken", seen=f"no handshake: {type(error).__name__}")


def _certificate(safe: ssl.SSLSocket) -> Look:
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(str((safe.getpeercert() or {})["notAfter"])), UTC)
    days = (until - datetime.now(UTC)).days
    seen = f"{safe.version()}, chain trusted, valid until {until:%Y-%m-%d} ({days} days)"
    return Look(step="tls", verdict="well" if days >= DAYS_WARNED else "warning", seen=seen)


def _clock(manifest: Manifest, connection: Connection, address: SplitResult) -> Look:
    """Compare clocks by the Date of whatever is answered to a HEAD, which changes nothing (RFC 9110, 9.2.1)."""
    host, timeout_s = address.hostname or "", manifest.limits.timeout_s
    made = (
        HTTPSConnection(host, address.port, timeout=timeout_s, context=tls.context(connection))
        if address.scheme == "https"
        else HTTPConnection(host, address.port, timeout=timeout_s)
    )
    try:
        with closing(made):
            made.request("HEAD", "/")
            told = made.getresponse().headers.get("Date", "")
    except (OSError, HTTPException) as error:
        return Look(step="clock", verdict="not_looked_at", seen=f"HEAD / is not answered: {type(error).__name__}")
    return _skew(told)


def _skew(told: str) -> Look:
    try:
        apart_s = (datetime.now(UTC) - parsedate_to_datetime(told)).total_seconds()
    except (TypeError, ValueError):
        return Look(step="clock", verdict="not_looked_at", seen="the answer carries no Date with a zone")
    verdict: Verdict = "well" if abs(apart_s) <= SKEW_S_MAX else "warning"
    return Look(step="clock", verdict=verdict, seen=f"{apart_s:+.0f} s apart (Date is in whole seconds)")


def _credentials(connection: Connection) -> Look:
    """Make the connector's own read-only call, where it has one."""
    try:
        with closing(parties.open_client(connection)) as client:
            ask = getattr(client, "probe", None)
            if ask is None:
                return Look(step="credentials", verdict="not_looked_at", seen="the connector offers no probe()")
            return Look(step="credentials", verdict="well", seen=f"accepted; it says: {ask() or 'nothing'}")
    except SetupError as error:
        return Look(step="credentials", verdict="broken", seen=f"{error.reason}: {error}")
    except TrucError as error:
        return Look(step="credentials", verdict="warning", seen=f"{error.reason}: {error}")
