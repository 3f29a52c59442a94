"""The same classes with datacompy, and what it cannot do done around it; run by the Python of var/peers, not by ours.

    var/peers/bin/python -P bench/reconcile_datacompy.py polars|spark CORE STATEMENT OUT [alike]

datacompy joins by (party, our_reference) and compares state, amount, fee and day column by column, at tolerance 0.
Which of several lines of one reference is compared, the classes and the two files are added here, in its own library.
With `alike`, which only Polars knows, the matches have the columns and the order that ours have.
"""

import os
import sys
from pathlib import Path

KEY = ["party", "our_reference"]
COMPARED = ["state", "amount_vnd", "fee_vnd", "business_on"]
PLACED = ["party", "our_reference", "partner_reference", "core_vnd", "partner_vnd", "business_on"]


def with_polars(core_path: Path, statement_path: Path, out: Path, *, alike: bool = False) -> None:
    """Write matches.parquet and breaks.parquet into `out`."""
    import polars as pl
    from datacompy.polars import PolarsCompare

    columns = [*KEY, *COMPARED, "partner_reference"]
    core, lines = pl.read_parquet(core_path, columns=columns), pl.read_parquet(statement_path, columns=columns)
    is_repeated = pl.struct(KEY).is_duplicated()
    of_core = core.select(*KEY, *(pl.col(name).alias(f"core_{name}") for name in columns[2:]))
    ranked = (
        lines.filter(is_repeated)
        .join(of_core, on=KEY, how="left")
        .sort(
            *KEY,
            pl.col("state") != pl.col("core_state"),
            pl.col("amount_vnd") != pl.col("core_amount_vnd"),
            pl.col("partner_reference") != pl.col("core_partner_reference"),
        )
        .select(columns)
    )
    is_first = pl.struct(KEY).is_first_distinct()
    firsts = pl.concat([lines.filter(~is_repeated), ranked.filter(is_first)])
    again = ranked.filter(~is_first)
    # Of our own transaction number nothing is asked; beside the partner's it would be compared.
    compared = PolarsCompare(
        core.rename({"partner_reference": "known_as"}), firsts, join_columns=KEY, df1_name="core", df2_name="line"
    )

    def money(side: str, frame: pl.DataFrame) -> pl.Expr:
        state, amount = (f"{name}_{side}" if f"{name}_{side}" in frame.columns else name for name in COMPARED[:2])
        return pl.when(pl.col(state) == "paid").then(amount).otherwise(0)

    both = compared.intersect_rows
    of_pairs = (
        pl.when(~pl.col("state_match"))
        .then(pl.lit("state_differs"))
        .when(pl.col("state_core") != "paid")
        .then(pl.lit("no_money"))
        .when(~pl.col("amount_vnd_match"))
        .then(pl.lit("amount_differs"))
        .when(~pl.col("fee_vnd_match"))
        .then(pl.lit("fee_differs"))
        .when(~pl.col("business_on_match"))
        .then(pl.lit("timing"))
        .otherwise(pl.lit("match"))
    )
    pairs = both.select(
        *KEY,
        break_class=of_pairs,
        partner_reference="partner_reference_line",
        core_vnd=money("core", both),
        partner_vnd=money("line", both),
        business_on="business_on_core",
    ).select("break_class", *PLACED)

    def alone(frame: pl.DataFrame, place: str, *, reference: str, ours: bool) -> pl.DataFrame:
        vnd, none = money("", frame), pl.lit(0, pl.Int64)
        return frame.select(
            break_class=pl.when(pl.col("state") == "paid").then(pl.lit(place)).otherwise(pl.lit("no_money")),
            party="party",
            our_reference="our_reference",
            partner_reference=reference,
            core_vnd=vnd if ours else none,
            partner_vnd=none if ours else vnd,
            business_on="business_on",
        )

    placed = pl.concat(
        [
            pairs,
            alone(compared.df1_unq_rows, "missing_at_partner", reference="known_as", ours=True),
            alone(compared.df2_unq_rows, "missing_in_core", reference="partner_reference", ours=False),
            alone(again, "duplicate_at_partner", reference="partner_reference", ours=False),
        ]
    )
    matches = placed.filter(pl.col("break_class") == "match").select(PLACED)
    if alike:
        one, vnd = pl.lit(1, pl.Int64), pl.col("core_vnd")
        matches = matches.sort("our_reference").select(
            pl.lit("statement").alias("leg"),
            pl.lit("exact_reference").alias("rule"),
            "party",
            pl.lit("payment").alias("kind"),
            "our_reference",
            "partner_reference",
            pl.lit("").alias("agency"),
            one.alias("core_rows"),
            one.alias("partner_rows"),
            "core_vnd",
            "partner_vnd",
            (vnd - pl.col("partner_vnd")).alias("difference_vnd"),
            "business_on",
            vnd.alias("core_money_vnd"),
            pl.col("partner_vnd").alias("partner_money_vnd"),
        )
    matches.write_parquet(out / "matches.parquet")
    placed.filter(~pl.col("break_class").is_in(["match", "no_money"])).write_parquet(out / "breaks.parquet")


