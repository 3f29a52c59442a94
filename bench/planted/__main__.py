"""`python -m bench.planted --seeds 200`: plant the days, reconcile each, print precision and recall by class."""

import argparse
import sys
import time
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.planted.planting import Day, alike, apart, plant, together
from bench.planted.running import run
from bench.planted.score import Score, Tally

SHOWN = 40


def main() -> int:
    """Return 0 when every row of every seed is right, 1 when not."""
    wanted = _arguments()
    started = time.monotonic()
    scores = []
    for day in _days(wanted):
        with TemporaryDirectory(prefix="planted-") as folder:
            scores.append(run(day, Path(folder), engine=wanted.engine, form=wanted.form))
    print(
        f"{wanted.seeds} seeds from {wanted.first}, {wanted.engine}, {wanted.form}: {time.monotonic() - started:.1f} s"
    )
    return _report(scores)


def _days(wanted: argparse.Namespace) -> list[Day]:
    """A day for each seed, or, together, one for all that can be: its parties are named after their seeds."""
    seeds = range(wanted.first, wanted.first + wanted.seeds)
    if wanted.together:
        return [together(group) for group in alike(apart(seeds, payments=wanted.payments))]
    return [plant(seed, payments=wanted.payments) for seed in seeds]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.planted", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many days")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--payments", type=int, default=60, help="ordinary business of a day")
    parser.add_argument("--together", action="store_true", help="reconcile all seeds at once, in few runs")
    parser.add_argument("--engine", choices=("duckdb", "spark"), default="duckdb")
    parser.add_argument("--form", choices=("parquet", "csv", "xlsx"), default="parquet")
    return parser.parse_args()


def _report(scores: list[Score]) -> int:
    totals: dict[str, Tally] = defaultdict(lambda: Tally(0, 0, 0))
    for one in scores:
        for name, tally in one.tallies.items():
            totals[name] += tally
    print("| class | rows | given | precision | recall |\n|---|---|---|---|---|")
    for name, tally in sorted(totals.items()):
        print(f"| {name} | {tally.expected} | {tally.given} | {tally.precision:.4f} | {tally.recall:.4f} |")
    for told in [told for one in scores for told in one.differences][:SHOWN]:
        print(told)
    right = sum(one.is_perfect for one in scores)
    print(f"{right} of {len(scores)} runs right in every row and column")
    return 0 if right == len(scores) else 1


if __name__ == "__main__":
    sys.exit(main())
