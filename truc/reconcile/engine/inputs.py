"""What the rules are given: rows of each side in the neutral form, and the working days.

The neutral row is the contract of docs/reconcile.md. Days are whole numbers, days since 1970-01-01, and instants
microseconds, so that no engine's time zone has a say.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from truc.reconcile.row import DEFAULTS, FAMILIES, GROUPS, NEUTRAL
from truc.reconcile.spec import EPOCH, MIDNIGHT, CutOff

DAY_S = 86_400
VIETNAM_S = 7 * 3_600
# What a row is made of, in the order in which rows stand: two rows with the same of all of it are interchangeable.
CONTENT = (
    "party",
    "family",
    "our_reference",
    "partner_reference",
    "amount_vnd",
    "day",
    "fee_vnd",
    "at_s",
    "kind",
    "state",
    "payer",
    "agency",
)
_TEXTS = ("party", "our_reference", "partner_reference", "kind", "state", "payer", "agency")
# How many working days there are up to and including each day.
WORKING_DAYS = ibis.table({"day": "int64", "worked": "int64"}, name="working_days")


def given(side: str) -> ir.Table:
    """Return the rows of a side as they are handed in: columns that a file does not have are null.

    What a receipt or a remittance is goes without saying: their kind and state may be left out.
    """
    table = ibis.table(NEUTRAL, name=f"{side}_in")
    for name, word in DEFAULTS.get(side, {}).items():
        table = table.mutate(**{name: ibis.ifelse(table[name].fill_null("") == "", word, table[name])})
    return table


def canonical(table: ir.Table, cut_offs: Sequence[CutOff]) -> ir.Table:
    """Return the rows with the columns of CONTENT, `group`, `counted`, `money` and `readable`; nulls are "" or 0.

    `money` is the amount where money moved, else 0; of a row that cannot be read, as far as it can.
    """
    table = table.mutate(**{name: table[name].fill_null("") for name in _TEXTS})
    table = table.mutate(
        family=table.kind.cases(*FAMILIES.items(), else_=""),
        group=table.state.cases(*GROUPS.items(), else_=""),
        at_s=(table.occurred_us // 1_000_000).cast("int64"),
        fee_vnd=table.fee_vnd.fill_null(0),
    )
    table = table.mutate(day=_day(table, cut_offs))
    readable = (
        (table.unreadable.fill_null("") == "")
        & (table.party != "")
        & (table.family != "")
        & (table.group != "")
        & table.day.notnull()
        & (table.amount_vnd >= 0)
        & (table.fee_vnd >= 0)
    ).fill_null(ibis.literal(value=False))
    counted = table.group == "settled"
    has_money = (counted & (table.amount_vnd > 0)).fill_null(ibis.literal(value=False))
    return table.select(
        *(table[name] for name in CONTENT if name != "at_s"),
        "group",
        at_s=table.at_s.fill_null(0),
        counted=counted,
        carried=table.carried.fill_null(ibis.literal(value=False)),
        receipt_due=table.receipt_due.fill_null(ibis.literal(value=True)),
        money=ibis.ifelse(has_money, table.amount_vnd, 0).cast("int64"),
        readable=readable,
    )


def numbered(table: ir.Table) -> ir.Table:
    """Return the rows with `id`, 0 and up in the order of their content: the order of the input does not matter."""
    order = [table[name] for name in CONTENT]
    return table.mutate(id=ibis.row_number().over(ibis.window(order_by=order)).cast("int64"))


def of_side(table: ir.Table, side: str) -> ir.Table:
    """Return the same rows with every column named for its side: no join ever shares a name."""
    return table.rename({f"{side}_{name}": name for name in table.columns})


def _day(table: ir.Table, cut_offs: Sequence[CutOff]) -> ir.IntegerValue:
    """Return the business day: as given, else of the instant in Vietnam, by the cut-off in force on that day."""
    local_s = table.at_s + VIETNAM_S
    local_day = local_s // DAY_S
    shift_s = ibis.literal(0)
    for one in sorted(cut_offs, key=lambda cut: (cut.party, cut.from_on)):  # the last that is in force holds
        holds = (table.party == one.party) & (local_day >= (one.from_on - EPOCH).days)
        shift_s = ibis.ifelse(holds, ibis.literal(_seconds_left(one)), shift_s)
    derived = ((local_s + shift_s) // DAY_S).cast("int64")
    return ibis.coalesce(table.business_day, derived)


def _seconds_left(cut: CutOff) -> int:
    """How long before midnight the cut-off is: what an instant is put forward by."""
    if cut.at == MIDNIGHT:
        return 0
    return DAY_S - (cut.at.hour * 3_600 + cut.at.minute * 60 + cut.at.second)
