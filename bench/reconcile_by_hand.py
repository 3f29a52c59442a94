"""The same classes by a DuckDB statement written by hand, as an engineer would write it for these two files.

    python -m bench.reconcile_by_hand CORE STATEMENT OUT [alike]

It knows what the bench plants and no more: one reference per payment, nothing to be related, netted or refunded. It
tries no other key, proves no sum, numbers no break and sorts no output. Its classes are the bench's check on ours.
With `alike` it writes the matches with the columns and in the order that ours have.
"""

import sys
from pathlib import Path

import duckdb

READ = """
CREATE VIEW core AS FROM read_parquet('{core}');
CREATE VIEW lines AS FROM read_parquet('{statement}');
"""
# References that stand more than once are few: only their rows are ranked, on either side.
REPEATED = """
CREATE TABLE repeated_lines AS
    SELECT party, our_reference FROM lines GROUP BY ALL HAVING count(*) > 1;
CREATE TABLE repeated_core AS
    SELECT party, our_reference FROM core GROUP BY ALL HAVING count(*) > 1;
CREATE TABLE ranked_core AS
    SELECT c.*, row_number() OVER (
        PARTITION BY c.party, c.our_reference ORDER BY c.state <> 'paid', c.partner_reference
    ) AS nth
    FROM core c SEMI JOIN repeated_core r ON c.our_reference = r.our_reference AND c.party = r.party;
CREATE TABLE first_core AS
    FROM core SEMI JOIN repeated_lines USING (our_reference, party);
CREATE TABLE ranked_lines AS
    SELECT l.*, row_number() OVER (
        PARTITION BY l.party, l.our_reference
        ORDER BY l.state <> c.state, l.amount_vnd <> c.amount_vnd, l.partner_reference <> c.partner_reference
    ) AS nth
    FROM lines l SEMI JOIN repeated_lines r ON l.our_reference = r.our_reference AND l.party = r.party
    LEFT JOIN first_core c ON l.our_reference = c.our_reference AND l.party = c.party;
"""
MET = """
CREATE TABLE met AS
    WITH firsts AS (
        FROM lines ANTI JOIN repeated_lines USING (our_reference, party)
        UNION ALL SELECT * EXCLUDE (nth) FROM ranked_lines WHERE nth = 1
    ), ours AS (
        FROM core ANTI JOIN repeated_core USING (our_reference, party)
        UNION ALL SELECT * EXCLUDE (nth) FROM ranked_core WHERE nth = 1
    )
    SELECT
        CASE
            WHEN l.party IS NULL THEN if(c.state = 'paid', 'missing_at_partner', 'no_money')
            WHEN c.party IS NULL THEN if(l.state = 'paid', 'missing_in_core', 'no_money')
            WHEN c.state <> l.state THEN 'state_differs'
            WHEN c.state <> 'paid' THEN 'no_money'
            WHEN c.amount_vnd <> l.amount_vnd THEN 'amount_differs'
            WHEN c.fee_vnd <> l.fee_vnd THEN 'fee_differs'
            WHEN c.business_on <> l.business_on THEN 'timing'
            ELSE 'match'
        END AS place,
        coalesce(c.party, l.party) AS party,
        coalesce(c.our_reference, l.our_reference) AS our_reference,
        coalesce(l.partner_reference, c.partner_reference) AS partner_reference,
        if(c.state = 'paid', c.amount_vnd, 0) AS core_vnd,
        if(l.state = 'paid', l.amount_vnd, 0) AS partner_vnd,
        coalesce(c.business_on, l.business_on) AS business_on
    FROM ours c FULL JOIN firsts l ON c.our_reference = l.our_reference AND c.party = l.party
    UNION ALL
    SELECT if(state = 'paid', 'duplicate_at_partner', 'no_money'), party, our_reference, partner_reference,
        0, if(state = 'paid', amount_vnd, 0), business_on
    FROM ranked_lines WHERE nth > 1
    UNION ALL
    SELECT if(state = 'paid', 'duplicate_in_core', 'no_money'), party, our_reference, partner_reference,
        if(state = 'paid', amount_vnd, 0), 0, business_on
    FROM ranked_core WHERE nth > 1;
"""
MATCHES = """
COPY (SELECT * EXCLUDE (place) FROM met WHERE place = 'match') TO '{out}/matches.parquet' (COMPRESSION zstd);
"""
BREAKS = """
COPY (SELECT place AS break_class, * EXCLUDE (place) FROM met WHERE place NOT IN ('match', 'no_money'))
    TO '{out}/breaks.parquet' (COMPRESSION zstd);
"""
MATCHES_ALIKE = """
COPY (
    SELECT 'statement' AS leg, 'exact_reference' AS rule, party, 'payment' AS kind, our_reference, partner_reference,
        '' AS agency, 1::BIGINT AS core_rows, 1::BIGINT AS partner_rows, core_vnd, partner_vnd,
        core_vnd - partner_vnd AS difference_vnd, business_on, core_vnd AS core_money_vnd,
        partner_vnd AS partner_money_vnd
    FROM met WHERE place = 'match' ORDER BY our_reference
) TO '{out}/matches.parquet' (COMPRESSION zstd);
"""


def classify(core: Path, statement: Path, out: Path, *, alike: bool) -> None:
    """Write matches.parquet and breaks.parquet into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    config = {"threads": 2, "preserve_insertion_order": False, "temp_directory": str(out / "spill")}
    with duckdb.connect(config=config) as connection:
        for sql in (READ, REPEATED, MET, MATCHES_ALIKE if alike else MATCHES, BREAKS):
            connection.execute(sql.format(core=core, statement=statement, out=out))


if __name__ == "__main__":
    classify(*(Path(one) for one in sys.argv[1:4]), alike=sys.argv[4:] == ["alike"])
