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
PORTION = 10  # seeds that a worker takes at a time
PATIENCE_S = 600.0
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


class Workers:
    """Processes that play seeds, each on a database of its own."""

    def __init__(self, url: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._portions: multiprocessing.Queue[tuple[str, range] | None] = context.Queue()
        self._judged: multiprocessing.Queue[tuple[int, list[str]]] = context.Queue()
        self._processes = [
            context.Process(target=_work, args=(url, f"simulated_{number}", self._portions, self._judged), daemon=True)
            for number in range(WORKERS)
        ]
        for process in self._processes:
            process.start()

    def play(self, seeds: range, *, bug: str = "", until_broken: bool = False) -> dict[int, list[str]]:
        """Play the seeds, with `until_broken` not all, and return seed → broken rules of those that break any."""
        starts = list(range(seeds.start, seeds.stop, PORTION))
        broken: dict[int, list[str]] = {}
        waited_for = sum(self._give(starts, seeds.stop, bug) for _ in range(WORKERS * 2))
        done = 0
        while waited_for:
            seed, rules = self._judged.get(timeout=PATIENCE_S)
            waited_for, done = waited_for - 1, done + 1
            if rules:
                broken[seed] = rules
                print(f"  seed {seed} {bug}: {rules[:3]}", flush=True)
            if done % PORTION == 0 and not (until_broken and broken):
                waited_for += self._give(starts, seeds.stop, bug)
        return broken

    def _give(self, starts: list[int], stop: int, bug: str) -> int:
        if not starts:
            return 0
        start = starts.pop(0)
        portion = range(start, min(start + PORTION, stop))
        self._portions.put((bug, portion))
        return len(portion)

    def close(self) -> None:
        """End them."""
        for _ in self._processes:
            self._portions.put(None)
        for process in self._processes:
            process.join()


def _work(
    url: str,
    name: str,
    portions: "multiprocessing.Queue[tuple[str, range] | None]",
    found: "multiprocessing.Queue[tuple[int, list[str]]]",
) -> None:
    ground = made(url, name)
    while (portion := portions.get()) is not None:
        bug, seeds = portion
        for seed in seeds:
            found.put((seed, judged(seed, ground, bug=bug)[0]))
    ground.close()


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
        workers = Workers(url)
        try:
            return _proved(workers, range(given.start, given.start + given.seeds), given.bug)
        finally:
            workers.close()


def _proved(workers: Workers, seeds: range, bug: str) -> int:
    if bug:
        return int(not _caught(workers, bug, seeds))
    begun = time.perf_counter()
    broken = workers.play(seeds)
    took_s = time.perf_counter() - begun
    each_s = took_s * WORKERS / len(seeds)
    print(f"{len(seeds)} seeds from {seeds.start}: {len(broken)} break a rule {sorted(broken)}")
    print(f"{took_s:.0f} s, {each_s:.3f} s a seed in each of {WORKERS} processes")
    missed = [one for one in bugs.BUGS if not _caught(workers, one, seeds)]
    return int(bool(broken or missed))


def _caught(workers: Workers, bug: str, seeds: range) -> bool:
    """Print the first seed that catches the bug."""
    broken = workers.play(seeds, bug=bug, until_broken=True)
    first = min(broken, default=None)
    print(f"planted {bug}: " + ("NOT CAUGHT" if first is None else f"caught by seed {first}: {broken[first][0]}"))
    return first is not None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
