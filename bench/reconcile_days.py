"""Two files of payments for the bench of reconciliation: our ledger and a partner's statement, with planted breaks.

The rows are drawn in DuckDB by hashes of their number and a seed: the same seed, the same rows, and no row waits for
another. Of every 1,201 payments six are breaks, one of each kind, at a place of their own; what is planted is known
from the number of rows alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

KINDS = (
    "missing_at_partner",
    "missing_in_core",
    "amount_differs",
    "duplicate_at_partner",
    "state_differs",
    "timing",
)
STRETCH = 1_201  # payments that hold one break of each kind; our ledger has 1,200 of them
APART = 200  # rows between two breaks of a stretch
FAILED_EVERY = 50
DAYS = 30
MEMORY_LIMIT = "8GB"  # of what draws the rows, which nothing is measured of

PARTIES = ("momo", "vnpay", "viettelpay", "nganluong", "vietinbank", "national_payment")
_KIND_OF_PLACE = " ".join(f"WHEN {number * APART} THEN '{kind}'" for number, kind in enumerate(KINDS))
# `place` is the place in the stretch, counted from one that the seed chooses. Amounts, parties and instants by hash.
DRAWN = f"""
CREATE MACRO drawn(number, what, below) AS (hash(number, what, $seed) % below)::BIGINT;
CREATE VIEW numbered AS
    SELECT i, i // {STRETCH} AS stretch,
        CASE WHEN i // {STRETCH} < $stretches
            THEN (i % {STRETCH} + drawn(i // {STRETCH}, 'place', {STRETCH})) % {STRETCH} END AS place
    FROM range($rows + $stretches) AS numbers(i);
CREATE VIEW payments AS
    SELECT i, stretch,
        CASE place {_KIND_OF_PLACE} ELSE '' END AS kind_of_break,
        {list(PARTIES)}[drawn(i, 'party', {len(PARTIES)}) + 1] AS party,
        DATE '2026-11-01' + (i * {DAYS} // ($rows + $stretches))::INTEGER AS business_on,
        printf('FT%011d', 26000000000 + i * 7) AS partner_reference,
        (drawn(i, 'amount', 5000) + 1) * 1000 AS amount_vnd,
        drawn(i, 'fee', 4) * 550 AS fee_vnd,
        drawn(i, 'second', 86400) AS second
    FROM numbered;
CREATE VIEW drawn_payments AS
    SELECT *, printf('P%s%08d', strftime(business_on, '%y%m%d'), i + 1) AS our_reference,
        to_timestamp(epoch(business_on) - 25200 + second) AS occurred_at,
        kind_of_break = '' AND drawn(i, 'failed', {FAILED_EVERY}) = 0 AS failed
    FROM payments;
"""  # noqa: S608  (numbers and words of this file)
CORE = """
SELECT party, business_on, our_reference, partner_reference, 'payment' AS kind, amount_vnd, fee_vnd,
    CASE WHEN failed OR (kind_of_break = 'state_differs' AND stretch % 2 = 1) THEN 'failed' ELSE 'paid' END AS state,
    occurred_at
FROM drawn_payments WHERE kind_of_break <> 'missing_in_core'
"""
# A repeated line is the same to the letter, or has a transaction of its own: the money was taken twice.
LINES = """
SELECT i, 1 AS line, party, CASE WHEN kind_of_break = 'timing' THEN business_on + 1 ELSE business_on END AS business_on,
    our_reference, partner_reference, 'payment' AS kind,
    CASE WHEN kind_of_break = 'amount_differs' THEN amount_vnd + 1000 ELSE amount_vnd END AS amount_vnd, fee_vnd,
    CASE WHEN failed OR (kind_of_break = 'state_differs' AND stretch % 2 = 0) THEN 'failed' ELSE 'paid' END AS state,
    occurred_at + INTERVAL 2 SECOND AS occurred_at
FROM drawn_payments WHERE kind_of_break <> 'missing_at_partner'
UNION ALL
SELECT i, 2, party, business_on, our_reference,
    CASE WHEN stretch % 2 = 0 THEN partner_reference ELSE replace(partner_reference, 'FT', 'FD') END, 'payment',
    amount_vnd, fee_vnd, 'paid', occurred_at + INTERVAL 9 SECOND
FROM drawn_payments WHERE kind_of_break = 'duplicate_at_partner'
"""
# The partner lists in an order of its own.
STATEMENT = f"SELECT * EXCLUDE (i, line) FROM ({LINES}) ORDER BY hash(i, 'order', $seed), line"  # noqa: S608  (words of this file)


@dataclass(frozen=True, slots=True)
class Files:
    """The two files, the rows of our ledger, and how many breaks of each kind stand in them."""

    core: Path
    statement: Path
    rows: int
    planted: Mapping[str, int]


def made(rows: int, folder: Path, *, seed: int = 5) -> Files:
    """Write core.parquet with so many rows and statement.parquet with at least as many into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    stretches = rows // (STRETCH - 1)
    files = Files(folder / "core.parquet", folder / "statement.parquet", rows, dict.fromkeys(KINDS, stretches))
    config = {"threads": 2, "memory_limit": MEMORY_LIMIT, "temp_directory": str(folder / "spill")}
    with duckdb.connect(config=config) as connection:
        connection.execute(_with(DRAWN, rows=rows, stretches=stretches, seed=seed))
        for sql, path in ((CORE, files.core), (STATEMENT, files.statement)):
            asked = _with(sql, rows=rows, stretches=stretches, seed=seed)
            connection.execute(f"COPY ({asked}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    return files


def _with(sql: str, **values: int) -> str:
    """Write whole numbers into a statement: a view takes no parameters."""
    for name, value in values.items():
        sql = sql.replace(f"${name}", str(int(value)))
    return sql
