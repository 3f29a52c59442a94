"""The columns of matches.parquet, breaks.parquet and verdicts.parquet (docs/reconcile.md), in their order."""

import pyarrow as pa

TEXT, NUMBER, DAY = pa.string(), pa.int64(), pa.date32()
MATCH_SCHEMA = pa.schema(
    [
        ("leg", TEXT),
        ("rule", TEXT),
        ("party", TEXT),
        ("kind", TEXT),
        ("our_reference", TEXT),
        ("partner_reference", TEXT),
        ("agency", TEXT),
        ("core_rows", NUMBER),
        ("partner_rows", NUMBER),
        ("core_vnd", NUMBER),
        ("partner_vnd", NUMBER),
        ("difference_vnd", NUMBER),
        ("business_on", DAY),
        ("core_money_vnd", NUMBER),
        ("partner_money_vnd", NUMBER),
    ]
)
BREAK_SCHEMA = pa.schema([("break_id", TEXT), ("break_class", TEXT), *MATCH_SCHEMA])
VERDICT_SCHEMA = pa.schema(
    [
        ("party", TEXT),
        ("our_reference", TEXT),
        ("business_on", DAY),
        ("amount_vnd", NUMBER),
        *((leg, TEXT) for leg in ("ledger", "partner", "treasury", "receipt", "first_failing")),
    ]
)
