"""TLS servers we did not write, on the loopback: `openssl s_server` and nginx."""

import os
import re
import selectors
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import counterparts
from truc.kit.development import Issued

STARTS_WITHIN_S = 10
NGINX = """
daemon off;
worker_processes 1;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/server.pem;
        ssl_certificate_key {folder}/server.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        {client}
        location / {{ return 200 "$ssl_client_verify $ssl_protocol"; }}
    }}
}}
"""


@contextmanager
def s_server(folder: Path, server: Issued, *options: str) -> Iterator[str]:
    """Run `openssl s_server -www` with this certificate and these options; yield its address."""
    certificate, key = kept(folder, "server", server)
    program = str(counterparts.program("openssl"))
    words = [program, "s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-www", *options]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL) as process:
        try:
            yield f"https://127.0.0.1:{_port(process)}"
        finally:
            process.kill()


@contextmanager
def nginx(folder: Path, server: Issued, *, client_ca: Issued | None = None, asks: str = "on") -> Iterator[str]:
    """Run nginx with this certificate, asking callers for one of `client_ca`; it answers what it verified."""
    program = str(counterparts.program("nginx"))
    kept(folder, "server", server)
    client = ""
    if client_ca is not None:
        client = f"ssl_client_certificate {kept(folder, 'client_ca', client_ca)[0]}; ssl_verify_client {asks};"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, client=client))
    words = [program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as process:
        try:
            _wait_for(port)
            yield f"https://127.0.0.1:{port}"
        finally:
            process.terminate()


def kept(folder: Path, name: str, issued: Issued) -> tuple[str, str]:
    """Write certificate and key, and return both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(issued.pem)
    key.touch(0o600)
    key.write_text(issued.key_pem)
    return str(certificate), str(key)


def _port(process: "subprocess.Popen[bytes]") -> int:
    """Read where it listens: «ACCEPT 127.0.0.1:40123»."""
    assert process.stdout is not None
    said, until = b"", time.monotonic() + STARTS_WITHIN_S
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while time.monotonic() < until and selector.select(timeout=STARTS_WITHIN_S):
            part = os.read(process.stdout.fileno(), 4096)
            said += part
            if found := re.search(rb"ACCEPT \S+:(\d+)\s", said):
                return int(found[1])
            if not part:
                break
    raise AssertionError(f"openssl s_server did not start: {said.decode(errors='replace')}")


def _wait_for(port: int) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("nginx did not start")
