"""Reads VietinBank's daily statement file.

The bank has not published its layout (partners.md §7, §19): this profile is the neutral one that
our stand-in writes, to be replaced by the agreed one. Only the profile changes then.
"""

from collections.abc import Iterable

from truc.messages import Statement
from truc.statements.profiles import Delimited, Meaning
from truc.statements.read import read as read_file

PROFILE = Delimited(
    party="vietinbank",
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
    ),
    trailer=("mark", "count", "amount_vnd"),
    header_mark="H",
    line_mark="D",
    trailer_mark="T",
    means=Meaning(
        date_format="%Y%m%d",
        time_format="%Y%m%d%H%M%S",
        kinds={"TT": "payment", "HT": "refund", "DC": "reversal", "PH": "fee", "QT": "settlement"},
        states={"00": "paid", "01": "pending", "02": "refunded", "99": "failed"},
    ),
)


def read(body: bytes) -> Iterable[Statement]:
    """Yield the one statement, its control totals verified; MalformedError when it is not whole (`Reading.whole`)."""
    yield Statement.model_validate(read_file(body, PROFILE).whole(), from_attributes=True)
