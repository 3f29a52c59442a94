"""The exchange under force: thousands of seeds of the deterministic simulation, and the bugs it is shown to catch.

`python -m bench.simulate` plays --seeds seeds in two processes with a database each, then looks for the first seed
that catches each planted bug. `--seed N` plays one and prints its trace; `--bug NAME` plants a bug meanwhile.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from sandbox.simulation import bugs, database, declared, invariants, story
from sandbox.simulation.database import Ground
from sandbox.simulation.play import played
from truc import secrets_file, settings
from truc.ground import postgres

WORKERS = 2
PORTION = 25  # seeds that a worker takes at a time
# No crash of the machine is simulated, so nothing needs to reach a disk.
POSTGRES = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}


@contextmanager
def server() -> Iterator[str]:
    """Start a PostgreSQL of our own and yield its administrator's URL; it is gone at the end."""
    with tempfile.TemporaryDirectory() as folder:
        here = settings.load(Path(folder) / "hub", {})
        secrets_file.ensure(here.secrets)
        before = dict(postgres.OPTIONS)
        postgres.OPTIONS.update(POSTGRES)
        try:
            postgres.start(here)
            yield here.embedded_url("postgres", "postgres")
        finally:
            postgres.OPTIONS.clear()
            postgres.OPTIONS.update(before)
            postgres.remove(here)


def made(url: str, name: str) -> Ground:
    """Make a database for one worker."""
    with declared.installed(declared.everyone()):
        return database.ground(url, name=name, begins_at=story.BEGINNINGS[0])


def judged(seed: int, ground: Ground, *, bug: str = "", keeps_trace: bool = False) -> tuple[list[str], str, list[str]]:
    """Play one seed; return the rules it breaks, the digest of its trace, and the trace where it is kept."""
    with (
        bugs.BUGS[bug]() if bug else nullcontext(),
        played(seed, ground, keeps_trace=keeps_trace) as run,
    ):
        broken = invariants.broken(run)
        return broken, run.world.digest, run.world.trace


def _work(url: str, name: str, bug: str, portions: "multiprocessing.Queue[range | None]", found: "multiprocessing.Queue[tuple[int, list[str]] | None]") -> None:
    ground = made(url, name)
    while (portion := portions.get()) is not None:
        for seed in portion:
            found.put((seed, judged(seed, ground, bug=bug)[0]))
    ground.close()
    found.put(None)


def play_all(url: str, seeds: range, *, bug: str = "", first_only: bool = False) -> dict[int, list[str]]:
    """Play all seeds in WORKERS processes and return seed → broken rules of those that break any."""
    context = multiprocessing.get_context("spawn")
    portions: multiprocessing.Queue[range | None] = context.Queue()
    found: multiprocessing.Queue[tuple[int, list[str]] | None] = context.Queue()
    starts = iter(range(seeds.start, seeds.stop, PORTION))
    workers = [
        context.Process(target=_work, args=(url, f"simulated_{bug}_{number}", bug, portions, found), daemon=True)
        for number in range(WORKERS)
    ]
    for worker in workers:
        worker.start()
    for _ in range(WORKERS * 2):
        _give(portions, starts, seeds.stop)
    broken: dict[int, list[str]] = {}
    left, played_seeds = WORKERS, 0
    while left:
        one = found.get(timeout=600)
        if one is None:
            left -= 1
            continue
        played_seeds += 1
        if one[1]:
            broken[one[0]] = one[1]
            if not bug:
                print(f"seed {one[0]}: {one[1][:3]}", flush=True)
        if played_seeds % PORTION == 0:
            _give(portions, iter(()) if first_only and broken else starts, seeds.stop)
    for worker in workers:
        worker.join()
    return broken


def _give(portions: "multiprocessing.Queue[range | None]", starts: Iterator[int], stop: int) -> None:
    start = next(starts, None)
    portions.put(None if start is None else range(start, min(start + PORTION, stop)))


def replay(url: str, seed: int, bug: str) -> int:
    """Play one seed twice and print its trace; return 1 when it breaks a rule or takes another course."""
    ground = made(url, "simulated_replay")
    broken, digest, trace = judged(seed, ground, bug=bug, keeps_trace=True)
    again = judged(seed, ground, bug=bug)[1]
    ground.close()
    print(*trace, sep="\n")
    print(f"seed {seed}: trace {digest}, played again {'the same' if again == digest else 'OTHERWISE: ' + again}")
    print(*(f"  broken: {one}" for one in broken), sep="\n")
    return int(bool(broken) or again != digest)


def main(arguments: Sequence[str]) -> int:
    """Play, print, and return 1 when a seed breaks a rule or a planted bug is not caught."""
    options = argparse.ArgumentParser(prog="python -m bench.simulate", description=__doc__)
    options.add_argument("--seeds", type=int, default=10_000)
    options.add_argument("--start", type=int, default=0)
    options.add_argument("--seed", type=int, help="play this one, and print its trace")
    options.add_argument("--bug", choices=sorted(bugs.BUGS), default="", help="plant this bug")
    given = options.parse_args(arguments)
    with server() as url:
        if given.seed is not None:
            return replay(url, given.seed, given.bug)
        seeds = range(given.start, given.start + given.seeds)
        if given.bug:
            return 0 if _caught(url, given.bug, seeds) else 1
        begun = time.perf_counter()
        broken = play_all(url, seeds)
        took_s = time.perf_counter() - begun
        print(f"{len(seeds)} seeds from {seeds.start}: {len(broken)} break a rule; {took_s:.0f} s, "
              f"{took_s * WORKERS / len(seeds):.3f} s a seed in each of {WORKERS} processes")
        missed = [bug for bug in bugs.BUGS if not _caught(url, bug, seeds)]
        return int(bool(broken or missed))


def _caught(url: str, bug: str, seeds: range) -> bool:
    """Print the first seed that catches the bug."""
    broken = play_all(url, seeds, bug=bug, first_only=True)
    first = min(broken, default=None)
    print(f"planted {bug}: " + ("NOT CAUGHT" if first is None else f"caught by seed {first}: {broken[first][0]}"))
    return first is not None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
