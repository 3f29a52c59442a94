"""NoticeDue to receiver, subject and text of one e-mail; sender, date and Message-ID are the client's."""

import json
import re
import unicodedata

from truc.domain.notices import Letter, letter
from truc.errors import MalformedError
from truc.messages import NoticeDue

# One plain mailbox in ASCII: nothing that could end a header or name a second receiver (RFC 5321, 4.1.2, without
# quoted names, which no citizen's address has).
MAILBOX = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+"
)
NAME_MAX, ADDRESS_MAX = 64, 254  # RFC 5321, 4.5.3.1
TEXT_MAX = 20_000  # ours: a longer notice is a mistake in its text
# Of a message of before there were facts, which has a finished text and no subject.
SUBJECT = "Thông báo về hồ sơ {code}"
SUBJECT_WITHOUT_DOSSIER = "Thông báo về thủ tục hành chính"


def write(message: NoticeDue) -> bytes:
    """Return JSON {to, subject, text}; raise MalformedError naming the field to mend.

    Reasons: no_address, address_malformed, subject_malformed, text_empty, text_unprintable, text_too_long.
    """
    mail = _letter(message)
    _check(mail.text)
    fields = {"to": _receiver(message.email), "subject": mail.subject, "text": mail.text}
    return json.dumps(fields, ensure_ascii=False).encode()


def _letter(message: NoticeDue) -> Letter:
    if message.facts is not None:
        return letter(message.notice, message.said)
    return Letter(_subject(message.dossier_code), unicodedata.normalize("NFC", message.text).strip())


def _receiver(address: str) -> str:
    found = address.strip(" ")
    if not found:
        raise MalformedError("email: the citizen gave no address", reason="no_address")
    name = found.rpartition("@")[0]
    if len(found) > ADDRESS_MAX or len(name) > NAME_MAX or MAILBOX.fullmatch(found) is None:
        raise MalformedError("email: not a plain address, name@domain in ASCII", reason="address_malformed")
    return found


def _subject(code: str) -> str:
    if not code.isprintable():
        raise MalformedError("dossier_code: holds a line end or control character", reason="subject_malformed")
    return SUBJECT.format(code=code) if code else SUBJECT_WITHOUT_DOSSIER


def _check(text: str) -> None:
    if not text:
        raise MalformedError("text: empty", reason="text_empty")
    if any(unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\r\t" for one in text):
        raise MalformedError("text: holds a control character; remove it", reason="text_unprintable")
    if len(text) > TEXT_MAX:
        raise MalformedError(f"text: over {TEXT_MAX:,} characters; shorten it", reason="text_too_long")
