"""One seed's day: clean business, a random choice of everything that can go wrong, and the truth about both."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from bench.planted import days, decoys, legs, plants, settling
from bench.planted.checked import check
from bench.planted.drawing import Desk
from bench.planted.rows import Row, Settings
from bench.planted.truth import Told, expected

PARTIES = ("momo", "vietinbank")
CLEAN_EVERY = 10  # each tenth seed has nothing planted
Making = Callable[[Desk], None]

ALWAYS: tuple[Making, ...] = (
    plants.missing_at_partner,
    plants.missing_in_core,
    plants.amount_differs,
    plants.amount_and_day_differ,
    plants.refund_amount_differs,
    plants.duplicate_in_core,
    plants.duplicate_at_partner,
    plants.duplicated_on_both,
    plants.duplicate_and_amount,
    plants.duplicate_of_number_in_core,
    plants.duplicate_of_number_at_partner,
    plants.duplicate_spelled_otherwise,
    plants.state_differs,
    plants.state_and_duplicate,
    plants.refunded_on_one_side,
    plants.refund_unmatched,
    plants.refund_of_original,
    plants.refund_beyond_original,
    plants.refund_late,
    plants.refund_part_missing,
    plants.refund_parts_differ,
    plants.refund_not_given,
    plants.fee_differs,
    plants.fee_of_one_side,
    plants.timing,
    plants.timing_found_by_amount,
    plants.unreadable_in_core,
    plants.unreadable_at_partner,
    settling.batch_short,
    settling.batch_over,
    settling.batch_and_missing,
    settling.batch_number_twice,
    settling.settled_by_ledger,
    settling.settled_for_nothing,
    settling.settlement_known,
    decoys.outside_window,
    decoys.other_payer,
    decoys.other_transaction,
    decoys.unrelated_reference,
    decoys.three_letters_off,
    decoys.reference_too_short,
    decoys.other_family,
    decoys.number_of_two,
    decoys.shared_digits,
    decoys.few_digits,
    decoys.two_payments_one_line,
    decoys.one_payment_two_lines,
    decoys.two_payments_two_lines,
    decoys.line_between_two,
    decoys.apart_by_payer,
    decoys.spelled_alike,
    decoys.spelled_alike_one_exact,
    decoys.spelled_alike_at_partner,
    decoys.reference_long_enough,
    decoys.enough_digits,
    decoys.number_of_two_at_partner,
    decoys.over_days_off,
    decoys.best_of_two,
    decoys.best_by_state,
    decoys.nothing_beside,
    decoys.refund_beside_known,
    decoys.number_found_late,
    decoys.accent_at_the_end,
)


@dataclass(frozen=True, slots=True)
class Truth:
    """Whole rows of breaks.parquet and matches.parquet, each sorted by all columns in order."""

    breaks: list[Told]
    matches: list[Told]


@dataclass(frozen=True, slots=True)
class Day:
    """The rows of one day by side, None where that side is not given; `planted` names what is no plain business."""

    seed: int
    settings: Settings
    core: list[Row]
    statement: list[Row]
    receipts: list[Row] | None
    remittance: list[Row] | None
    planted: tuple[str, ...]
    truth: Truth


def plant(seed: int, *, payments: int = 60, parties: tuple[str, ...] = PARTIES) -> Day:
    """The day of that seed, the same on every machine. Raise SpoiltTruthError when its truth contradicts itself."""
    desk = Desk(seed, parties)
    days.fill(desk, payments)
    ordinary = len(desk.stories)
    wrong = [] if seed % CLEAN_EVERY == 0 else _plant(desk)
    names = tuple(story.name for story in desk.stories[ordinary:])
    _finish(desk, wrong)
    breaks, matches = expected(desk.stories, desk.settings)
    check(desk.stories, desk.settings, breaks, matches)
    return Day(
        seed=seed,
        settings=desk.settings,
        core=_shuffled(desk, [story.core for story in desk.stories]),
        statement=_shuffled(desk, [story.statement for story in desk.stories]),
        receipts=_shuffled(desk, [story.receipts for story in desk.stories]) if desk.has_receipts else None,
        remittance=_shuffled(desk, [story.remittance for story in desk.stories]) if desk.has_remittance else None,
        planted=(*names, *wrong),
        truth=Truth(breaks=breaks, matches=matches),
    )


def apart(seeds: Iterable[int], *, payments: int = 60) -> list[Day]:
    """A day for each seed, each of parties of its own, named after its seed: so they can go together."""
    return [plant(seed, payments=payments, parties=tuple(f"{one}-{seed}" for one in PARTIES)) for seed in seeds]


def together(days: Sequence[Day]) -> Day:
    """Several days as one input. They must have parties of their own, the same sides, and tolerate the same."""
    first = days[0]
    kinds = {(day.receipts is None, day.remittance is None, *_tolerated(day.settings)) for day in days}
    parties = [frozenset(row["party"] for row in day.core if row["party"]) for day in days]
    if len(kinds) > 1 or len(frozenset().union(*parties)) < sum(map(len, parties)):
        raise ValueError("these days cannot be told apart, or not be reconciled alike")
    return Day(
        seed=first.seed,
        settings=replace(first.settings, cut_offs=dict(one for day in days for one in day.settings.cut_offs.items())),
        core=[row for day in days for row in day.core],
        statement=[row for day in days for row in day.statement],
        receipts=None if first.receipts is None else [row for day in days for row in day.receipts or ()],
        remittance=None if first.remittance is None else [row for day in days for row in day.remittance or ()],
        planted=tuple(name for day in days for name in day.planted),
        truth=Truth(
            breaks=[row for day in days for row in day.truth.breaks],
            matches=[row for day in days for row in day.truth.matches],
        ),
    )


def alike(days: Iterable[Day]) -> list[list[Day]]:
    """The days in groups that can go together."""
    groups: dict[tuple[object, ...], list[Day]] = {}
    for day in days:
        key = (day.receipts is None, day.remittance is None, *_tolerated(day.settings))
        groups.setdefault(key, []).append(day)
    return list(groups.values())


def _tolerated(settings: Settings) -> tuple[int, int]:
    return settings.tolerance_vnd, settings.tolerated_vnd_max


def possible(desk: Desk) -> list[Making]:
    """What can be planted on this desk: the later legs only where their files are given."""
    makings = [*ALWAYS, *([decoys.other_party] if len(desk.parties) > 1 else [])]
    if desk.settings.tolerance_vnd:
        makings.append(plants.tolerated)
    if not (desk.has_receipts or desk.has_remittance):  # no later leg can tell which payment a shared reference names
        makings += [plants.joined_under_one_reference, plants.missing_under_one_reference]
    if desk.has_receipts:
        makings += [one for one in legs.RECEIPTS if len(desk.parties) > 1 or one is not legs.receipt_of_other_party]
    if desk.has_remittance:
        makings.append(legs.remittance_unreadable)
        makings += legs.BY_REFERENCE if "reference" in desk.remitted_by.values() else ()
    return makings


def _plant(desk: Desk) -> list[str]:
    """Plant a choice of everything; return the classes by which whole party-days and agency-days are to be wrong."""
    makings = possible(desk)
    for making in desk.random.sample(makings, desk.random.randrange(3, len(makings) // 2)):
        making(desk)
    if desk.random.random() < 0.1:
        desk.random.choice((decoys.as_many_as_may_be, decoys.too_many_alike))(desk)
    settled = desk.random.choice(
        ((), (), ("settlement_short",), ("settlement_over",), ("settlement_short", "settlement_over"))
    )
    remitted = desk.random.sample(legs.BY_AGENCY, desk.random.randrange(len(legs.BY_AGENCY) + 1))
    return [*settled, *remitted]


def _finish(desk: Desk, wrong: list[str]) -> None:
    """Add what depends on all rows: remittance, receipts and the settlement of each party-day, in this order."""
    if desk.has_remittance:
        legs.remit(desk, [one for one in wrong if one in legs.BY_AGENCY])
    if desk.has_receipts:
        legs.issue(desk)
    settling.settle(desk, short=wrong.count("settlement_short"), over=wrong.count("settlement_over"))


def _shuffled(desk: Desk, sides: list[list[Row]]) -> list[Row]:
    rows = [row for side in sides for row in side]
    desk.random.shuffle(rows)
    return rows
