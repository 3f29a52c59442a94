"""Published fees read into kinds and whole đồng, or left as they are with a reason."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from truc.domain.money import vnd
from truc.domain.time_limit import Unread, plain_wording
from truc.errors import MalformedError

FeeKind = Literal["phi", "le_phi"]


@dataclass(frozen=True)
class Fee:
    """One published amount. `per` is what it is counted by («lần», «bản»), "" for the dossier."""

    kind: FeeKind
    amount_vnd: int
    per: str = ""


ONCE_A_DOSSIER = frozenset({"", "lần", "hồ sơ"})  # a fee per page or per copy needs a count we do not have


def fee_of_dossier_vnd(fees: Sequence[Fee]) -> int | None:
    """The amount to ask for, when the published fees leave exactly one; else None: a person decides."""
    return fees[0].amount_vnd if len(fees) == 1 and fees[0].per in ONCE_A_DOSSIER else None


_ITEM = re.compile(r"(?<!\w)(?P<kind>lệ phí|phí)\s*:", re.IGNORECASE)
_LINK_TEXT = re.compile(r"xem chi tiết", re.IGNORECASE)  # the portal's button, glued on by the export
_PER = re.compile(r"(?P<amount>.*?)\s*/\s*(?P<per>[^\W\d_]+(?: [^\W\d_]+){0,4})")
_FREE = re.compile(r"(?:không|không có|không thu|miễn phí|miễn lệ phí|miễn)(?: đồng)?")
_CURRENCY_TAIL = re.compile(r"\s+đồng$", re.IGNORECASE)


def read_fees(wording: str) -> tuple[Fee, ...] | Unread:
    """Every published amount of «Lệ phí: 200000 Đồng», «Phí: 150.000 Đồng Phí: 300.000 Đồng», …

    Several fees are the portal's cases side by side (it does not say which applies), so a caller may
    charge one only when there is exactly one. If any item has no value the whole is Unread, with
    reason not_published, amount_missing, set_by_council, by_regulation, conditional or free_text.
    An empty wording is "not published", never "free".
    """
    items = _items(wording)
    if not items:
        plain = plain_wording(wording)
        return Unread(wording, "free_text" if plain else "not_published")
    fees: list[Fee] = []
    for kind, text in items:
        fee = _read_one(kind, text)
        if isinstance(fee, str):
            return Unread(wording, fee)
        fees.append(fee)
    return tuple(fees)


def _items(wording: str) -> list[tuple[FeeKind, str]]:
    text = _LINK_TEXT.sub(" ", unicodedata.normalize("NFC", wording))
    heads = list(_ITEM.finditer(text))
    if not heads or text[: heads[0].start()].strip():
        return []
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return [
        ("le_phi" if head["kind"].casefold().startswith("lệ") else "phi", text[head.end() : end].strip())
        for head, end in zip(heads, ends, strict=True)
    ]


def _read_one(kind: FeeKind, text: str) -> Fee | str:
    """The fee, or the reason why there is none."""
    plain = plain_wording(text)
    if plain in {"", "đồng"}:
        return "amount_missing"
    if _FREE.fullmatch(plain):
        return Fee(kind, 0)
    # «50.000 đồng/lần Đồng»: the portal adds its own «Đồng» after whatever was typed.
    per = _PER.fullmatch(_CURRENCY_TAIL.sub("", plain))
    try:
        amount = vnd(per["amount"] if per else plain)
    except MalformedError:
        return _why_unread(plain)
    return Fee(kind, amount, per["per"] if per else "")


def _why_unread(plain: str) -> str:
    if "hội đồng nhân dân" in plain or "hđnd" in plain:
        return "set_by_council"
    if re.fullmatch(r"(?:thực hiện )?theo (?:quy định|luật|thông tư|nghị định|nghị quyết).*", plain):
        return "by_regulation"
    return "conditional" if re.search(r"\d", plain) or "trường hợp" in plain else "free_text"
