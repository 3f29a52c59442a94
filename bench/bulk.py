"""What a mass of statuses costs: published from the store's history, delivered in groups of ten, however much is kept.

    python -m bench.bulk                      # 100,000 statuses; then 2,000 at a time beside 10^4 … 10^7 kept exchanges
    python -m bench.bulk --statuses 10000 --sizes 10000,100000

The floor is a loop of `requests` that sends as many such items in groups of ten with nothing kept. What is measured
runs in a process of its own, the stand-in in another.
"""

import argparse
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import psycopg
import requests
from sqlalchemy import text

from bench.figures import Figure, show
from bench.grounds import PROCESSES, StandIn, cpu_s, hub, opened, postmaster, stand_ins, started
from truc import parties, steps
from truc.connections import from_airflow_json
from truc.exchange import outbox
from truc.exchange.outbox import Publication
from truc.manifest import Event
from truc.messages import Person, StatusChanged
from truc.services import status_sync
from truc.settings import Settings
from truc.store import catalogue, customers

PORTAL, OPERATION = "national_portal", "progress"
STATUSES, SIZES = 100_000, (10_000, 100_000, 1_000_000, 10_000_000)
AT_A_TIME, ROUNDS, PAGE = 2_000, 3, 500
MOVES = (4, 5, 4, 9)
HANDS, GROUP = 8, 10  # as the portal's manifest declares
BEGUN_AT = datetime(2026, 11, 1, 1, 0, tzinfo=UTC)
UNTIL_AT = BEGUN_AT + timedelta(days=30)
RSS_MAX_MB, GROWTH_MAX = 300, 1.3
WITHIN_S = 3600
SUBMITTED_AT_ONCE = 2_000
REAPED_AFTER_S = 1.0  # until then the processor time of a backend that has just ended may not be counted

# Dossiers and a history that nobody was told: received, then four moves, an hour apart.
_DOSSIERS = text(
    """
    INSERT INTO dossiers (code, source, source_reference, procedure_version_id, agency_code, channel, applicant_id,
        received_at, fee_vnd, status, status_at, wants_postal_return, wants_sms)
    SELECT code, 'bench', code, (SELECT min(id) FROM procedure_versions), :agency, 'counter', :applicant,
        :at, 0, 9, :at + interval '4 hours', false, false
    FROM unnest(CAST(:codes AS text[])) AS code
    """
)
_HISTORY = text(
    """
    INSERT INTO dossier_history (dossier_code, number, from_status, to_status, changed_at, officer_id, note, source)
    SELECT code, number, from_status, to_status, received_at + number * interval '1 hour', :officer, 'bench', 'bench'
    FROM dossiers, (VALUES (1, NULL, 2), (2, 2, 4), (3, 4, 5), (4, 5, 4), (5, 4, 9))
        AS move(number, from_status, to_status)
    WHERE source = 'bench'
    """
)
# Exchanges that were sent this month, of 500 agencies in turn: all in one drawer, which is the hardest case.
_KEPT = """
WITH reserved AS MATERIALIZED (
    SELECT setval('exchange_seq', nextval('exchange_seq') + {count}) - {count} AS base
), made AS (
    SELECT base + n - {first} AS id, drawer_of(24, now())::bigint << 40 | base + n - {first} AS body,
        'H32.' || (1000 + n % 500) || '-260101-' || lpad((n / 500)::text, 6, '0') AS code
    FROM reserved, generate_series({first}, {first} + {count} - 1) AS n
), bodies AS (
    INSERT INTO kept_bodies (id, digest, content_type, sealed)
    SELECT body, repeat('0', 64), 'application/json', decode(repeat('00', 60), 'hex') FROM made
), names AS (
    INSERT INTO outbox_names (party, operation, external_id, outbox_id)
    SELECT 'national_portal', 'progress', code || '/2', id FROM made
)
INSERT INTO outbox (drawer, id, place, party, operation, key, external_id, dossier_code, message_id, state, attempts,
    sending_at, finished_at, body_id, receipt_id)
SELECT drawer_of(120, now()), id, id, 'national_portal', 'progress', code, code || '/2', code, body, 'sent', 1,
    now(), now(), body, body
FROM made
"""
FILLED_AT_ONCE = 500_000


@dataclass(frozen=True, slots=True)
class Spent:
    """What a measured process took: seconds of the clock, of its own processor time, and its largest memory."""

    published_s: float
    delivered_s: float
    cpu_s: float
    rss_mb: float

    @property
    def whole_s(self) -> float:
        """From the first row read to the last receipt written."""
        return self.published_s + self.delivered_s


@dataclass(frozen=True, slots=True)
class Cost:
    """What a message cost beside so many kept exchanges: milliseconds of the clock, of processors, and of the floor."""

    kept: int
    ms: float
    cpu_ms: float  # courier and database together
    floor_ms: float


