"""NoticeDue to receiver, text and coding of one wsCpMt (domain/partners.md 14); the account is the client's."""

import json
import re
import unicodedata

from truc.domain.notice_lengths import Coding, Length, measure
from truc.domain.notices import plain_text
from truc.errors import MalformedError
from truc.messages import NoticeDue

CONTENT_TYPES = {Coding.GSM7: "0", Coding.UCS2: "1"}  # plain, Unicode
SEGMENTS_MAX = 5  # ours: a longer notice is a mistake in its text, and each part costs
# Mobile numbers since 2018 (domain/partners.md 16.3): ten digits with leading 0, or 84 + nine.
MOBILE = re.compile(r"(?:0|\+?84)([35789][0-9]{8})")


def write(message: NoticeDue) -> bytes:
    """Return JSON {UserID, ReceiverID, Content, ContentType}; raise MalformedError naming the field to mend.

    The words go without accents: with them most would take a second message, and each is paid for.
    """
    receiver = _receiver(message.phone)
    text = _text(message)
    length = measure(text)
    _check(text, length)
    fields = {
        "UserID": receiver,  # the partner refuses one unlike the ReceiverID ("UserID_NOT_EQUAL_ReceiverID")
        "ReceiverID": receiver,
        "Content": text,
        "ContentType": CONTENT_TYPES[length.coding],
    }
    return json.dumps(fields, ensure_ascii=False).encode()


def _receiver(phone: str) -> str:
    found = MOBILE.fullmatch(re.sub(r"[ .]", "", phone))
    if found is None:
        raise MalformedError(
            "phone: not a Vietnamese mobile number; write ten digits with leading 0", reason="not_a_mobile_number"
        )
    return f"84{found[1]}"


def _text(message: NoticeDue) -> str:
    if message.facts is not None:
        return plain_text(message.notice, message.said)
    return unicodedata.normalize("NFC", message.text).strip()


def _check(text: str, length: Length) -> None:
    if not text:
        raise MalformedError("text: empty; the partner refuses it", reason="text_empty")
    if any(unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\r" for one in text):
        raise MalformedError("text: holds a control character; remove it", reason="text_unprintable")
    if length.segments > SEGMENTS_MAX:
        raise MalformedError(f"text: over {SEGMENTS_MAX} short messages; shorten it", reason="text_too_long")
