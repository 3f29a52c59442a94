"""OpenSSH's sshd on the loopback, with host keys and a login of its own and none of this machine's."""

import getpass
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import counterparts

LOGIN, PASSWORD = "bank", "mot-mat-khau-dai"
HOST_KEYS = ("ed25519", "ecdsa", "rsa")
STARTS_WITHIN_S = 10
# Users and passwords are this machine's; in a mount namespace of their own, the daemon sees these two files instead.
PRIVATE = """
mount -t tmpfs none /run && mkdir -m 755 /run/sshd || exit
mount --bind {passwd} /etc/passwd && mount --bind {shadow} /etc/shadow || exit
exec {sshd}
"""
CONFIG = """
ListenAddress 127.0.0.1
{host_keys}
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
PermitRootLogin yes
PasswordAuthentication {passwords}
KbdInteractiveAuthentication no
UsePAM {pam}
UseDNS no
Subsystem sftp internal-sftp
{more}
"""


@dataclass(frozen=True)
class Sshd:
    """A daemon at work. `files` is the folder it serves."""

    folder: Path
    port: int
    login: str

    @property
    def files(self) -> Path:
        """Where its files lie."""
        return self.folder / "files"

    def host_key(self, kind: str) -> str:
        """Return one of its host keys as the setting host_key wants it."""
        return " ".join((self.folder / f"host_{kind}.pub").read_text().split()[:2])

    def client_key(self, kind: str, *words: str) -> str:
        """Make a key that may log in and return its private text; `words` go to ssh-keygen."""
        path = self.folder / f"client_{kind}_{len(list(self.folder.iterdir()))}"
        make_key(path, kind, *words)
        with (self.folder / "authorized_keys").open("a") as known:
            known.write(path.with_suffix(".pub").read_text())
        return path.read_text()


@contextmanager
def sshd(folder: Path, *, more: str = "") -> Iterator[Sshd]:
    """Run the daemon with one host key of each kind; `more` are lines for its configuration."""
    program = counterparts.program("sshd")
    (folder / "files").mkdir(parents=True)
    for kind in HOST_KEYS:
        make_key(folder / f"host_{kind}", kind)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    host_keys = "\n".join(f"HostKey {folder}/host_{kind}" for kind in HOST_KEYS)
    passwords = "yes" if takes_passwords() else "no"
    # Without PAM sshd refuses a locked account, as those of build machines often are; passwords are checked without.
    pam = "no" if takes_passwords() else "yes"
    config = CONFIG.format(folder=folder, host_keys=host_keys, passwords=passwords, pam=pam, more=more)
    (folder / "sshd_config").write_text(config)
    words = [str(program), "-D", "-e", "-p", str(port), "-f", str(folder / "sshd_config")]
    with (folder / "log").open("wb") as log, subprocess.Popen(_started(words, folder), stderr=log) as process:
        try:
            _wait_for(port, folder)
            yield Sshd(folder, port, LOGIN if takes_passwords() else getpass.getuser())
        finally:
            process.terminate()


def takes_passwords() -> bool:
    """Whether a login by password can be tried here: it takes root, and a mount namespace of our own."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "-m", "true"], capture_output=True, timeout=10).returncode == 0  # noqa: PLW1510  (its code is what is asked)


def needs_passwords() -> None:
    """Skip the test where only logins by key can be tried."""
    if not takes_passwords():
        pytest.skip("sshd checks passwords for root only, in a mount namespace: run as root")


def _started(words: list[str], folder: Path) -> list[str]:
    if not takes_passwords():
        return words
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", PASSWORD], check=True, capture_output=True, text=True, timeout=10
    ).stdout.strip()
    rest = "root:x:0:0::/:/bin/sh\nsshd:x:65533:65533::/run/sshd:/usr/sbin/nologin\n"
    (folder / "passwd").write_text(f"{rest}{LOGIN}:x:0:0::{folder}:/bin/sh\n")
    (folder / "shadow").write_text(f"root:*:1::::::\nsshd:*:1::::::\n{LOGIN}:{hashed}:1::::::\n")
    script = PRIVATE.format(passwd=folder / "passwd", shadow=folder / "shadow", sshd=shlex.join(words))
    return ["unshare", "-m", "sh", "-c", script]


def make_key(path: Path, kind: str, *words: str) -> None:
    """Make a key pair by ssh-keygen; `words` go to it."""
    program = str(counterparts.program("ssh-keygen"))
    passphrase = () if "-N" in words else ("-N", "")
    subprocess.run(
        [program, "-q", "-t", kind, "-C", "test", "-f", str(path), *passphrase, *words],
        check=True,
        capture_output=True,
        timeout=30,
    )


def _wait_for(port: int, folder: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"sshd did not start: {(folder / 'log').read_text()}")
