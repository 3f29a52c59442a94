"""Partners' calls as the gateway's benchmark makes them: MoMo's IPN, and VNPAY's, whose order is looked up.

Each has its bare route, a FastAPI one that verifies the same signature and does nothing else.
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import FastAPI, Request, Response

from sandbox.momo import signature as momo
from sandbox.vnpay import signature as vnpay

AMOUNT_VND = 50_000
BARE = "/ipn"
CONFIRMED = b'{"RspCode": "00", "Message": "Confirm Success"}'


@dataclass(frozen=True, slots=True)
class Ipn:
    """One party's IPN: how it is written on the wire, what its sender must hear, and the bare route for it."""

    party: str
    write: Callable[[str, str, int], bytes]  # path, order, number of the payment there
    status: bytes
    body: bytes
    bare: Callable[[FastAPI], None]


def _momo(path: str, order: str, number: int) -> bytes:
    fields: dict[str, Any] = {
        "partnerCode": momo.PARTNER_CODE,
        "orderId": order,
        "requestId": order,
        "amount": AMOUNT_VND,
        "orderInfo": "Phi ho so",
        "orderType": "momo_wallet",
        "transId": 4_000_000_000 + number,
        "resultCode": 0,
        "message": "Successful.",
        "payType": "qr",
        "responseTime": int(datetime.now(UTC).timestamp() * 1000),
        "extraData": "",
    }
    body = json.dumps(fields | {"signature": momo.signature_of(fields, momo.IPN)}).encode()
    told = f"Host: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"POST {path} HTTP/1.1\r\n{told}\r\n\r\n".encode() + body


def _vnpay(path: str, order: str, number: int) -> bytes:
    query = vnpay.query_string(
        {
            "vnp_TmnCode": vnpay.TERMINAL,
            "vnp_Amount": str(AMOUNT_VND * 100),
            "vnp_BankCode": "NCB",
            "vnp_BankTranNo": f"VNP{number:08}",
            "vnp_CardType": "ATM",
            "vnp_OrderInfo": f"Phi ho so {order}",
            "vnp_PayDate": f"{datetime.now(UTC):%Y%m%d%H%M%S}",
            "vnp_ResponseCode": "00",
            "vnp_TransactionNo": str(14_000_000 + number),
            "vnp_TransactionStatus": "00",
            "vnp_TxnRef": order,
        }
    )
    return f"GET {path}?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def _bare_momo(app: FastAPI) -> None:
    @app.post(BARE)
    async def ipn(request: Request) -> Response:
        fields = json.loads(await request.body())
        signed = fields | {"accessKey": momo.ACCESS_KEY}
        raw = "&".join(f"{name}={signed[name]}" for name in momo.IPN.split())
        right = hmac.new(momo.SECRET_KEY.encode(), raw.encode(), hashlib.sha256).hexdigest()
        return Response(status_code=204 if hmac.compare_digest(right, fields["signature"]) else 400)


def _bare_vnpay(app: FastAPI) -> None:
    @app.get(BARE)
    async def ipn(request: Request) -> Response:
        fields = dict(parse_qsl(request.scope["query_string"].decode(), keep_blank_values=True))
        given = fields.pop("vnp_SecureHash")
        raw = urlencode(sorted((name, value) for name, value in fields.items() if value))
        right = hmac.new(vnpay.SECRET.encode(), raw.encode(), hashlib.sha512).hexdigest()
        status = 200 if hmac.compare_digest(right, given) else 400
        return Response(CONFIRMED, status, media_type="application/json")


MOMO = Ipn("momo", _momo, b"204", b"", _bare_momo)
VNPAY = Ipn("vnpay", _vnpay, b"200", CONFIRMED, _bare_vnpay)
