"""References as partners give them back: in other letters, with other signs, with a prefix, cut short, mistyped."""

import random
import unicodedata
from collections.abc import Callable

Garbling = Callable[[str, random.Random], str]

_ACCENTS = str.maketrans({"D": "Đ", "H": "Ḣ", "C": "Ç", "S": "Ś", "N": "Ñ", "T": "Ť", "K": "Ķ", "B": "Ḃ"})
_WIDE = str.maketrans({digit: chr(ord(digit) - ord("0") + 0xFF10) for digit in "0123456789"})


def case_changed(reference: str, _: random.Random) -> str:
    """Small letters for capitals, or the other way."""
    return reference.swapcase()


def separated(reference: str, source: random.Random) -> str:
    """Other signs between the parts, or none."""
    return reference.replace("-", source.choice(("", " ", "/", "_", ".", " - "))).lower()


def accented(reference: str, _: random.Random) -> str:
    """Letters with marks where ours has none."""
    return unicodedata.normalize("NFC", reference.upper().translate(_ACCENTS)) + "."


def wide(reference: str, _: random.Random) -> str:
    """Digits of double width, as some bank terminals send them."""
    return reference.translate(_WIDE)


def prefixed(reference: str, source: random.Random) -> str:
    """A word of the bank's before the reference."""
    return source.choice(("MOMO.", "Nộp phí ", "CK-", "TT ĐVC ")) + reference


def renamed(reference: str, source: random.Random) -> str:
    """The letters in front replaced by others, or lost."""
    return source.choice(("", "GD", "Mã ")) + reference.split("-", 1)[1]


def cut_short(reference: str, source: random.Random) -> str:
    """The end is missing, as in a field too narrow."""
    return reference[: -source.choice((1, 2, 3))]


def followed(reference: str, source: random.Random) -> str:
    """A payer's words after the reference."""
    return reference + source.choice((" le phi ho so", " nộp thuế đất", " HO TEN A"))


def mistyped(reference: str, source: random.Random) -> str:
    """Two digits of the end changed."""
    place = len(reference) - source.randrange(2, 6)
    changed = "".join(str((int(digit) + 1 + source.randrange(8)) % 10) for digit in reference[place : place + 2])
    return reference[:place] + changed + reference[place + 2 :]


# What normalising undoes, with or without the letters in front; and what only amount and day can confirm.
NORMALISED: tuple[Garbling, ...] = (case_changed, separated, accented, wide, prefixed, renamed)
RELATED: tuple[Garbling, ...] = (cut_short, followed, mistyped)
