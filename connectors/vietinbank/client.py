"""Fetches VietinBank's daily statement file over SFTP, and asks its eWallet about a transaction."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from connectors.vietinbank.wallet import Wallet, open_wallet
from truc.connections import Connection
from truc.envelope import Envelope, Page
from truc.errors import SetupError, TransientError
from truc.manifest import Limits
from truc.transport.sftp import Endpoint, connected

PARTY = "vietinbank"


@dataclass(frozen=True, slots=True)
class Client:
    """VietinBank's SFTP server, and its eWallet where that is set. An SFTP session lives for one fetch a day."""

    endpoint: Endpoint
    directory: str
    file_name: str
    end_mark: str
    limits: Limits
    wallet: Wallet | None

    def fetch_statement(self, day: str) -> Iterator[Page]:
        """Yield the one file of an ISO business day.

        TransientError `not_delivered_yet` while the bank has not put it there, or has not marked it whole.
        """
        name = self.file_name.format(day=f"{_day(day):%Y%m%d}")
        with connected(PARTY, self.endpoint, self.limits) as sftp:
            if name not in sftp.names(self.directory, "*", end_mark=self.end_mark):
                raise TransientError(f"{PARTY}: no statement of {day} yet", reason="not_delivered_yet")
            body = sftp.fetch(self.directory, name)
        yield Page(Envelope(PARTY, "statement", name, body, "text/plain"), cursor=day)

    def get_transaction(self, transaction_id: str) -> bytes:
        """Return the eWallet's word on one transaction; mappings.vietinbank.inquiry reads it. See wallet.py."""
        if self.wallet is None:
            text = f"{PARTY}: set wallet_url, and what the bank gives with it, to ask the eWallet"
            raise SetupError(text, reason="setting_missing")
        return self.wallet.get_transaction(transaction_id)

    def probe(self) -> str:
        """Log in and list the folder of statements; ask the eWallet, where it is set, about what cannot exist."""
        with connected(PARTY, self.endpoint, self.limits) as sftp:
            found = f"{len(sftp.names(self.directory, '*'))} files in {self.directory}"
        return found if self.wallet is None else f"{found}; eWallet: {self.wallet.probe()}"

    def close(self) -> None:
        """Close the eWallet's session; of SFTP nothing is kept open."""
        if self.wallet is not None:
            self.wallet.close()


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
    directory, end_mark = connection.optional("directory", "/"), connection.optional("end_mark")
    return Client(
        endpoint=endpoint,
        directory=directory,
        file_name=_file_name(connection.required("file_name")),
        end_mark=end_mark,
        limits=limits,
        wallet=open_wallet(connection, limits),
    )


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
