"""One contestant's run in a process of its own: wall and processor seconds, the most memory of it and its children."""

import math
import os
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LOOK_EVERY_S = 0.05
ENDS_WITHIN_S = 3_600


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds, seconds of processors, MB at most, and the programs that ran."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    programs: frozenset[str]


def run(command: Sequence[str], env: Mapping[str, str] | None = None, *, memory_max_mb: float = math.inf) -> Spent:
    """Run a command to its end. Raise RuntimeError with what it said where it fails or does not end.

    Who takes more memory than it may is killed with all it started: MemoryError.
    """
    with tempfile.TemporaryFile() as said:
        before = os.times()
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=said, stderr=said, env=None if env is None else {**os.environ, **env}
        )
        peak_kb, programs = 0, set[str]()
        while True:
            held_kb, names = _held(process.pid)
            peak_kb, programs = max(peak_kb, held_kb), programs | names
            if peak_kb / 1024 > memory_max_mb:
                _kill(process)
                raise MemoryError(f"{peak_kb / 1024:.0f} MB are more than {memory_max_mb:g}")
            try:
                process.wait(LOOK_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                if time.perf_counter() - began > ENDS_WITHIN_S:
                    _kill(process)
                    raise RuntimeError(f"{command[0]} does not end") from None
        wall_s, after = time.perf_counter() - began, os.times()
        if process.returncode:
            said.seek(0)
            lines = said.read().decode(errors="replace").splitlines()[-60:]
            raise RuntimeError("\n".join([f"{' '.join(command[:4])} … failed:", *(line[:300] for line in lines)]))
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return Spent(wall_s, cpu_s, peak_kb / 1024, frozenset(programs))


def in_turn(
    contestants: Mapping[str, Sequence[str]], rounds: int, env: Mapping[str, Mapping[str, str]] | None = None
) -> dict[str, list[Spent]]:
    """Run each once a round, A B C A B C …, so that all meet the same machine."""
    spent: dict[str, list[Spent]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, command in contestants.items():
            spent[name].append(run(command, (env or {}).get(name)))
    return spent


def middle(spent: Sequence[Spent]) -> Spent:
    """Return the medians; of memory the most, since a bar is an upper bound."""
    return Spent(
        statistics.median(one.wall_s for one in spent),
        statistics.median(one.cpu_s for one in spent),
        max(one.peak_mb for one in spent),
        frozenset().union(*(one.programs for one in spent)),
    )


def _kill(process: "subprocess.Popen[bytes]") -> None:
    for pid in tuple(_with_children(process.pid)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _held(pid: int) -> tuple[int, set[str]]:
    """Return the resident memory of a process and all its children, kB, and their names.

    What one of them alone has held at most counts too: a short peak falls between two looks. A child that is only
    just beginning has its parent's memory, not another.
    """
    held_kb = highest_kb = 0
    names = set()
    sizes: dict[str, str] = {}
    for one in _with_children(pid):
        try:
            status = Path(f"/proc/{one}/status").read_text(encoding="utf-8", errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        told = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        if "VmRSS" in told and sizes.get(told["PPid"]) != told["VmSize"]:
            held_kb += int(told["VmRSS"].split()[0])
            highest_kb = max(highest_kb, int(told["VmHWM"].split()[0]))
            names.add(told["Name"])
            sizes[str(one)] = told["VmSize"]
    return max(held_kb, highest_kb), names


def _with_children(pid: int) -> Iterator[int]:
    """Yield the process and its descendants; the process table as a whole is not read, it would cost all alike."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text(encoding="ascii").split()
        except OSError:
            continue
        for child in children:
            yield from _with_children(int(child))
