"""Fetches Vietcombank's daily statement file over SFTP, opened with PGP where that is agreed."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from truc.connections import Connection
from truc.envelope import Envelope, Page
from truc.errors import SetupError, TransientError
from truc.manifest import Limits
from truc.transport.sftp import Endpoint, connected
from truc.trust import pgp

PARTY = "vietcombank"
PROFILE_HEAD = b"#truc-profile %d\n"  # before the profile's bytes, which go before the file's


@dataclass(frozen=True, slots=True)
class Pgp:
    """With what the bank's files are opened, and whose signature they must carry."""

    key: pgp.Key
    sender: pgp.Certificate


@dataclass(frozen=True, slots=True)
class Client:
    """Vietcombank's SFTP server. A session lives for one fetch: there is one a day."""

    endpoint: Endpoint
    directory: str
    file_name: str
    end_mark: str
    limits: Limits
    profile: str = field(repr=False)
    pgp: Pgp | None

    def fetch_statement(self, day: str) -> Iterator[Page]:
        """Yield the one file of an ISO business day: as the bank wrote it, behind the agreed profile if there is one.

        TransientError `not_delivered_yet` while the bank has not put it there, or has not marked it whole;
        MalformedError as truc.trust.pgp.opened for a file that is not the bank's.
        """
        name = self.file_name.format(day=f"{_day(day):%Y%m%d}")
        with connected(PARTY, self.endpoint, self.limits) as sftp:
            if name not in sftp.names(self.directory, "*", end_mark=self.end_mark):
                raise TransientError(f"{PARTY}: no statement of {day} yet", reason="not_delivered_yet")
            body = sftp.fetch(self.directory, name)
        if self.pgp is not None:
            body = pgp.opened(
                PARTY, body, key=self.pgp.key, sender=self.pgp.sender, bytes_max=self.limits.body_bytes_max
            )
        yield Page(Envelope(PARTY, "statement", name, self._with_profile(body), "text/plain"), cursor=day)

    def probe(self) -> str:
        """Log in and list the folder of statements."""
        with connected(PARTY, self.endpoint, self.limits) as sftp:
            return f"{len(sftp.names(self.directory, '*'))} files in {self.directory}"

    def close(self) -> None:
        """Nothing is kept open."""

    def _with_profile(self, body: bytes) -> bytes:
        """Put the agreed form before the file, so that what is kept can be read again whatever is agreed later."""
        form = self.profile.encode()
        return PROFILE_HEAD % len(form) + form + body if form else body


def open_client(connection: Connection, limits: Limits) -> Client:
    """Return the client, or raise SetupError for a setting that is missing or cannot be."""
    endpoint = Endpoint(
        host=connection.required("host"),
        port=_port(connection.optional("port", "22")),
        login=connection.required("login"),
        host_key=connection.required("host_key"),
        private_key=connection.optional("private_key"),
        password=connection.optional("password"),
    )
    if not endpoint.private_key and not endpoint.password:
        raise SetupError(f"{PARTY}: set password or private_key", reason="setting_missing")
    return Client(
        endpoint=endpoint,
        directory=connection.optional("directory", "/"),
        file_name=_file_name(connection.required("file_name")),
        end_mark=connection.optional("end_mark"),
        limits=limits,
        profile=_profile(connection.optional("profile")),
        pgp=_pgp(connection),
    )


def _pgp(connection: Connection) -> Pgp | None:
    """Return the keys when either is set: both are needed then, for what is only encrypted could be anybody's."""
    key, sender = connection.optional("pgp_private_key"), connection.optional("pgp_sender_certificate")
    if not key and not sender:
        return None
    if not key or not sender:
        text = f"{PARTY}: pgp_private_key and pgp_sender_certificate go together"
        raise SetupError(text, reason="setting_missing")
    passphrase = connection.optional("pgp_passphrase")
    return Pgp(pgp.read_key(PARTY, key, passphrase=passphrase), pgp.read_certificate(PARTY, sender))


def _profile(text: str) -> str:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"{PARTY}: profile is no TOML: {error}", reason="setting_malformed") from error
    return text


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise SetupError(f"{PARTY}: port must be a number from 1 to 65535", reason="setting_malformed")
    return int(text)


def _file_name(pattern: str) -> str:
    rest = pattern.replace("{day}", "", 1)
    if rest == pattern or set("{}/*?[") & set(rest):
        text = f"{PARTY}: file_name must hold {{day}} once and no path, such as SAOKE_{{day}}.txt"
        raise SetupError(text, reason="setting_malformed")
    return pattern


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SetupError(f"{PARTY}: the business day must be YYYY-MM-DD", reason="day_malformed") from error
