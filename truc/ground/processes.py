"""Starts single processes that leave nothing behind, and finds those that did.

Each process of an installation carries TRUC_SUPERVISED in its environment, by which it can be found again, also
after a kill -9 of its supervisor.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

MARK = "TRUC_SUPERVISED"
LAUNCHER = Path(__file__).with_name("launch.py")
KEEP_LOG_BYTES = 20_000_000
# setproctitle, which Airflow uses, would write its titles over the environment and so over the mark.
KEEP_ENVIRONMENT_READABLE = {"SPT_NOENV": "1"}


def spawn(
    run: Path,
    log: Path,
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    uid: int | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    grace_s: float = 5,
) -> "subprocess.Popen[bytes]":
    """Start a program under truc.ground.launch, marked as ours; it ends with this process or the returned stdin."""
    if log.exists() and log.stat().st_size > KEEP_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    how = (str(grace_s), str(int(stop_signal)), "-" if uid is None else str(uid))
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(LAUNCHER), *how, *argv],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **env, MARK: mark(run), **KEEP_ENVIRONMENT_READABLE},
            cwd=cwd,
            start_new_session=True,
        )


def mark(run: Path) -> str:
    """Return the value of TRUC_SUPERVISED in every process of this installation."""
    return str(run.resolve())


def survivors(run: Path) -> list[int]:
    """Return the ids of all processes of this installation, this one and those above it excepted."""
    import psutil

    wanted, found = mark(run), []
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid not in ours and process.environ().get(MARK) == wanted:
                found.append(process.pid)
    return found


def kill_survivors(run: Path) -> list[int]:
    """Kill what is left of this installation; return the ids that did not go."""
    until = time.monotonic() + 5
    while (left := survivors(run)) and time.monotonic() < until:
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    return left


def wait_for_survivors(run: Path, grace_s: float) -> None:
    """Give what a killed supervisor left the time to stop by itself, then kill it."""
    until = time.monotonic() + grace_s
    while survivors(run) and time.monotonic() < until:
        time.sleep(0.2)
    kill_survivors(run)


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to all processes of a session's first group, if there is still one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
