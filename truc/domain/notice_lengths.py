"""How many short messages carry a text: septets of the GSM alphabet, or UTF-16 units (3GPP TS 23.038, TS 23.040)."""

from dataclasses import dataclass
from enum import StrEnum

# 3GPP TS 23.038 section 6.2.1: the default alphabet without its escape, and 6.2.1.1: what costs an escape more.
GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_ESCAPED = frozenset("\f^{}\\[~]|€")


class Coding(StrEnum):
    """How a text travels."""

    GSM7 = "gsm7"
    UCS2 = "ucs2"


# One message holds 140 octets; of several, each gives six to the header that joins them (TS 23.040 section 9.2.3.24).
_WHOLE = {Coding.GSM7: 160, Coding.UCS2: 70}
_PART = {Coding.GSM7: 153, Coding.UCS2: 67}


@dataclass(frozen=True, slots=True)
class Length:
    """`units` are septets for GSM7, UTF-16 units for UCS2; `segments` is what is paid for."""

    coding: Coding
    units: int
    segments: int


def measure(text: str) -> Length:
    """Return how long the text is as short messages; no text at all is one message of no units.

    A character that costs two units is never cut in half, so a part may stay one unit short.
    """
    coding = coding_of(text)
    costs = [_cost(one, coding) for one in text]
    units = sum(costs)
    segments = 1 if units <= _WHOLE[coding] else _parts(costs, _PART[coding])
    return Length(coding, units, segments)


def coding_of(text: str) -> Coding:
    """Return GSM7 for text that is both ASCII and in the GSM alphabet, else UCS2.

    The accented letters that GSM does hold go as UCS2: what a carrier makes of them as plain text is not known.
    """
    plain = text.isascii() and all(one in GSM_BASIC or one in GSM_ESCAPED for one in text)
    return Coding.GSM7 if plain else Coding.UCS2


def _cost(character: str, coding: Coding) -> int:
    if coding is Coding.GSM7:
        return 2 if character in GSM_ESCAPED else 1
    return 1 if ord(character) < 0x10000 else 2


def _parts(costs: list[int], room: int) -> int:
    count, used = 1, 0
    for cost in costs:
        if used + cost > room:
            count, used = count + 1, 0
        used += cost
    return count