def run(statuses: int = STATUSES) -> tuple[Figure, Spent]:
    """Push the history of `statuses` changes, and the same number of items without the hub; return times and memory."""
    codes = [f"H32.366-261101-{number:06}" for number in range(statuses // len(MOVES))]
    others = [f"H32.366-261102-{number:06}" for number in range(statuses // len(MOVES))]
    with _home() as home, hub(home) as here, stand_ins(home, PORTAL) as partners:
        there = partners[PORTAL]
        _submit(there, [*codes, *others])
        _make_history(home, here, codes)
        ours = _measured(_push_history, home, there.told, statuses)
        floor_s = _measured(_send_bare, there.told, others, MOVES)
        _check_arrived(there, codes)
    rates = f"{statuses / ours.whole_s:.0f}/s against {statuses / floor_s:.0f}/s"
    note = f"{rates}; published in {ours.published_s:.1f} s; peak memory {ours.rss_mb:.0f} MB (bar {RSS_MAX_MB})"
    what = f"{statuses:,} statuses from the history, groups of {GROUP}, {HANDS} hands"
    return Figure(what, ours.whole_s, f"bare requests loop, groups of {GROUP}, {HANDS} threads", floor_s, note), ours


def grow(sizes: Sequence[int] = SIZES) -> list[Cost]:
    """Publish and deliver 2,000 messages, three times each, beside ever more kept exchanges."""
    costs: list[Cost] = []
    with _home() as home, hub(home) as here, stand_ins(home, PORTAL) as partners:
        there = partners[PORTAL]
        kept = 0
        for size in sizes:
            begun = time.perf_counter()
            _fill(here, kept, size)
            print(f"… {size:,} kept exchanges after {time.perf_counter() - begun:.0f} s", flush=True)
            kept = size
            costs.append(_cost(home, here, there, size))
            print(f"… {costs[-1]}", flush=True)
    return costs


def _cost(home: Path, here: Settings, there: StandIn, kept: int) -> Cost:
    rounds: list[tuple[float, float, float]] = []
    for number in range(ROUNDS):
        new, others = (
            [f"H32.{1000 + one % 500}-2611{day}-{kept:08}{number}{one:04}" for one in range(AT_A_TIME)]
            for day in (20, 21)
        )
        _submit(there, [*new, *others])
        floor_s = _measured(_send_bare, there.told, others, MOVES[:1])
        before_s = _database_s(here)
        spent = _measured(_push_new, home, there.told, new)
        rounds.append((spent.whole_s, spent.cpu_s + _database_s(here) - before_s, floor_s))
    whole_s, used_s, floor_s = (statistics.median(column) for column in zip(*rounds, strict=True))
    per = 1000 / AT_A_TIME
    return Cost(kept, whole_s * per, used_s * per, floor_s * per)


def _database_s(here: Settings) -> float:
    time.sleep(REAPED_AFTER_S)
    return cpu_s(postmaster(here))


def _measured(target: Callable[..., None], *given: object) -> Any:
    """Run `target(pipe, *given)` in a process of its own and return what it sends."""
    here, there = PROCESSES.Pipe(duplex=False)
    process = started(target, there, *given)
    try:
        if not here.poll(WITHIN_S):
            raise TimeoutError(f"{target.__name__} does not end")
        return here.recv()
    finally:
        process.join(10)


def _push_history(pipe: Pipe, home: Path, told: dict[str, Any], expected: int) -> None:
    with opened(home) as store:
        begun = time.perf_counter()
        done = status_sync.publish_history(store, PORTAL, BEGUN_AT, UNTIL_AT, name="bench")
        published_s = time.perf_counter() - begun
        assert done.published == expected, done
        pipe.send(_delivered(store, told, expected, published_s))


def _push_new(pipe: Pipe, home: Path, told: dict[str, Any], codes: Sequence[str]) -> None:
    with opened(home) as store:
        begun = time.perf_counter()
        for first in range(0, len(codes), PAGE):
            with store.begin() as transaction:
                outbox.publish_many(transaction, [_publication(code) for code in codes[first : first + PAGE]])
        pipe.send(_delivered(store, told, len(codes), time.perf_counter() - begun))


def _delivered(store: Any, told: dict[str, Any], expected: int, published_s: float) -> Spent:
    begun, sent = time.perf_counter(), 0
    while sent < expected:
        sent += steps.deliver(store, from_airflow_json(PORTAL, told), (OPERATION,))["sent"]
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Spent(published_s, time.perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _send_bare(pipe: Pipe, told: dict[str, Any], codes: Sequence[str], moves: Sequence[int]) -> None:
    """Send every move of every dossier in groups, each thread its own dossiers, with nothing kept."""
    host, extra = told["host"], told["extra"]
    headers = {"dstcode": extra["dstcode"], "Content-Type": "application/json"}
    login = {"username": told["login"], "password": told["password"]}
    word = requests.post(f"{host}{extra['auth_endpoint']}", json=login, headers=headers, timeout=10).json()["session"]
    head = {"session": word, "madonvi": extra["madonvi"], "service": "CapNhatTienDoHoSoMC"}
    write = parties.writer(PORTAL, OPERATION)

    def send(mine: Sequence[str]) -> None:
        with requests.Session() as session:
            for first in range(0, len(mine), GROUP):
                for place, status in enumerate(moves):
                    items = [json.loads(write(_step(code, status, place))) for code in mine[first : first + GROUP]]
                    url, body = f"{host}{extra['integration_endpoint']}", {**head, "data": items}
                    answer = session.post(url, json=body, headers=headers, timeout=60)
                    assert answer.json()["error_code"] == "0", answer.text

    begun = time.perf_counter()
    with ThreadPoolExecutor(HANDS) as pool:
        for part in [pool.submit(send, codes[start::HANDS]) for start in range(HANDS)]:
            part.result()
    pipe.send(time.perf_counter() - begun)


def _step(code: str, status: int, place: int) -> StatusChanged:
    return StatusChanged(
        dossier_code=code,
        status=status,
        changed_at=BEGUN_AT + timedelta(hours=place + 2),
        officer_name="Trần Văn Đo",
        officer_title="Chuyên viên",
        department="Bộ phận một cửa",
        note="bench",
        started_at=BEGUN_AT + timedelta(hours=place + 1),
        due_at=None,
    )


def _publication(code: str) -> Publication:
    return Publication(
        event=Event.STATUS_CHANGED, message=_step(code, MOVES[0], 0), key=code, external_id=f"{code}/2", only=PORTAL
    )


def _submit(there: StandIn, codes: Sequence[str]) -> None:
    """Have the portal know these dossiers."""
    for first in range(0, len(codes), SUBMITTED_AT_ONCE):
        there.order("submit", [{"MaHoSo": code} for code in codes[first : first + SUBMITTED_AT_ONCE]])


def _check_arrived(there: StandIn, codes: Sequence[str]) -> None:
    """Every dossier stands at the portal where the history ends: nothing was lost, and the last step came last."""
    stand = there.asked("coverage")
    wrong = [code for code in codes if stand.get(code) != str(MOVES[-1])]
    assert not wrong, wrong[:5]


def _make_history(home: Path, here: Settings, codes: Sequence[str]) -> None:
    with opened(home) as store, store.begin() as transaction:
        agency = str(transaction.sql.execute(text("SELECT min(code) FROM agencies")).scalar_one())
        officer = catalogue.keep_officer(transaction, agency, "Trần Văn Đo", "Chuyên viên", "Bộ phận một cửa")
        applicant = customers.keep(transaction, Person(name="Nguyễn Thị Đo Lường", phone="0912345678"))
        values = {"codes": list(codes), "agency": agency, "applicant": applicant, "at": BEGUN_AT}
        transaction.sql.execute(_DOSSIERS, values)
        transaction.sql.execute(_HISTORY, {"officer": officer})
    _tidy(here)


def _fill(here: Settings, kept: int, size: int) -> None:
    """Have `size` finished exchanges kept, of which `kept` are there, tidy as autovacuum would leave them."""
    with _database(here) as connection:
        connection.execute("SET synchronous_commit = off")
        for first in range(kept, size, FILLED_AT_ONCE):
            connection.execute(_KEPT.format(first=first, count=min(size - first, FILLED_AT_ONCE)).encode())
    _tidy(here)


def _tidy(here: Settings) -> None:
    with _database(here) as connection:
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def _database(here: Settings) -> "psycopg.Connection[Any]":
    url = here.embedded_url("postgres", "truc").replace("+psycopg", "")
    return psycopg.connect(url, autocommit=True)


@contextmanager
def _home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="truc-bulk-") as folder:
        yield Path(folder)


def _show_growth(costs: Sequence[Cost]) -> None:
    print("\n| kept exchanges | ms a message | of processors | bare loop, ms | ours / floor | ms, of the smallest |")
    print("|---|---|---|---|---|---|")
    first = costs[0]
    for one in costs:
        print(
            f"| {one.kept:,} | {one.ms:.3f} | {one.cpu_ms:.3f} | {one.floor_ms:.3f} | {one.ms / one.floor_ms:.2f}"
            f" | {one.ms / first.ms:.2f} (processors {one.cpu_ms / first.cpu_ms:.2f}; bar {GROWTH_MAX}) |"
        )


def main() -> None:
    """Measure both, and print the tables."""
    parser = argparse.ArgumentParser(description="bulk status push")
    parser.add_argument("--statuses", type=int, default=STATUSES, help="0 to leave it out")
    parser.add_argument(
        "--sizes", default=",".join(map(str, SIZES)), help="kept exchanges, comma between; empty for none"
    )
    given = parser.parse_args()
    if given.statuses:
        figure, spent = run(given.statuses)
        show([figure])
        assert spent.rss_mb <= RSS_MAX_MB, spent
    if given.sizes:
        _show_growth(grow([int(size) for size in given.sizes.split(",")]))


if __name__ == "__main__":
    main()
