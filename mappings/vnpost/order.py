"""PostalRequested to the order of domain/partners.md 10.2; customer code and districts are the client's."""

import json

from truc.errors import MalformedError
from truc.messages import Person, PostalRequested

DESCRIPTIONS = {"collect": "Thu gom hồ sơ", "return": "Chuyển trả kết quả"}


def write(message: PostalRequested) -> bytes:
    """Return the order as JSON; raise MalformedError naming the field to mend."""
    sender, receiver = message.sender, message.receiver
    order = {
        "OrderNumber": _needed("order_number", message.order_number),
        # What the postman takes from the citizen: the postal fee of the message.
        "CODAmount": message.fee_vnd,
        "SenderProvince": _province("sender", sender),
        "SenderAddress": _needed("sender.address", sender.address),
        "SenderName": _needed("sender.name", sender.name),
        "SenderEmail": sender.email,
        "SenderTel": sender.phone,  # an office may have none: then the client gives the centre's
        "SenderDesc": message.note,
        "Description": f"{DESCRIPTIONS[message.direction]} {message.dossier_code}",
        "ReceiverName": _needed("receiver.name", receiver.name),
        "ReceiverAddress": _needed("receiver.address", receiver.address),
        "ReceiverTel": _needed("receiver.phone", receiver.phone),
        "ReceiverProvince": _province("receiver", receiver),
        "ReceiverEmail": receiver.email,
    }
    return json.dumps(order, ensure_ascii=False).encode()


def _needed(name: str, value: str) -> str:
    if not value.strip():
        raise MalformedError(f"{name}: empty; VNPost cannot carry a parcel without it", reason="field_missing")
    return value.strip()


def _province(side: str, person: Person) -> int:
    code = person.province_code
    if not (code.isascii() and code.isdecimal() and len(code) == 2):
        text = f"{side}.province_code: two digits of Decision 19/2025/QĐ-TTg are needed"
        raise MalformedError(text, reason="field_malformed")
    return int(code)
