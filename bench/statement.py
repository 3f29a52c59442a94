"""One million lines of a delimited statement, read and checked: against `polars.read_csv` and the same checks by hand.

    python -m bench.statement [--lines 1000000] [--rounds 5]

Both sides get the same bytes and give a frame of whole đồng and instants; both check every mark, number, word and day,
the count and the sum. The peer knows the file to be clean: it refuses it whole where it is not, and names no line. The
two take turns in one process; the memory is the highest each one needs in a process of its own, over that of one that
holds the file alone. Bar: 0.5.
"""

import argparse
import multiprocessing
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from truc.statements.columnar import read_frame
from truc.statements.profiles import Delimited, Meaning

DAY = datetime(2025, 6, 3)  # noqa: DTZ001  (the file's times have no zone)
KINDS = {"TT": "payment", "HT": "refund"}
STATES = {"00": "paid", "01": "pending"}
LINE = (
    "mark",
    "line_no",
    "our_reference",
    "partner_reference",
    "kind",
    "amount_vnd",
    "fee_vnd",
    "state",
    "occurred_at",
)
PROFILE = Delimited(
    party="bench",
    delimiter="|",
    header=("mark", "business_on"),
    line=LINE,
    trailer=("mark", "count", "amount_vnd"),
    header_mark="H",
    line_mark="D",
    trailer_mark="T",
    means=Meaning(kinds=KINDS, states=STATES),
)
TYPES = dict.fromkeys(LINE, pl.String()) | dict.fromkeys(("line_no", "amount_vnd", "fee_vnd"), pl.Int64())
BAR = 0.5


def made(lines: int) -> bytes:
    """Return a clean file."""
    chance, total_vnd, rows = random.Random(4), 0, ["H|20250603"]
    for number in range(1, lines + 1):
        amount_vnd = chance.randint(1, 5_000) * 1_000
        total_vnd += amount_vnd
        at = DAY + timedelta(seconds=chance.randrange(86_400))
        kind, state = chance.choice(("TT", "TT", "TT", "HT")), chance.choice(("00", "00", "00", "01"))
        cells = ("D", number, f"TT-2025-{number:08}", f"FT{25154000000 + number}", kind, amount_vnd, 1_100, state)
        rows.append("|".join(map(str, cells)) + f"|{at:%Y%m%d%H%M%S}")
    return "\n".join([*rows, f"T|{lines}|{total_vnd}", ""]).encode()


def ours(body: bytes) -> pl.DataFrame:
    """Read as the hub does."""
    return read_frame(body, PROFILE).whole()


def peer(body: bytes) -> pl.DataFrame:
    """Read with `polars.read_csv`, and check the same things."""
    begin, end = body.index(b"\n") + 1, body.rindex(b"\n", 0, len(body) - 1) + 1
    day = datetime.strptime(body[:begin].decode().strip().split("|")[1], "%Y%m%d").date()  # noqa: DTZ007  (a day)
    count, total_vnd = (int(cell) for cell in body[end:].decode().strip().split("|")[1:])
    frame = pl.read_csv(body[begin:end], separator="|", has_header=False, quote_char=None, schema=TYPES)
    at = pl.col("occurred_at").str.to_datetime("%Y%m%d%H%M%S", strict=True, time_unit="us")
    frame = frame.with_columns(
        at.dt.replace_time_zone("Asia/Ho_Chi_Minh"),
        kind=pl.col("kind").replace_strict(KINDS),
        state=pl.col("state").replace_strict(STATES),
    )
    checks = frame.select(
        marks=(pl.col("mark") == "D").all(),
        numbers=pl.col("line_no").is_unique().all() & (pl.col("line_no") > 0).all(),
        amounts=(pl.col("amount_vnd") >= 0).all() & (pl.col("fee_vnd") >= 0).all(),
        days=(pl.col("occurred_at").dt.date() == day).all(),
        count=pl.len() == count,
        total=pl.col("amount_vnd").sum() == total_vnd,
    )
    assert all(checks.row(0))
    return frame


def once(read: Callable[[bytes], pl.DataFrame], body: bytes) -> float:
    """Return the seconds of one reading."""
    began = time.perf_counter()
    read(body)
    return time.perf_counter() - began


def memory_mib(name: str, path: str) -> float:
    """Return how much more than the file itself a process needs at most to read it, MiB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return float(pool.apply(_highest, (name, path)))


def _highest(name: str, path: str) -> float:
    body = Path(path).read_bytes()
    before = _peak_kib()
    {"ours": ours, "peer": peer}[name](body)
    return (_peak_kib() - before) / 1024


def _peak_kib() -> int:
    """Return the most this process has held. (What getrusage says begins with what its parent held.)"""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def main() -> None:
    """Compare, print, and end with 1 under the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    body = made(given.lines)
    columns = ["line_no", "our_reference", "partner_reference", "kind", "amount_vnd", "fee_vnd", "state", "occurred_at"]
    assert ours(body).select(columns).equals(peer(body).select(columns))
    pairs = [(once(ours, body), once(peer, body)) for _ in range(given.rounds)]
    mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(peer_s / ours_s for ours_s, peer_s in pairs)
    print(f"{given.lines:,} lines, {len(body) / 2**20:.1f} MiB, {given.rounds} rounds, medians")
    print(f"ours {mine:.3f} s   polars.read_csv and the same checks {theirs:.3f} s   ratio {ratio:.2f} (bar {BAR})")
    with tempfile.NamedTemporaryFile(suffix=".txt") as file:
        file.write(body)
        file.flush()
        ours_mib, peer_mib = memory_mib("ours", file.name), memory_mib("peer", file.name)
    print(f"memory over the file: ours {ours_mib:.0f} MiB, peer {peer_mib:.0f} MiB")
    raise SystemExit(ratio < BAR)


if __name__ == "__main__":
    main()
