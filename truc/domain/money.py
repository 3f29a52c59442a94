"""Whole đồng: reading amounts as Vietnamese offices write them, writing them as citizens read them.

The đồng has no subunit in use, so an amount is an `int` and nothing else; a separator can only
group thousands. Whatever could be read two ways is refused, not guessed.
"""

import re
import unicodedata

from truc.errors import MalformedError

MAX_VND = 10**15  # the bound of truc.messages.Vnd; more than the yearly state budget

_CURRENCY = r"(?:đồng|dong|vnđ|vnd|đ|₫)"
_AMOUNT = re.compile(
    rf"(?:{_CURRENCY}\s*)?"
    r"(?P<digits>0|[1-9]\d*|[1-9]\d{0,2}(?:\.\d{3})+|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d{0,2}(?: \d{3})+)"
    rf"\s*(?:{_CURRENCY})?",
    re.ASCII,
)


def vnd(text: str) -> int:
    """Whole đồng from «200000 Đồng», «1.500.000 đồng», «200,000đ», «1 500 000».

    Raises MalformedError ("bad_amount") for decimals, signs, mixed or uneven grouping, words such
    as «triệu», a float, or more than MAX_VND.
    """
    if not isinstance(text, str):
        raise _refused(f"expected text, got {type(text).__name__}")
    spaced = " ".join(unicodedata.normalize("NFC", text).casefold().split())
    found = _AMOUNT.fullmatch(spaced)
    if found is None or not spaced.isprintable():
        raise _refused("not one unambiguous whole number")
    amount = int(re.sub(r"\D", "", found["digits"]))
    if amount > MAX_VND:
        raise _refused("larger than any fee")
    return amount


def format_vnd(amount: int) -> str:
    """«1.500.000 ₫»: dots group thousands, as Vietnamese text does."""
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise _refused(f"expected whole đồng, got {type(amount).__name__}")
    return f"{amount:,}".replace(",", ".") + " ₫"


def _refused(why: str) -> MalformedError:
    return MalformedError(f"amount: {why}; write whole đồng such as 200000 or 1.500.000 đồng", reason="bad_amount")
