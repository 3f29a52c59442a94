"""The passes over core and statement, each on the rows no earlier one placed."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from tests.truc.reconcile.engine.oracle_groups import judge, resolve, withdraw_tolerance
from tests.truc.reconcile.engine.oracle_places import MATCH, NO_MONEY, Board, Place, alone, grouped, net, place
from tests.truc.reconcile.engine.oracle_rows import (
    Row,
    day,
    edits,
    more_working_days_than,
    norm,
    order,
    unlettered,
)


def match_core_and_statement(board: Board) -> None:
    """Place every row of the board, pass by pass as declared."""
    passes: dict[str, Callable[[Board], None]] = {
        "exact_reference": _exact_reference,
        "partner_reference": _partner_reference,
        "normalised_reference": _normalised_reference,
        "amount_day": _amount_day,
        "batch": _batch,
        "settlement": _settlement,
        "original": _original,
    }
    for name in board.spec.passes:
        passes[name](board)
    _leftovers(board)
    withdraw_tolerance(board)


def _exact_reference(board: Board) -> None:
    _resolve_all(board, "exact_reference", lambda row: row.our_reference)


def _partner_reference(board: Board) -> None:
    _put_repeats(board)
    _resolve_all(board, "partner_reference", lambda row: row.partner_reference)


def _resolve_all(board: Board, rule: str, key: Callable[[Row], str]) -> None:
    for _, core, partner in _shared(board, key):
        resolve(board, core, partner, rule)


def _shared(board: Board, key: Callable[[Row], str]) -> Iterable[tuple[str, list[Row], list[Row]]]:
    """What is left of both sides under each non-empty key of one party and family."""

    def of_family(row: Row) -> tuple[str, str, str]:
        return row.party, row.family, key(row)

    core, partner = grouped(board.left(board.core), of_family), grouped(board.left(board.partner), of_family)
    return [(one[2], core[one], partner[one]) for one in sorted(core.keys() & partner.keys()) if one[2]]


def _put_repeats(board: Board) -> None:
    """A left row whose partner reference is that of exactly one paired row of its side says that row again.

    Not so a return, several of which may be of one payment, nor a row whose reference a settlement line carries: that
    is a batch's.
    """
    of_pairs = grouped([row for one in board.paired() for row in one.rows if row.counted], _named)
    batches = {(row.party, row.partner_reference) for row in _settlement_lines(board)}
    for row in board.left(board.core + board.partner):
        same = of_pairs.get(_named(row), [])
        if row.family == "return" or (row.side == "core" and (row.party, row.partner_reference) in batches):
            continue
        if row.counted and row.partner_reference and len(same) == 1:
            what = "duplicate_in_core" if row.side == "core" else "duplicate_at_partner"
            board.put(alone(row, what, "partner_reference"))


def _named(row: Row) -> tuple[str, str, str, str]:
    return row.side, row.party, row.family, row.partner_reference


def _normalised_reference(board: Board) -> None:
    rule = "normalised_reference"
    for _, core, partner in _shared(board, lambda row: norm(row.our_reference)):
        if _spellings(core) > 1 or _spellings(partner) > 1:
            for row in core + partner:
                board.put(alone(row, "ambiguous" if row.counted else NO_MONEY, rule))
        else:
            resolve(board, core, partner, rule)
    for _, core, partner in _shared(board, lambda row: unlettered(row.our_reference, board.spec.unlettered_from)):
        if _spellings(core) == 1 and _spellings(partner) == 1:
            resolve(board, core, partner, rule)


def _spellings(rows: list[Row]) -> int:
    return len({row.our_reference for row in rows})


def _amount_day(board: Board) -> None:
    """Rows of one amount near in days, and told apart by nothing: only where each is the other's one candidate."""
    candidates = _candidates(board)
    for row, others in candidates.items():
        if row in board.placed:
            continue
        if len(others) == 1 and len(candidates[others[0]]) == 1:
            ours, theirs = (row, others[0]) if row.side == "core" else (others[0], row)
            board.put(judge(board, ours, theirs, "amount_day"))
        else:
            board.put(alone(row, "ambiguous", "amount_day"))


def _amount_rows(board: Board, rows: list[Row]) -> list[Row]:
    return [row for row in board.left(rows, "payment", "return") if row.counted]


def _candidates(board: Board) -> dict[Row, list[Row]]:
    """Each left row that has any, on either side, with its candidates of the other."""
    found: dict[Row, list[Row]] = {}
    core, partner = _amount_rows(board, board.core), _amount_rows(board, board.partner)
    core, partner = _uncrowded(board, core, partner), _uncrowded(board, partner, core)
    of_amount = grouped(partner, _of_amount)
    for ours in core:
        for theirs in of_amount.get(_of_amount(ours), []):
            if _is_near(board, ours, theirs) and _may_be_one(board, ours, theirs):
                found.setdefault(ours, []).append(theirs)
                found.setdefault(theirs, []).append(ours)
    return found


def _of_amount(row: Row) -> tuple[str, str, int]:
    return row.party, row.family, row.amount


def _is_near(board: Board, one: Row, other: Row) -> bool:
    earlier, later = sorted([day(one), day(other)])
    return not more_working_days_than(board.spec.window_days, earlier, later)


