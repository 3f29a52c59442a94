"""Verifies the platform's word on a payment, over the values as received, and answers it (partners.md §9.1).

The hash has no place for ThongTinBienLai, and a bar in a value would move the fields under it: a call with one is
refused. Amount and reference are compared with our own order by the gateway and once more when it is booked. A lookup
of a payment (§9.2) is the business of connectors.national_payment.lookup.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from connectors.national_payment import lookup
from connectors.national_payment.signatures import HASH, RESULT, has_bar, listed
from connectors.national_payment.texts import PARTY, texts
from truc.connections import Connection
from truc.envelope import Envelope
from truc.errors import MalformedError
from truc.inbound.callbacks import About, HttpAnswer, Incoming, Received, Refused, Standing
from truc.trust.signing import sign, verify

DONE, OTHER_ERROR = ("00", "Thành công"), ("99", "Các lỗi khác")
SAID = {
    Standing.OPEN: DONE,
    Standing.SETTLED: DONE,
    Standing.AMOUNT_DIFFERS: OTHER_ERROR,
    Standing.UNKNOWN: OTHER_ERROR,
}
DIGITS_MAX = 15
TIME_FORMAT, TIME_DIGITS, VIETNAM = "%Y%m%d%H%M%S", 14, ZoneInfo("Asia/Ho_Chi_Minh")


def receive(request: Incoming, connection: Connection) -> Received:
    """Return the verified call, a result named MaThamChieu/MaGiaoDich, or raise Refused.

    Reasons: not_post, not_json, field_missing, malformed, wrong_partner, bad_signature, amount_malformed; of a lookup
    those of `lookup.receive`.
    """
    if request.method != "POST":
        raise Refused("not_post", HttpAnswer(405))
    if request.path.endswith("/lookup"):
        return lookup.receive(request, connection)
    fields = _fields(request.body)
    if fields["MaDoiTac"] != connection.required("login"):
        raise Refused("wrong_partner", WRONG)
    _require_right(fields, connection.required("password"))
    answers = {standing: _answer(fields, said, connection) for standing, said in SAID.items()}
    return Received(
        Envelope(PARTY, "result", f"{fields['MaThamChieu']}/{fields['MaGiaoDich']}", request.body),
        answers[Standing.OPEN],
        about=About(fields["MaThamChieu"], _amount_vnd(fields["SoTien"])),
        answers=answers,
        said_at=_said_at(fields["ThoiGianGD"]),
    )


def refusal(_reason: str) -> HttpAnswer:
    """Return what the platform hears when the gateway refuses a call for a reason of its own."""
    return WRONG


def _fields(body: bytes) -> dict[str, str]:
    try:
        fields = texts(body)
    except MalformedError as error:
        raise Refused("not_json", WRONG) from error
    if not {*RESULT.names, HASH} <= fields.keys() or not fields["MaThamChieu"]:
        raise Refused("field_missing", WRONG)
    if has_bar(RESULT, fields):
        raise Refused("malformed", WRONG)
    return fields


def _require_right(fields: Mapping[str, str], secret: str) -> None:
    try:
        right = verify(RESULT, fields, secret, fields[HASH])
    except MalformedError as error:
        raise Refused("malformed", WRONG) from error
    if not right:
        raise Refused("bad_signature", WRONG)


def _amount_vnd(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= DIGITS_MAX):
        raise Refused("amount_malformed", WRONG)
    return int(text)


def _said_at(text: str) -> datetime | None:
    """None for what is no time: booking says so, and sets the message aside."""
    if not (text.isascii() and text.isdigit() and len(text) == TIME_DIGITS):
        return None
    try:
        return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=VIETNAM)
    except ValueError:
        return None


def _answer(fields: Mapping[str, str], said: tuple[str, str], connection: Connection) -> HttpAnswer:
    """Two clients send back the MaXacThuc they got; where the connection lists what an answer signs, it is signed."""
    code, words = said
    answer = {"MaLoi": code, "MoTaLoi": words, **{name: fields[name] for name in ECHOED}}
    profile = listed(connection.optional("answer_signed"))
    answer[HASH] = fields[HASH] if profile is None else sign(profile, answer, connection.required("password"))
    return _json(answer)


def _json(answer: Mapping[str, str]) -> HttpAnswer:
    return HttpAnswer(200, json.dumps(answer, ensure_ascii=False).encode())


ECHOED = ("MaDoiTac", "MaThamChieu", "ThoiGianGD")
# Whoever calls so is not known: nothing of the call is sent back, and nothing is signed.
WRONG = _json({"MaLoi": OTHER_ERROR[0], "MoTaLoi": OTHER_ERROR[1], **dict.fromkeys((*ECHOED, HASH), "")})
