"""A time-stamp authority for tests: `openssl ts` behind HTTP on the loopback, with a root and a key of its own."""

import shutil
import subprocess
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[leaf]
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


@dataclass
class Authority:
    """One authority at work. `root` is its root certificate as PEM; `asked` counts the calls."""

    folder: Path
    server: ThreadingHTTPServer
    asked: int = 0
    away: bool = False
    altered: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def start(cls, folder: Path) -> "Authority":
        """Make root, certificate and keys, and listen. Skips the test on a machine without openssl."""
        if shutil.which("openssl") is None:
            pytest.skip("no openssl here: the command line stands in for a time-stamp authority")
        folder.mkdir(parents=True)
        (folder / "serial").write_text("01\n")
        for name in ("root", "leaf"):
            config = CONFIG.format(name=f"{folder.name} {name}", folder=folder)
            (folder / f"{name}.cnf").write_text(config)
            _openssl(
                folder, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key"
            )
        request = ["req", "-new", "-key"]
        _openssl(folder, *request, "root.key", "-x509", "-days", "2", "-config", "root.cnf", "-extensions", "root",
                 "-out", "root.pem")  # fmt: skip
        _openssl(folder, *request, "leaf.key", "-config", "leaf.cnf", "-out", "leaf.csr")
        _openssl(folder, "x509", "-req", "-in", "leaf.csr", "-CA", "root.pem", "-CAkey", "root.key", "-days", "2",
                 "-extfile", "leaf.cnf", "-extensions", "leaf", "-out", "leaf.pem")  # fmt: skip
        server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
        authority = cls(folder, server)
        server.RequestHandlerClass = _handler(authority)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return authority

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.server_port}/tsr"

    @property
    def root(self) -> Path:
        """Its root certificate."""
        return self.folder / "root.pem"

    def answer(self, query: bytes) -> bytes:
        """Return what openssl answers to a query."""
        with self._lock:
            self.asked += 1
            (self.folder / "query").write_bytes(query)
            _openssl(self.folder, "ts", "-reply", "-queryfile", "query", "-config", "leaf.cnf", "-section", "here",
                     "-signer", "leaf.pem", "-inkey", "leaf.key", "-out", "answer")  # fmt: skip
            found = (self.folder / "answer").read_bytes()
        return found[:-1] + bytes([found[-1] ^ 1]) if self.altered else found

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()


def _handler(authority: Authority) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers one call."""

        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["content-length"]))
            fits = self.headers["content-type"] == "application/timestamp-query"
            body = authority.answer(query) if fits and not authority.away else b""
            self.send_response(200 if body else 503)
            self.send_header("content-type", "application/timestamp-reply")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Stay quiet."""

    return Handler


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=30)
