"""DuckDB in this process: the default engine. Within a bound of memory; beyond it, it spills to disk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from truc.reconcile.engine.plan import Plan
from truc.reconcile.row import NEUTRAL

DIALECT = "duckdb"
ROWS_AT_ONCE = 122_880
TYPES = {"string": "VARCHAR", "int64": "BIGINT", "boolean": "BOOLEAN"}
# How the two columns of time become numbers; nothing here asks for a time zone.
TIMES = {
    "business_day": ("business_on", "date_diff('day', DATE '1970-01-01', business_on)"),
    "occurred_us": ("occurred_at", "epoch_us(occurred_at)"),
}


@dataclass(frozen=True, slots=True)
class Duck:
    """A database of its own for one run; `folder` holds what is too large for memory."""

    connection: duckdb.DuckDBPyConnection
    folder: Path

    def give(self, side: str, paths: Sequence[Path], columns: Sequence[str]) -> None:
        """Hand in the rows of a side: Parquet files with some of the neutral columns."""
        self.connection.execute(f"CREATE VIEW {side}_in AS SELECT {_neutral(columns)} FROM {rows_of(paths)}")

    def give_days(self, days: pa.Table) -> None:
        """Hand in the working days."""
        # By a file: DuckDB asks of a table in memory whether it is one of pandas, and loads all of that to ask.
        path = self.folder / "working_days.parquet"
        pq.write_table(days, path)
        self.connection.execute(f"CREATE TABLE working_days AS SELECT * FROM {rows_of([path])}")

    def run(self, plan: Plan) -> None:
        """Make every table of the plan, in order."""
        for step in plan.steps:
            if step.how == "large":
                path = self.folder / f"{step.name}.parquet"
                self.connection.execute(
                    f"COPY ({step.sql}) TO {_quoted(path)} (FORMAT parquet, COMPRESSION uncompressed)"
                )
                self.connection.execute(f"CREATE VIEW {step.name} AS SELECT * FROM {rows_of([path])}")
            else:
                self.connection.execute(f"CREATE {step.how} {step.name} AS {step.sql}")

    def rows(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query in the order of all their columns; another may be asked before they are read."""
        with self.connection.cursor() as asked:
            yield from asked.sql(f"SELECT * FROM ({sql}) ORDER BY ALL").to_arrow_reader(ROWS_AT_ONCE)

    def close(self) -> None:
        """Forget the database."""
        self.connection.close()


def open_duck(folder: Path, *, memory_mb: int, threads: int) -> Duck:
    """Return a DuckDB of its own."""
    connection = duckdb.connect(
        config={
            "memory_limit": f"{memory_mb}MB",
            "threads": threads,
            "preserve_insertion_order": False,
            "temp_directory": str(folder / "spill"),
            "autoload_known_extensions": False,
            "autoinstall_known_extensions": False,
        }
    )
    return Duck(connection, folder)


def _neutral(columns: Sequence[str]) -> str:
    """Write every neutral column, in its type; those that a file does not have are null."""
    told = []
    for name, kind in NEUTRAL.items():
        source, written = TIMES.get(name, (name, name))
        told.append(f"CAST({written if source in columns else 'NULL'} AS {TYPES[kind]}) AS {name}")
    return ", ".join(told)


def rows_of(paths: Sequence[Path]) -> str:
    """Write what reads Parquet files as one table."""
    return f"read_parquet([{', '.join(_quoted(path) for path in paths)}])"


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
