"""Reads Vietcombank's daily statement file, in the form that stands before it or in the neutral one.

The bank has published nothing (partners.md §8). The connector puts the configured profile (TOML) before the file:
`#truc-profile <its length in bytes>`, a line end, the profile, the file. A file without it is of the neutral form
that our stand-in writes.
"""

import re
from collections.abc import Iterable

from truc.errors import MalformedError, SetupError
from truc.messages import Statement
from truc.statements.profile_file import parse
from truc.statements.profiles import Delimited, Meaning, Profile
from truc.statements.read import read as read_file

HEAD = re.compile(rb"#truc-profile ([0-9]{1,6})\n")
PROFILE = Delimited(
    party="vietcombank",
    delimiter="|",
    header=("mark", "-bank", "business_on"),
    line=(
        "mark",
        "line_no",
        "our_reference",
        "partner_reference",
        "kind",
        "amount_vnd",
        "fee_vnd",
        "state",
        "occurred_at",
        "settled_on",
    ),
    trailer=("mark", "count", "amount_vnd"),
    header_mark="H",
    line_mark="D",
    trailer_mark="T",
    means=Meaning(
        kinds={"TT": "payment", "HT": "refund", "DC": "reversal", "PH": "fee", "QT": "settlement"},
        states={"00": "paid", "01": "pending", "02": "refunded", "99": "failed"},
    ),
)


def read(body: bytes) -> Iterable[Statement]:
    """Yield the one statement, its control totals verified.

    MalformedError when it is not whole (`Reading.whole`), or `profile_malformed` when the profile before it is none.
    """
    profile, file = _parts(body)
    yield Statement.model_validate(read_file(file, profile).whole(), from_attributes=True)


def _parts(body: bytes) -> tuple[Profile, bytes]:
    head = HEAD.match(body)
    if head is None:
        return PROFILE, body
    end = head.end() + int(head[1])
    try:
        return parse(body[head.end() : end].decode()), body[end:]
    except (SetupError, UnicodeDecodeError) as error:
        text = f"the setting `profile` cannot be used, correct it and fetch the day again: {error}"
        raise MalformedError(text, reason="profile_malformed") from error
