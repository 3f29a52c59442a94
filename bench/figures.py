"""One measured figure, and how it is printed: times alone mean nothing on shared machines, so each has its ratio."""

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`ours` and `floor` in seconds (medians of the same run); ratio = ours / floor unless said otherwise."""

    name: str
    ours_s: float
    floor_name: str
    floor_s: float
    note: str = ""

    @property
    def ratio(self) -> float:
        """How many times the floor ours takes."""
        return self.ours_s / self.floor_s


def show(figures: Sequence[Figure]) -> None:
    """Print a Markdown table."""
    print("| What | ours, s | floor | floor, s | ours / floor | note |")
    print("|---|---|---|---|---|---|")
    for one in figures:
        print(
            f"| {one.name} | {one.ours_s:.3f} | {one.floor_name} | {one.floor_s:.3f} | {one.ratio:.2f} | {one.note} |"
        )


def pairs_s(ours: Sequence[str], floor: Sequence[str], *, runs: int = 5) -> tuple[float, float]:
    """Time two commands in turn, A B A B …, after one uncounted run each; return both medians in seconds."""
    _run_s(ours), _run_s(floor)
    taken = [(_run_s(ours), _run_s(floor)) for _ in range(runs)]
    return statistics.median(a for a, _ in taken), statistics.median(b for _, b in taken)


def python(code: str) -> list[str]:
    """Return the command that runs `code` in a fresh interpreter."""
    return [sys.executable, "-c", code]


def _run_s(command: Sequence[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begun
