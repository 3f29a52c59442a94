"""NoticeDue to receiver, text and coding of one wsCpMt (domain/partners.md 14); the account is the client's."""

import json
import re
import unicodedata

from truc.errors import MalformedError
from truc.messages import NoticeDue

# 3GPP TS 23.038 section 6.2.1: the default alphabet, and the characters that cost an escape.
GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_ESCAPED = frozenset("\f^{}\\[~]|€")
PLAIN, UNICODE = "0", "1"
SEGMENTS_MAX = 5  # ours: a longer notice is a mistake in its text, and each part costs
# Mobile numbers since 2018 (domain/partners.md 16.3): ten digits with leading 0, or 84 + nine.
MOBILE = re.compile(r"(?:0|\+?84)([35789][0-9]{8})")


def write(message: NoticeDue) -> bytes:
    """Return JSON {UserID, ReceiverID, Content, ContentType}; raise MalformedError naming the field to mend."""
    receiver = _receiver(message.phone)
    text = unicodedata.normalize("NFC", message.text).strip()
    _check(text)
    # The partner refuses a UserID unlike the ReceiverID ("UserID_NOT_EQUAL_ReceiverID").
    fields = {"UserID": receiver, "ReceiverID": receiver, "Content": text, "ContentType": content_type(text)}
    return json.dumps(fields, ensure_ascii=False).encode()


def content_type(text: str) -> str:
    """Return "0" (plain) for text that is both ASCII and in the GSM alphabet, else "1" (Unicode).

    The accented letters that GSM does hold go as Unicode: what a carrier makes of them as plain is not known.
    """
    return PLAIN if text.isascii() and _septets(text) is not None else UNICODE


def segments(text: str) -> int:
    """Return how many short messages carry `text`: 160 or 153 septets each when plain, 70 or 67 UTF-16 units else."""
    costs = _septets(text) if content_type(text) == PLAIN else None
    if costs is None:
        return _parts([1 if ord(one) < 0x10000 else 2 for one in text], whole=70, part=67)
    return _parts(costs, whole=160, part=153)


def _septets(text: str) -> list[int] | None:
    """Return what each character costs in the GSM alphabet, or None when one is not in it."""
    if not all(one in GSM_BASIC or one in GSM_ESCAPED for one in text):
        return None
    return [2 if one in GSM_ESCAPED else 1 for one in text]


def _parts(costs: list[int], *, whole: int, part: int) -> int:
    """Count parts; a character that costs two is never cut in half between two parts."""
    if sum(costs) <= whole:
        return 1
    count, used = 1, 0
    for cost in costs:
        if used + cost > part:
            count, used = count + 1, 0
        used += cost
    return count


def _receiver(phone: str) -> str:
    found = MOBILE.fullmatch(re.sub(r"[ .]", "", phone))
    if found is None:
        raise MalformedError(
            "phone: not a Vietnamese mobile number; write ten digits with leading 0", reason="not_a_mobile_number"
        )
    return f"84{found[1]}"


def _check(text: str) -> None:
    if not text:
        raise MalformedError("text: empty; the partner refuses it", reason="text_empty")
    if any(unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\r" for one in text):
        raise MalformedError("text: holds a control character; remove it", reason="text_unprintable")
    if segments(text) > SEGMENTS_MAX:
        raise MalformedError(f"text: over {SEGMENTS_MAX} short messages; shorten it", reason="text_too_long")
