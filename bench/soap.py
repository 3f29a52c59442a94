"""A call through our Soap against bare zeep with its WSDL in memory, to the same local server: `python -m bench.soap`.

Beside it, without a bar: what WS-Security costs, with a signed request and a signed answer.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
import zeep
import zeep.helpers
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from bench.answering import answering
from bench.figures import Figure, show
from bench.turns import compared
from truc.manifest import Limits
from truc.transport.soap import Soap
from truc.trust.keys import PemKey
from truc.trust.signers import Trust
from truc.trust.ws_security import Expected, Signer, WsSecurity

BAR = 0.9  # of the speed of zeep
CALLS, ROUNDS = 200, 15
WSDL = Path("schemas/sms/bulksms.wsdl")
NAMES = ("User", "Password", "CPCode", "RequestID", "UserID", "ReceiverID", "ServiceID", "CommandCode")
FIELDS = dict.fromkeys(NAMES, "x") | {"Content": "Ho so cua ban da co ket qua", "ContentType": "0"}
ANSWER = (
    b'<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>'
    b'<b:wsCpMtResponse xmlns:b="http://impl.bulkSms.ws/"><return><message>ok</message><result>1</result></return>'
    b"</b:wsCpMtResponse></S:Body></S:Envelope>"
)


def run(calls: int = CALLS, rounds: int = ROUNDS) -> list[Figure]:
    """Return the figures of a plain call, and of one that is signed both ways."""
    return [_plain(calls, rounds), _signed(calls, rounds)]


def _plain(calls: int, rounds: int) -> Figure:
    with answering(ANSWER, "text/xml; charset=utf-8") as url, requests.Session() as session:
        bare, ours = _bare(session, url), Soap("bench", WSDL, url, Limits())
        figure = compared(
            "a call through Soap",
            lambda: ours.call("wsCpMt", FIELDS).value,
            lambda: zeep.helpers.serialize_object(bare.wsCpMt(**FIELDS), dict),
            floor_name="zeep, WSDL in memory", bar=BAR, calls=calls, rounds=rounds,
        )  # fmt: skip
        ours.close()
    return figure


def _signed(calls: int, rounds: int) -> Figure:
    key, certificate = _holder()
    security = WsSecurity(
        signer=Signer(key=key, certificate=certificate),
        reply=Expected(trust=Trust(signers=(certificate,)), lives=timedelta(hours=1)),
    )
    answer = etree.tostring(security.secured(etree.fromstring(ANSWER), address="https://partner.example.vn"))
    with answering(answer, "text/xml; charset=utf-8") as url:
        signing, plain = Soap("bench", WSDL, url, Limits(), security=security), Soap("bench", WSDL, url, Limits())
        figure = compared(
            "a call signed and verified",
            lambda: signing.call("wsCpMt", FIELDS).value,
            lambda: plain.call("wsCpMt", FIELDS).value,
            floor_name="the same, unsigned", bar=None, calls=calls // 4 or 1, rounds=rounds,
        )  # fmt: skip
        signing.close()
        plain.close()
    return figure


def _bare(session: requests.Session, url: str) -> Any:
    session.trust_env = False
    made: Any = zeep
    client = made.Client(str(WSDL), transport=made.Transport(session=session, timeout=30, operation_timeout=30))
    return client.create_service("{http://impl.bulkSms.ws/}CcApiPortBinding", url)


def _holder() -> tuple[PemKey, x509.Certificate]:
    key, name, now = rsa.generate_private_key(65537, 2048), x509.Name([]), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    return PemKey(key), builder.sign(key, hashes.SHA256())


if __name__ == "__main__":
    show(run())
