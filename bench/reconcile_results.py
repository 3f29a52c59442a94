"""What a contestant found: rows, money and a fingerprint of every class, the same for the same rows in any order."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

COMPARED = "party, our_reference, partner_reference, core_vnd, partner_vnd, business_on"
FOUND = f"""
SELECT break_class, count(*), sum(core_vnd)::BIGINT, sum(partner_vnd)::BIGINT, bit_xor(hash({COMPARED})),
    sum(hash({COMPARED}) >> 16)::HUGEINT
FROM (
    SELECT break_class, {COMPARED} FROM read_parquet(?)
    UNION ALL SELECT 'match', {COMPARED} FROM read_parquet(?)
) GROUP BY 1
"""  # noqa: S608  (columns named above)


@dataclass(frozen=True, slots=True)
class Found:
    """Of one class: rows, đồng on either side, and two sums over hashes of the rows."""

    rows: int
    core_vnd: int
    partner_vnd: int
    mixed: int
    summed: int


def found(out: Path) -> dict[str, Found]:
    """Return what stands in matches.parquet and breaks.parquet (each a file or a folder of parts), by class."""
    with duckdb.connect(config={"threads": 2, "memory_limit": "2GB"}) as connection:
        asked = [_parts(out / "breaks.parquet"), _parts(out / "matches.parquet")]
        return {name: Found(*told) for name, *told in connection.execute(FOUND, asked).fetchall()}


def _parts(path: Path) -> list[str]:
    return sorted(str(part) for part in path.glob("*.parquet")) if path.is_dir() else [str(path)]
