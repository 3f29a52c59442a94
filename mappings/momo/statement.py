"""Reads MoMo's daily statement.

MoMo has not published its reconciliation file (partners.md §1.3): this profile is the neutral one
that our stand-in writes, to be replaced by the agreed one. Only the profile changes then.
"""

from collections.abc import Iterable

from truc.domain.statement_file import DelimitedProfile, read_delimited
from truc.domain.text import storable
from truc.errors import MalformedError
from truc.messages import Statement

PROFILE = DelimitedProfile(
    delimiter=",",
    quoted="as_needed",
    header=("mark", "partner_code", "business_on"),
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
    header_mark="HEADER",
    line_mark="LINE",
    trailer_mark="TOTAL",
    date_format="%Y-%m-%d",
    time_format="%Y-%m-%d %H:%M:%S",
    kinds={"PAYMENT": "payment", "REFUND": "refund", "REVERSAL": "reversal", "FEE": "fee", "SETTLEMENT": "settlement"},
    states={"SUCCESS": "paid", "PENDING": "pending", "REFUNDED": "refunded", "FAILED": "failed"},
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
