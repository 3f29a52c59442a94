"""Files fetched from a partner, or laid there, over SFTP: host key pinned, time-outs stated, sizes checked.

Errors are translated once. Whatever goes wrong while we read is transient: nothing happened at the partner. A file of
ours is there when it gets its name, and only whether it got that can be unknown. A refused key, login or right needs
a person.
"""

import base64
import fnmatch
import io
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import paramiko
from paramiko import ssh_exception
from paramiko.pkey import UnknownKeyType

from truc.errors import MalformedError, OutcomeUnknownError, SetupError, TransientError, TrucError
from truc.manifest import Limits

CHUNK_BYTES = 64 * 1024
NAMES_MAX = 100_000
FILE_S_MAX = 600.0  # for one whole file: a server that drips must not hold us for hours
KEY_KINDS: tuple[type[paramiko.PKey], ...] = (paramiko.Ed25519Key, paramiko.RSAKey, paramiko.ECDSAKey)
# What a key's text can go wrong with: Base64, its parts, or the numbers in it.
UNREADABLE_KEY = (ssh_exception.SSHException, UnknownKeyType, ValueError, IndexError)

# A person must act: (our reason, what to do). Looked up along the method resolution order, so the
# most specific row wins; a test lists paramiko's exceptions and fails when one has no row.
MISCONFIGURED: dict[type[Exception], tuple[str, str]] = {
    ssh_exception.AuthenticationException: ("unauthorised", "login refused: check login and password or key"),
    ssh_exception.PasswordRequiredException: ("setting_malformed", "private_key is encrypted: give its passphrase"),
    ssh_exception.BadAuthenticationType: ("unauthorised", "the server takes another kind of login"),
    ssh_exception.PartialAuthentication: ("unauthorised", "the server wants a second kind of login"),
    ssh_exception.UnableToAuthenticate: ("unauthorised", "login refused: check login and password or key"),
    ssh_exception.BadHostKeyException: ("host_key_changed", "the server shows another host key"),
    ssh_exception.IncompatiblePeer: ("no_common_algorithm", "no key or cipher in common with the server"),
    ssh_exception.MessageOrderError: ("protocol_broken", "messages out of order: somebody may be in between"),
    ssh_exception.ProxyCommandFailure: ("call_misconfigured", "the proxy command failed"),
    ssh_exception.CouldNotCanonicalize: ("call_misconfigured", "the host name cannot be resolved"),
    ssh_exception.ConfigParseError: ("call_misconfigured", "the SSH configuration cannot be read"),
    PermissionError: ("unauthorised", "no right to read: ask the partner"),
}
# Nothing happened: try again later.
UNREACHED: dict[type[Exception], tuple[str, str]] = {
    ssh_exception.NoValidConnectionsError: ("not_reached", "not reached"),
    ssh_exception.ChannelException: ("no_answer", "the server refused a channel"),
    ssh_exception.SSHException: ("no_answer", "the SSH conversation broke off"),
    paramiko.SFTPError: ("no_answer", "the SFTP conversation broke off"),
    EOFError: ("no_answer", "the connection ended early"),
    TimeoutError: ("no_answer", "no answer in time"),
    ConnectionRefusedError: ("not_reached", "not reached"),
    socket.gaierror: ("not_reached", "the host name is not known"),
    OSError: ("no_answer", "the server or the network failed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where and as whom. `host_key` is one line as in known_hosts, without the host: "ssh-ed25519 AAAA…".

    `private_key` is the text of an Ed25519, RSA or ECDSA key as ssh-keygen writes it, `passphrase` what opens it when
    it is encrypted; when a key is given, `password` is used only where the server wants both.
    """

    host: str
    port: int
    login: str
    host_key: str
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)


class Sftp:
    """An open SFTP session to one partner; get one from `connected`."""

    def __init__(self, party: str, session: paramiko.SFTPClient, limits: Limits) -> None:
        self._party = party
        self._session = session
        self._limits = limits

    def names(self, directory: str, pattern: str, *, end_mark: str = "") -> tuple[str, ...]:
        """Return the plain files whose whole name fits the shell pattern, in order of name.

        With `end_mark` (a suffix), only those beside which `name + end_mark` lies: the partner writes
        it when the file is whole. SetupError when the directory is not there.
        """
        with _translated(self._party):
            try:
                found = set(self._plain_files(directory))
            except FileNotFoundError as error:
                text = f"{self._party}: no directory {directory!r} on the server: correct the setting"
                raise SetupError(text, reason="directory_missing") from error
        fitting = (name for name in found if fnmatch.fnmatchcase(name, pattern))
        return tuple(sorted(name for name in fitting if not end_mark or name + end_mark in found))

    def fetch(self, directory: str, name: str) -> bytes:
        """Return the whole file, its size the same before, during and after the read.

        TransientError `not_delivered_yet` when it is not there, `still_growing` when the sizes differ;
        MalformedError `body_too_large` over the party's limit.
        """
        path = f"{directory.rstrip('/')}/{name}"
        with _translated(self._party):
            try:
                return self._whole(path)
            except FileNotFoundError as error:
                raise TransientError(f"{self._party}: no file {name}", reason="not_delivered_yet") from error

    def put(self, directory: str, name: str, body: bytes) -> None:
        """Lay a whole file there: written beside as `name.part`, its size looked at, then renamed. None is overwritten.

        TransientError until it is to get its name: a partner takes no part of a file. OutcomeUnknownError when nobody
        knows whether it got it; ask with `find` before it is put there again.
        """
        path = f"{directory.rstrip('/')}/{name}"
        with _translated(self._party):
            with self._session.open(f"{path}.part", "wb") as file:
                file.write(body)
            size = self._session.stat(f"{path}.part").st_size
        if size != len(body):
            text = f"{self._party}: {size} bytes lie there of a file of {len(body):,}"
            raise TransientError(text, reason="cut_short")
        self._name(f"{path}.part", path)

    def find(self, directory: str, name: str) -> bytes | None:
        """Return the whole file, None where there is none of that name; failures as of `fetch`."""
        try:
            return self.fetch(directory, name)
        except TransientError as error:
            if error.reason != "not_delivered_yet":
                raise
            return None

    def _name(self, part: str, path: str) -> None:
        try:
            self._session.rename(part, path)  # by the protocol's own rename, which replaces nothing
        except PermissionError as error:
            raise _translate(self._party, error) from error
        except (ssh_exception.SSHException, paramiko.SFTPError, EOFError, OSError) as error:
            text = f"{self._party}: {type(error).__name__}: nobody knows whether the file got its name"
            raise OutcomeUnknownError(text, reason="no_answer") from error

    def _whole(self, path: str) -> bytes:
        before = self._session.stat(path).st_size or 0
        self._refuse_over_limit(before)
        with self._session.open(path, "rb") as file:
            file.prefetch(before)
            body = self._content(file)
        after = self._session.stat(path).st_size
        if not before == len(body) == after:
            text = f"{self._party}: read {len(body):,} bytes of a file of {before:,}, {after:,} afterwards"
            raise TransientError(text, reason="still_growing")
        return body

    def _content(self, file: paramiko.SFTPFile) -> bytes:
        chunks, size, until = [], 0, time.monotonic() + FILE_S_MAX
        while chunk := file.read(CHUNK_BYTES):
            size += len(chunk)
            if time.monotonic() > until:
                raise TransientError(f"{self._party}: the file did not end in time", reason="no_answer")
            self._refuse_over_limit(size)
            chunks.append(chunk)
        return b"".join(chunks)

    def _refuse_over_limit(self, size: int) -> None:
        if size > (limit := self._limits.body_bytes_max):
            raise MalformedError(f"{self._party}: file over {limit:,} bytes", reason="body_too_large")

    def _plain_files(self, directory: str) -> Iterator[str]:
        for number, entry in enumerate(self._session.listdir_iter(directory)):
            if number >= NAMES_MAX:
                text = f"{self._party}: more than {NAMES_MAX:,} names in {directory!r}"
                raise SetupError(text, reason="directory_too_large")
            if stat.S_ISREG(entry.st_mode or 0) and "/" not in entry.filename:
                yield entry.filename


@contextmanager
def connected(party: str, endpoint: Endpoint, limits: Limits) -> Iterator[Sftp]:
    """Open a session to the one server whose host key is pinned, and close it afterwards.

    SetupError `host_key_changed` names the expected and the shown fingerprint.
    """
    pinned = host_key(party, endpoint.host_key)
    key = None
    if endpoint.private_key:
        key = private_key(party, endpoint.private_key, passphrase=endpoint.passphrase)
    with _translated(party):
        transport = _dialled(endpoint, limits)
        try:
            session = _session(transport, party=party, endpoint=endpoint, limits=limits, pinned=pinned, key=key)
        except BaseException:
            transport.close()
            raise
    try:
        yield Sftp(party, session, limits)
    finally:
        transport.close()


def introduced(party: str, endpoint: Endpoint, limits: Limits) -> str:
    """Return what the server says it is, such as "SSH-2.0-OpenSSH_9.6", if its host key is the pinned one.

    Nobody logs in. Failures as of `connected`.
    """
    pinned = host_key(party, endpoint.host_key)
    with _translated(party), closing(_dialled(endpoint, limits)) as transport:
        _meet(transport, party=party, limits=limits, pinned=pinned)
        return str(transport.remote_version)


def host_key(party: str, text: str) -> paramiko.PKey:
    """Return the pinned key, or raise SetupError that says what the setting must look like."""
    kind, _, rest = text.strip().partition(" ")
    try:
        return paramiko.PKey.from_type_string(kind, base64.b64decode(rest.split()[0], validate=True))
    except UNREADABLE_KEY as error:
        problem = f'{party}: host_key must be "KIND BASE64", such as "ssh-ed25519 AAAA…"'
        raise SetupError(problem, reason="setting_malformed") from error


def private_key(party: str, pem: str, *, passphrase: str = "") -> paramiko.PKey:
    """Return our own key from PEM text, or raise SetupError; the text of the key is never shown."""
    for kind in KEY_KINDS:
        try:
            return kind.from_private_key(io.StringIO(pem), passphrase or None)
        except ssh_exception.PasswordRequiredException as error:
            raise _translate(party, error) from None
        except UNREADABLE_KEY:
            continue
    words = "an Ed25519, RSA or ECDSA key as ssh-keygen writes it" + (", or has another passphrase" * bool(passphrase))
    raise SetupError(f"{party}: private_key must be {words}", reason="setting_malformed")


def _session(
    transport: paramiko.Transport,
    *,
    party: str,
    endpoint: Endpoint,
    limits: Limits,
    pinned: paramiko.PKey,
    key: paramiko.PKey | None,
) -> paramiko.SFTPClient:
    _meet(transport, party=party, limits=limits, pinned=pinned)
    _log_in(transport, party=party, endpoint=endpoint, key=key)
    channel = transport.open_session(timeout=limits.timeout_s)
    channel.settimeout(limits.timeout_s)
    channel.invoke_subsystem("sftp")
    return paramiko.SFTPClient(channel)


def _dialled(endpoint: Endpoint, limits: Limits) -> paramiko.Transport:
    """Return a conversation that has not begun; it owns the socket from here on, and closes it."""
    address = (endpoint.host, endpoint.port)
    return paramiko.Transport(socket.create_connection(address, timeout=limits.connect_timeout_s))


def _meet(transport: paramiko.Transport, *, party: str, limits: Limits, pinned: paramiko.PKey) -> None:
    transport.banner_timeout = transport.auth_timeout = limits.timeout_s
    transport.channel_timeout = limits.timeout_s
    _prefer(transport, pinned)
    transport.start_client(timeout=limits.timeout_s)
    _refuse_other_key(party, pinned, transport.get_remote_server_key())


def _log_in(transport: paramiko.Transport, *, party: str, endpoint: Endpoint, key: paramiko.PKey | None) -> None:
    """Log in by key or password, or by one after the other where the server wants both."""
    left = ["password"] if key is None else transport.auth_publickey(endpoint.login, key)
    if "password" in left and endpoint.password:
        left = transport.auth_password(endpoint.login, endpoint.password, fallback=False)
    if left:
        text = f"{party}: the server also wants a login by {', '.join(sorted(left))}"
        raise SetupError(text, reason="unauthorised")


def _prefer(transport: paramiko.Transport, pinned: paramiko.PKey) -> None:
    """Ask for a host key of the pinned kind first: a server may well have several."""
    options = transport.get_security_options()
    rsa = pinned.get_name() == "ssh-rsa"
    fits = {name: "rsa" in name if rsa else name == pinned.get_name() for name in options.key_types}
    options.key_types = sorted(options.key_types, key=lambda name: not fits[name])


def _refuse_other_key(party: str, pinned: paramiko.PKey, shown: paramiko.PKey) -> None:
    if shown.asbytes() != pinned.asbytes():
        text = (
            f"{party}: the server shows another host key: expected {pinned.fingerprint}, got"
            f" {shown.fingerprint}; ask the partner by another way before changing the setting host_key"
        )
        raise SetupError(text, reason="host_key_changed")


@contextmanager
def _translated(party: str) -> Iterator[None]:
    try:
        yield
    except TrucError:
        raise
    except (ssh_exception.SSHException, paramiko.SFTPError, EOFError, OSError) as error:
        raise _translate(party, error) from error


def _translate(party: str, error: Exception) -> TrucError:
    """Return our failure for one of paramiko's or the socket's."""
    for kind in type(error).__mro__:
        if kind in MISCONFIGURED:
            reason, text = MISCONFIGURED[kind]
            return SetupError(f"{party}: {type(error).__name__}: {text}", reason=reason)
        if kind in UNREACHED:
            reason, text = UNREACHED[kind]
            return TransientError(f"{party}: {type(error).__name__}: {text}", reason=reason)
    return TransientError(f"{party}: {type(error).__name__}", reason="no_answer")
