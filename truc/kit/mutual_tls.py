"""A TLS server of ours before a stand-in that has none: it asks callers for a certificate, and passes on what they say.

It lives for one rehearsal, on the loopback, with an authority made for it; the key of that stays in memory.
"""

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding

from truc.kit.development import Issued, issue, new_authority
from truc.settings import LOCAL
from truc.trust import keys

CHUNK_BYTES = 64 * 1024
SILENT_S = 30.0


@dataclass(frozen=True, slots=True)
class Front:
    """Where it listens, and the certificate of its authority."""

    url: str
    ca_pem: str


@contextmanager
def before(upstream: str, client_cert: str, now: datetime) -> Iterator[Front]:
    """Listen before the HTTP server at `upstream`; only callers with this client certificate get through."""
    authority = new_authority("Trục rehearsal CA", now)
    context = _context(issue(authority, "server", now), client_cert)
    parts = urlsplit(upstream)
    address = (parts.hostname or LOCAL, parts.port or 80)
    with socket.create_server((LOCAL, 0)) as listening:
        front = Front(f"https://{LOCAL}:{listening.getsockname()[1]}", authority.pem.decode())
        threading.Thread(target=_serve, args=(listening, context, address), daemon=True).start()
        yield front
        listening.shutdown(socket.SHUT_RDWR)  # wakes who waits for callers


def _context(server: Issued, client_cert: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    taken = keys.certificates(client_cert, setting="client_cert")
    context.load_verify_locations(cadata="".join(one.public_bytes(Encoding.PEM).decode() for one in taken))
    with os.fdopen(os.memfd_create("truc-rehearsal", os.MFD_CLOEXEC), "wb") as memory:
        memory.write(server.key_pem.encode() + server.pem)
        memory.flush()
        context.load_cert_chain(f"/proc/self/fd/{memory.fileno()}")
    return context


def _serve(listening: socket.socket, context: ssl.SSLContext, address: tuple[str, int]) -> None:
    with contextlib.suppress(OSError):  # the rehearsal is over
        while True:
            caller, _ = listening.accept()
            threading.Thread(target=_pass_on, args=(caller, context, address), daemon=True).start()


def _pass_on(caller: socket.socket, context: ssl.SSLContext, address: tuple[str, int]) -> None:
    caller.settimeout(SILENT_S)
    with (
        caller,
        contextlib.suppress(OSError),  # a caller that is refused hears of it in its own handshake
        context.wrap_socket(caller, server_side=True) as trusted,
        socket.create_connection(address, timeout=SILENT_S) as behind,
    ):
        back = threading.Thread(target=_copy, args=(behind, trusted), daemon=True)
        back.start()
        _copy(trusted, behind)
        back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(CHUNK_BYTES):
            sink.sendall(part)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
