"""Orders payments at VNPT: through MegaPay's form, or through the INIT API, as the connection's `api` says."""

import json
from dataclasses import dataclass
from typing import Literal

from connectors.vnptpay.init_api import InitApi, open_init_api
from connectors.vnptpay.megapay import MegaPay, open_megapay
from truc.connections import Connection
from truc.envelope import Outgoing, Receipt
from truc.errors import SetupError
from truc.manifest import Limits

PARTY = "vnptpay"


@dataclass(frozen=True, slots=True)
class Client:
    """One merchant at VNPT. Neither way can be asked about a payment: nothing is published of that."""

    api: MegaPay | InitApi
    speaks: Literal["megapay", "init"]

    def send_payment(self, outgoing: Outgoing) -> Receipt:
        """Return the receipt that mappings.vnptpay.payment reads; see MegaPay.order and InitApi.order."""
        written: dict[str, dict[str, str]] = json.loads(outgoing.body)
        return self.api.order(written[self.speaks])

    def probe(self) -> str:
        """SetupError `unsupported`: MegaPay's form is posted by a browser, and INIT is no question."""
        text = f"{PARTY}: MegaPay is called by the citizen's browser only, and of the INIT API no question is published"
        raise SetupError(text, reason="unsupported")

    def close(self) -> None:
        """Close the session."""
        self.api.close()


def open_client(connection: Connection, limits: Limits) -> Client:
    """Return the client, or raise SetupError for a setting that is missing or cannot be."""
    match connection.required("api"):
        case "megapay":
            return Client(open_megapay(connection), "megapay")
        case "init":
            return Client(open_init_api(connection, limits), "init")
        case _:
            raise SetupError(f"{PARTY}: api must be megapay or init", reason="setting_malformed")
