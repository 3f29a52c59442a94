"""Lays remittance orders behind the State Treasury's SFTP, looks for them there, and fetches its confirmations."""

import fnmatch
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from truc.connections import Connection
from truc.envelope import Answer, Arrival, Envelope, Outgoing, Page, Receipt, digest_of
from truc.errors import MalformedError, SetupError
from truc.manifest import Limits
from truc.transport.sftp import Endpoint, Sftp, connected

PARTY = "treasury"
RESTATED_DAYS = 7  # so long a file of confirmations may be put right under its name, or come late
REFERENCE = re.compile(r"[A-Z0-9]{1,32}")


@dataclass(frozen=True, slots=True)
class Client:
    """The treasury's SFTP server. A session lives for one call: there are few."""

    endpoint: Endpoint
    limits: Limits
    order_directory: str
    order_name: str
    taken_directory: str
    confirmation_directory: str
    confirmation_name: str
    end_mark: str

    def send_remittance(self, outgoing: Outgoing) -> Receipt:
        """Lay the order's file there; errors as of `Sftp.put`. The receipt is ours: name, bytes, digest."""
        name = self._order_name(outgoing)
        with connected(PARTY, self.endpoint, self.limits) as sftp:
            sftp.put(self.order_directory, name, outgoing.body)
        return _receipt(name, outgoing.body)

    def ask_remittance(self, outgoing: Outgoing) -> Answer:
        """Say whether the order's file lies there, or was taken. Nobody can say it without `taken_directory`.

        Raise MalformedError `other_content` where another file has its name.
        """
        name = self._order_name(outgoing)
        with connected(PARTY, self.endpoint, self.limits) as sftp:
            found = self._found(sftp, name)  # first where it is laid: it may be moved on meanwhile
        if found is None:
            return Answer(Arrival.ABSENT if self.taken_directory else Arrival.NOT_SAID)
        if found != outgoing.body:
            text = f"{PARTY}: {name} is there, and is not the file we wrote: a person must look"
            raise MalformedError(text, reason="other_content")
        return Answer(Arrival.ARRIVED, _receipt(name, found))

    def fetch_confirmation(self, cursor: str) -> Iterator[Page]:
        """Yield the files of confirmations from a week before the day `cursor` (ISO) on, or all; oldest day first.

        What was fetched before comes again, the same or put right. The cursor is the day in the file's name.
        """
        since = _day(cursor) - timedelta(days=RESTATED_DAYS) if cursor else date.min
        with connected(PARTY, self.endpoint, self.limits) as sftp:
            for day, name in self._confirmations(sftp):
                if day >= since:
                    body = sftp.fetch(self.confirmation_directory, name)
                    yield Page(Envelope(PARTY, "confirmation", name, body, "text/plain"), cursor=f"{day}")

    def probe(self) -> str:
        """Log in and list both folders."""
        with connected(PARTY, self.endpoint, self.limits) as sftp:
            waiting = len(sftp.names(self.order_directory, "*"))
            confirmed = len(sftp.names(self.confirmation_directory, "*"))
        return f"{waiting} orders not taken yet, {confirmed} files of confirmations"

    def close(self) -> None:
        """Nothing is kept open."""

    def _order_name(self, outgoing: Outgoing) -> str:
        if not REFERENCE.fullmatch(outgoing.external_id):
            raise MalformedError(f"{PARTY}: {outgoing.external_id!r} names no file", reason="bad_reference")
        return self.order_name.format(reference=outgoing.external_id)

    def _found(self, sftp: Sftp, name: str) -> bytes | None:
        for directory in (self.order_directory, self.taken_directory):
            body = sftp.find(directory, name) if directory else None
            if body is not None:
                return body
        return None

    def _confirmations(self, sftp: Sftp) -> list[tuple[date, str]]:
        names = sftp.names(self.confirmation_directory, "*", end_mark=self.end_mark)
        found = ((_day_in(self.confirmation_name, name), name) for name in names)
        return sorted((day, name) for day, name in found if day is not None)


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
        limits=limits,
        order_directory=connection.required("order_directory"),
        order_name=_pattern(connection.required("order_name"), "order_name", "{reference}", forbidden="*"),
        taken_directory=connection.optional("taken_directory"),
        confirmation_directory=connection.required("confirmation_directory"),
        confirmation_name=_pattern(connection.required("confirmation_name"), "confirmation_name", "{day}"),
        end_mark=connection.optional("end_mark"),
    )


def _receipt(name: str, body: bytes) -> Receipt:
    told = {"file": name, "bytes": len(body), "digest": digest_of(body)}
    return Receipt(name, json.dumps(told).encode())


def _day_in(pattern: str, name: str) -> date | None:
    """Return the day in a file's name, None where the name is another kind of file's."""
    before, _, after = pattern.partition("{day}")
    digits = name[len(before) : len(before) + 8]
    rest = name[len(before) + 8 :]
    if not (name.startswith(before) and re.fullmatch("[0-9]{8}", digits) and fnmatch.fnmatchcase(rest, after)):
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _pattern(text: str, setting: str, word: str, *, forbidden: str = "") -> str:
    before, found, after = text.partition(word)
    if not found or set("{}/?[" + forbidden) & set(before + after) or "*" in before:
        problem = f"{PARTY}: {setting} must hold {word} once and no path, such as TEN_{word}.txt"
        raise SetupError(problem, reason="setting_malformed")
    return text


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise SetupError(f"{PARTY}: port must be a number from 1 to 65535", reason="setting_malformed")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SetupError(f"{PARTY}: the cursor must be a day, YYYY-MM-DD", reason="day_malformed") from error
