"""Verifies the portal's lookup of a payment by MaTraCuuTT, and answers with the bill (partners.md §9.2).

Of the call nothing is published but that code, so what proves it is a setting: `lookup_signed` lists the fields that
its MaXacThuc covers, hashed as every message of the platform is. Without the setting no lookup is served. An answer
holds who pays and for what, so only a verified call hears one.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from connectors.national_payment.receipts import Receipts, of_connection
from connectors.national_payment.signatures import HASH, has_bar, listed
from connectors.national_payment.texts import PARTY, json_object, texts
from truc.connections import Connection
from truc.envelope import Envelope, digest_of
from truc.errors import MalformedError, SetupError
from truc.inbound.callbacks import HttpAnswer, Incoming, Question, Received, Refused
from truc.trust.signing import Profile, verify

CODE = "MaTraCuuTT"
FOUND = "0"
# Which of the two says «none» is not published: that is a setting, and the other one is told to every other call.
ABSENT_CODES = ("1", "-1")
ABSENT, REFUSED = "Không tìm thấy khoản thanh toán", "Không xác minh được yêu cầu"
LOOKED_UP = re.compile(r"(?s)(.{1,64})([0-9]{14})")
TIME_FORMAT, VIETNAM = "%Y%m%d%H%M%S", ZoneInfo("Asia/Ho_Chi_Minh")


def receive(request: Incoming, connection: Connection) -> Received:
    """Return the verified call, named by its digest, and the order it asks for; or raise Refused.

    Reasons: not_served, not_json, field_missing, malformed, bad_signature.
    """
    profile = listed(connection.optional("lookup_signed"))
    if profile is None:
        raise Refused("not_served", HttpAnswer(404))
    if CODE not in profile.names:
        raise SetupError(f"{PARTY}: lookup_signed must hold {CODE}", reason="setting_malformed")
    absent = _absent_code(connection)
    wrong = _without_bill(next(code for code in ABSENT_CODES if code != absent), REFUSED)
    dossier_code, at = _asked_for(_verified(request.body, profile, connection, wrong)[CODE], wrong)
    question = Question(
        dossier_code=dossier_code, requested_at=at, answer=partial(_bill, receipts=of_connection(connection))
    )
    envelope = Envelope(PARTY, "lookup", digest_of(request.body), request.body)
    return Received(envelope, _without_bill(absent, ABSENT), question=question)


def _verified(body: bytes, profile: Profile, connection: Connection, wrong: HttpAnswer) -> Mapping[str, str]:
    try:
        fields = texts(body)
        if not {*profile.names, HASH} <= fields.keys():
            raise Refused("field_missing", wrong)
        if has_bar(profile, fields):
            raise Refused("malformed", wrong)
        right = verify(profile, fields, connection.required("password"), fields[HASH])
    except MalformedError as error:
        raise Refused(error.reason, wrong) from error
    if not right:
        raise Refused("bad_signature", wrong)
    return fields


def _asked_for(code: str, wrong: HttpAnswer) -> tuple[str, datetime]:
    """Return the dossier's number and the time in a MaTraCuuTT."""
    found = LOOKED_UP.fullmatch(code)
    try:
        if found is not None and found[1].isprintable():
            return found[1], datetime.strptime(found[2], TIME_FORMAT).replace(tzinfo=VIETNAM)
    except ValueError as error:
        raise Refused("malformed", wrong) from error
    raise Refused("malformed", wrong)


def _bill(written: bytes, *, receipts: Receipts) -> HttpAnswer:
    """Return what `mappings.national_payment.lookup.write` wrote, with what the connection adds to a bill."""
    order: dict[str, Any] = json_object(written)
    return _json({"error_code": FOUND, "message": {CODE: order[CODE], **receipts.filled(order)}})


def _absent_code(connection: Connection) -> str:
    code = connection.optional("lookup_absent_code", ABSENT_CODES[0])
    if code not in ABSENT_CODES:
        raise SetupError(f"{PARTY}: lookup_absent_code must be 1 or -1", reason="setting_malformed")
    return code


def _without_bill(code: str, words: str) -> HttpAnswer:
    return _json({"error_code": code, "message": words})


def _json(answer: Mapping[str, object]) -> HttpAnswer:
    return HttpAnswer(200, json.dumps(answer, ensure_ascii=False).encode())
