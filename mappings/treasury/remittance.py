"""RemittanceOrdered to the file of one order (schemas/treasury/SOURCE.md: the layout is ours until one is agreed)."""

from truc.domain.calendar import BUSINESS_ZONE
from truc.errors import MalformedError
from truc.messages import RemittanceOrdered

CELL_MAX = 250


def write(message: RemittanceOrdered) -> bytes:
    """Return head, the one order, and the end with count and sum; UTF-8, a line each.

    MalformedError `cell_not_writable` names the field that no cell can hold.
    """
    ordered_at = message.ordered_at.astimezone(BUSINESS_ZONE)
    line = {
        "remittance_reference": message.remittance_reference,
        "agency_code": message.agency_code,
        "beneficiary": message.beneficiary,
        "treasury": message.treasury,
        "account": message.account,
        "chapter": message.chapter,
        "sub_item": message.sub_item,
        "amount_vnd": str(message.amount_vnd),
    }
    rows = (
        ("H", "NOPKB", f"{message.business_on:%Y%m%d}", f"{ordered_at:%Y%m%d%H%M%S}"),
        ("D", "1", *(_cell(name, value) for name, value in line.items())),
        ("T", "1", str(message.amount_vnd)),
    )
    return "".join("|".join(row) + "\n" for row in rows).encode()


def _cell(name: str, value: str) -> str:
    if not value or "|" in value or not value.isprintable() or len(value) > CELL_MAX:
        text = f"{name}: 1 to {CELL_MAX} printable characters, none of them |"
        raise MalformedError(text, reason="cell_not_writable")
    return value
