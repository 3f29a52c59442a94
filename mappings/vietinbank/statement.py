"""Reads VietinBank's daily statement file.

The bank has not published its layout (partners.md §7, §19): this profile is the neutral one that
our stand-in writes, to be replaced by the agreed one. Only the profile changes then.
"""

from collections.abc import Iterable

from truc.domain.statement_file import DelimitedProfile, read_delimited
from truc.domain.text import storable
from truc.errors import MalformedError
from truc.messages import Statement

PROFILE = DelimitedProfile(
    delimiter="|",
    header=("mark", "bank", "business_on"),
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
    ),
    trailer=("mark", "count", "amount_vnd"),
    header_mark="H",
    line_mark="D",
    trailer_mark="T",
    date_format="%Y%m%d",
    time_format="%Y%m%d%H%M%S",
    kinds={"TT": "payment", "HT": "refund", "DC": "reversal", "PH": "fee", "QT": "settlement"},
    states={"00": "paid", "01": "pending", "02": "refunded", "99": "failed"},
)


def read(body: bytes) -> Iterable[Statement]:
    """Yield the one statement, its control totals verified; MalformedError as `read_delimited` says.

    A reference that cannot be kept (text_not_storable) refuses the whole file too: a line fewer would break its totals.
    """
    found = read_delimited(body, PROFILE)
    for line in found.lines:
        if not storable(line.our_reference + line.partner_reference):
            raise MalformedError(f"line_no {line.line_no}: a reference holds NUL", reason="text_not_storable")
    yield Statement.model_validate(found, from_attributes=True)