def _may_be_one(board: Board, ours: Row, theirs: Row) -> bool:
    if _differ(ours.partner_reference, theirs.partner_reference) or _differ(ours.payer, theirs.payer):
        return False
    same_payer = ours.payer == theirs.payer != ""
    return same_payer or "" in (ours.our_reference, theirs.our_reference) or _related(board, ours, theirs)


def _differ(one: str, other: str) -> bool:
    return "" not in (one, other) and one != other


def _related(board: Board, ours: Row, theirs: Row) -> bool:
    one, other = norm(ours.our_reference), norm(theirs.our_reference)
    if min(len(one), len(other)) < board.spec.related_from:
        return False
    return one in other or other in one or (len(one) == len(other) and edits(one, other) <= board.spec.edits_max)


def _uncrowded(board: Board, rows: list[Row], others: list[Row]) -> list[Row]:
    """Those that would be compared with no more rows of the other side than is allowed."""
    of_amount = grouped(others, _of_amount)
    near = {row: [other for other in of_amount.get(_of_amount(row), []) if _is_near(board, row, other)] for row in rows}
    return [row for row in rows if len(near[row]) <= board.spec.candidates_max]


def _batch(board: Board) -> None:
    """A settlement line that pays the core rows that carry its partner reference, fees taken off."""
    lines = [row for row in _settlement_lines(board) if row.partner_reference]
    rows = _amount_rows(board, board.core)
    for named, same in grouped(lines, lambda row: (row.party, row.partner_reference)).items():
        core = [row for row in rows if (row.party, row.partner_reference) == named]
        if len(same) == 1 and core:
            line = same[0]
            owed = net(core) - (line.fee or sum(row.fee for row in core))
            board.put(_settled("batch", core, [line], owed=owed, leg="statement"))


def _settlement_lines(board: Board) -> list[Row]:
    return [row for row in board.left(board.partner, "settlement") if row.counted]


def _settled(rule: str, core: list[Row], lines: list[Row], *, owed: int, leg: str) -> Place:
    """Settlement lines against the net they should pay."""
    paid = sum(line.money for line in lines)
    what = MATCH if paid == owed else "settlement_short" if paid < owed else "settlement_over"
    made = place(what, rule, core=core, partner=lines, leg=leg)
    return replace(made, core_vnd=owed, difference_vnd=owed - paid)


def _settlement(board: Board) -> None:
    """The other settlement lines of a party's day against the net of that day."""
    lines = _settlement_lines(board)
    for (party, on), same in grouped(lines, lambda row: (row.party, day(row))).items():
        theirs = [
            row
            for row in board.partner
            if (row.party, row.day) == (party, on) and row.counted and row.family != "settlement"
        ]
        core = [] if theirs else [row for row in _amount_rows(board, board.core) if (row.party, row.day) == (party, on)]
        board.put(_settled("settlement", core, same, owed=_owed(theirs or core), leg="settlement"))


def _owed(rows: list[Row]) -> int:
    """Payments less returns, less fee lines, less the fees on payment and return lines."""
    fee_lines = [row for row in rows if row.family == "fee"]
    others = [row for row in rows if row.family != "fee"]
    return net(others) - sum(row.money for row in fee_lines) - sum(row.fee for row in others)


def _original(board: Board) -> None:
    """Returns at the partner of a payment that core calls refunded with no return of its own."""
    lines = [row for row in board.left(board.partner, "return") if row.counted]
    refunded = [row for row in board.core if row.family == "payment" and row.state == "refunded"]
    named = {line: [payment for payment in refunded if _names(line, payment)] for line in lines}
    for payment in refunded:
        its_own = [line for line in lines if named[line] == [payment]]
        known = any(row.side == "core" and _names(row, payment) for row in board.returns())
        if not known and sum(line.money for line in its_own) <= payment.amount:
            for line in its_own:
                board.put(replace(alone(line, MATCH, "original", leg="return"), difference_vnd=0))


def _names(row: Row, payment: Row) -> bool:
    """Whether the row carries one of the payment's references."""
    if row.party != payment.party:
        return False
    return row.our_reference == payment.our_reference != "" or row.partner_reference == payment.partner_reference != ""


def _leftovers(board: Board) -> None:
    for row in sorted(board.left(board.core), key=order) + sorted(board.left(board.partner), key=order):
        board.put(alone(row, _left_as(board, row), "none"))


def _left_as(board: Board, row: Row) -> str:
    if not row.counted:
        return NO_MONEY
    if row.family == "return":
        return "refund_unmatched"
    if row.family == "fee":
        return "fee_differs"
    if row.side == "core":
        return "missing_at_partner"
    again = row.family == "payment" and _says_again(board, row)
    return "duplicate_at_partner" if again else "missing_in_core"


def _says_again(board: Board, row: Row) -> bool:
    """Whether a left payment of the partner repeats a paired one."""
    pairs = [one for one in board.paired() if (one.core[0].party, one.core[0].family) == (row.party, "payment")]
    references = {one.our_reference for pair in pairs for one in pair.rows} - {""}
    norms = {norm(one) for one in references} - {""}
    by_partner = [pair for pair in pairs if row.partner_reference and row.partner_reference in map(_theirs, pair.rows)]
    return row.our_reference in references or norm(row.our_reference) in norms or len(by_partner) == 1


def _theirs(row: Row) -> str:
    return row.partner_reference
