"""Reads MoMo's daily statement.

MoMo has not published its reconciliation file (partners.md §1.3): this profile is the neutral one
that our stand-in writes, to be replaced by the agreed one. Only the profile changes then.
"""

from collections.abc import Iterable

from truc.messages import Statement
from truc.statements.profiles import Delimited, Meaning
from truc.statements.read import read as read_file

PROFILE = Delimited(
    party="momo",
    delimiter=",",
    quoted="as_needed",
    header=("mark", "-partner_code", "business_on"),
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
    means=Meaning(
        date_format="%Y-%m-%d",
        time_format="%Y-%m-%d %H:%M:%S",
        kinds={
            "PAYMENT": "payment",
            "REFUND": "refund",
            "REVERSAL": "reversal",
            "FEE": "fee",
            "SETTLEMENT": "settlement",
        },
        states={"SUCCESS": "paid", "PENDING": "pending", "REFUNDED": "refunded", "FAILED": "failed"},
    ),
)


def read(body: bytes) -> Iterable[Statement]:
    """Yield the one statement, its control totals verified; MalformedError when it is not whole (`Reading.whole`)."""
    yield Statement.model_validate(read_file(body, PROFILE).whole(), from_attributes=True)