SPARK_RANKED = """
SELECT {columns}, nth FROM (
    SELECT l.*, row_number() OVER (PARTITION BY l.party, l.our_reference ORDER BY
        l.state <> c.state, l.amount_vnd <> c.amount_vnd, l.partner_reference <> c.partner_reference) AS nth
    FROM lines l
    JOIN (SELECT party, our_reference FROM lines GROUP BY 1, 2 HAVING count(*) > 1) r
        ON l.our_reference = r.our_reference AND l.party = r.party
    LEFT JOIN core c ON l.our_reference = c.our_reference AND l.party = c.party)
"""
SPARK_FIRSTS = """
SELECT {columns} FROM (SELECT l.* FROM lines l
    LEFT ANTI JOIN ranked r ON l.our_reference = r.our_reference AND l.party = r.party)
UNION ALL SELECT {columns} FROM ranked WHERE nth = 1
"""
SPARK_PLACED = """
SELECT
    CASE WHEN NOT state_match THEN 'state_differs' WHEN state_core <> 'paid' THEN 'no_money'
        WHEN NOT amount_vnd_match THEN 'amount_differs' WHEN NOT fee_vnd_match THEN 'fee_differs'
        WHEN NOT business_on_match THEN 'timing' ELSE 'match' END AS break_class,
    party_core AS party, our_reference_core AS our_reference, partner_reference_line AS partner_reference,
    if(state_core = 'paid', amount_vnd_core, 0L) AS core_vnd,
    if(state_line = 'paid', amount_vnd_line, 0L) AS partner_vnd,
    business_on_core AS business_on
FROM pairs
UNION ALL SELECT if(state = 'paid', 'missing_at_partner', 'no_money'), party, our_reference, known_as,
    if(state = 'paid', amount_vnd, 0L), 0L, business_on FROM ours_alone
UNION ALL SELECT if(state = 'paid', 'missing_in_core', 'no_money'), party, our_reference, partner_reference,
    0L, if(state = 'paid', amount_vnd, 0L), business_on FROM theirs_alone
UNION ALL SELECT if(state = 'paid', 'duplicate_at_partner', 'no_money'), party, our_reference, partner_reference,
    0L, if(state = 'paid', amount_vnd, 0L), business_on FROM ranked WHERE nth > 1
"""


def with_spark(core_path: Path, statement_path: Path, out: Path) -> None:
    """Write matches.parquet and breaks.parquet, folders of parts, into `out`. The session is TRUC_BENCH_SPARK's."""
    from datacompy.spark import SparkSQLCompare
    from pyspark.sql import functions as F  # noqa: N812  (its customary name)

    spark = _session(out)
    names = [*KEY, *COMPARED, "partner_reference"]
    for name, path in (("core", core_path), ("lines", statement_path)):
        rows = spark.read.parquet(str(path)).select(names)
        # It takes the difference of every column it compares, and fails on a date.
        rows.withColumn("business_on", F.unix_date("business_on")).createOrReplaceTempView(name)
    columns = ", ".join(names)
    spark.sql(SPARK_RANKED.format(columns=columns)).cache().createOrReplaceTempView("ranked")
    firsts = spark.sql(SPARK_FIRSTS.format(columns=columns))
    core = spark.table("core").withColumnRenamed("partner_reference", "known_as")
    compared = SparkSQLCompare(spark, core, firsts, join_columns=KEY, df1_name="core", df2_name="line")
    compared.intersect_rows.createOrReplaceTempView("pairs")
    compared.df1_unq_rows.createOrReplaceTempView("ours_alone")
    compared.df2_unq_rows.createOrReplaceTempView("theirs_alone")
    placed = spark.sql(SPARK_PLACED).withColumn("business_on", F.date_from_unix_date("business_on"))
    matches = placed.filter("break_class = 'match'").drop("break_class")
    breaks = placed.filter("break_class NOT IN ('match', 'no_money')")
    for name, rows in (("matches", matches), ("breaks", breaks)):
        rows.write.mode("overwrite").parquet(str(out / f"{name}.parquet"))
    spark.stop()


def _session(out: Path):
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").appName("datacompy")
    for name, value in {
        "spark.driver.memory": os.environ["TRUC_BENCH_SPARK_MEMORY"],
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.warehouse.dir": str(out / "warehouse"),
        "spark.local.dir": str(out / "spill"),
    }.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


if __name__ == "__main__":
    given = [Path(one) for one in sys.argv[2:5]]
    given[-1].mkdir(parents=True, exist_ok=True)
    match sys.argv[1], sys.argv[5:]:
        case "polars", []:
            with_polars(*given)
        case "polars", ["alike"]:
            with_polars(*given, alike=True)
        case "spark", []:
            with_spark(*given)
        case _:
            raise SystemExit(__doc__)
