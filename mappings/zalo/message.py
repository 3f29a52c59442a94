"""NoticeDue to receiver and template data of one ZNS message (domain/partners.md 14); the template is the client's."""

import json
import re
import unicodedata

from truc.domain.notices import zalo_data
from truc.errors import MalformedError
from truc.messages import NoticeDue

# Mobile numbers since 2018 (domain/partners.md 16.3): ten digits with leading 0, or 84 + nine.
MOBILE = re.compile(r"(?:0|\+?84)([35789][0-9]{8})")


def write(message: NoticeDue) -> bytes:
    """Return JSON {phone: 84…, notice, template_data, tracking_id: our notice_id}; MalformedError names the field.

    `notice` is the kind, by which the client finds the template. The names in template_data are the fields of the
    kind: the templates are registered with them. A message of before there were facts has {dossier_code, text}.
    """
    fields = {
        "phone": _receiver(message.phone),
        "notice": message.notice,
        "template_data": _data(message),
        "tracking_id": message.notice_id,
    }
    return json.dumps(fields, ensure_ascii=False).encode()


def _data(message: NoticeDue) -> dict[str, str]:
    if message.facts is not None:
        return zalo_data(message.notice, message.said)
    return {"dossier_code": message.dossier_code, "text": _text(message.text)}


def _receiver(phone: str) -> str:
    found = MOBILE.fullmatch(re.sub(r"[ .]", "", phone))
    if found is None:
        raise MalformedError(
            "phone: not a Vietnamese mobile number; write ten digits with leading 0", reason="not_a_mobile_number"
        )
    return f"84{found[1]}"


def _text(text: str) -> str:
    composed = unicodedata.normalize("NFC", text).strip()
    if not composed:
        raise MalformedError("text: empty", reason="text_empty")
    if any(unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\r" for one in composed):
        raise MalformedError("text: holds a control character; remove it", reason="text_unprintable")
    return composed
