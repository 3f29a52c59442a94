"""Starts the services of one installation, keeps them up, and leaves no process behind.

A service is data. Each runs under truc.ground.launch in a session of its own and writes to `var/log/<name>.log`.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import IO, Any, Self

from truc.errors import SetupError
from truc.ground.processes import kill_survivors, signal_group, spawn, wait_for_survivors

PID_FILE = "supervisor.pid"
LIVED_WELL_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One long-lived program. `ready` answers whether it can be used; it may be asked often and must not block long.

    Of services that started together, those with the lower `stop_order` stop first.
    """

    name: str
    argv: Sequence[str]
    ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = Path("/")
    uid: int | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_order: int = 0
    grace_s: float = 20
    ready_within_s: float = 120
    restarts: int = 3


@dataclass
class _Running:
    service: Service
    process: "subprocess.Popen[bytes]"
    started_at: float
    restarts_left: int
    batch: int
    failed: bool = False


class Supervisor:
    """Runs services for as long as the `with` block lasts; at its end stops them, the last started first.

    Only one supervisor at a time can hold the folder `run`; a second raises SetupError.
    """

    def __init__(self, run: Path, logs: Path, *, grace_after_s: float = 60) -> None:
        self._run, self._logs = run, logs
        self._running: list[_Running] = []
        self._stopping = threading.Event()
        self._changing = threading.Lock()
        self._grace_after_s = grace_after_s
        self._lock: IO[str] | None = None
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._run.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        self._lock = _hold(self._run / PID_FILE)
        wait_for_survivors(self._run, self._grace_after_s)
        self._handlers = _interrupt_on_signals()
        threading.Thread(target=self._watch, name="supervisor", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # An impatient second Ctrl-C must not interrupt the stopping: that would leave processes.
        for number in self._handlers:
            signal.signal(number, signal.SIG_IGN)
        try:
            self.stop()
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)

    def start(self, *services: Service) -> dict[str, float]:
        """Start the services at once and wait until all are ready; return the seconds each took.

        Raises SetupError, which names the log file, when one ends or is not ready in time; after that only `stop`
        makes sense.
        """
        begun = time.monotonic()
        with self._changing:
            if self._stopping.is_set():
                raise SetupError("the supervisor is stopping", reason="stopping")
            batch = len(self._running)
            self._running += [self._launch(service, service.restarts, batch) for service in services]
        with ThreadPoolExecutor(max_workers=max(1, len(services))) as pool:
            waits = {pool.submit(self._await_ready, one, begun): one.name for one in services}
            try:
                return {waits[done]: done.result() for done in as_completed(waits)}
            except BaseException:
                self._stopping.set()  # so that nobody waits for the others
                raise

    def failed(self) -> list[str]:
        """Return the names of services that died more often than they may."""
        return [one.service.name for one in self._running if one.failed]

    def stop(self) -> None:
        """Stop everything, the last started first; raise SetupError if a process had to be left."""
        self._stopping.set()
        with self._changing:
            for group in _groups(self._running):
                _stop_together(group)
            self._running.clear()
        left = kill_survivors(self._run)
        if self._lock is not None:
            self._lock.truncate(0)
            self._lock.close()
            self._lock = None
        if left:
            raise SetupError(f"processes {left} could not be ended", reason="processes_left")

    def _launch(self, service: Service, restarts_left: int, batch: int) -> _Running:
        process = spawn(
            self._run,
            self._logs / f"{service.name}.log",
            service.argv,
            env=service.env,
            cwd=service.cwd,
            uid=service.uid,
            stop_signal=service.stop_signal,
            grace_s=service.grace_s,
        )
        return _Running(service, process, time.monotonic(), restarts_left, batch)

    def _await_ready(self, service: Service, begun: float) -> float:
        while time.monotonic() < begun + service.ready_within_s and not self._stopping.is_set():
            if any(one.failed for one in self._running if one.service is service):
                raise SetupError(f"{service.name} ended: {self._tail(service)}", reason="service_ended")
            if service.ready():
                return time.monotonic() - begun
            time.sleep(0.1)
        raise SetupError(
            f"{service.name} was not ready after {service.ready_within_s:.0f} s: {self._tail(service)}",
            reason="service_not_ready",
        )

    def _tail(self, service: Service) -> str:
        return f"see {self._logs / service.name}.log"

    def _watch(self) -> None:
        while not self._stopping.wait(0.3):
            for index, one in enumerate(list(self._running)):
                if one.process.poll() is None or one.failed:
                    continue
                # The launcher itself may have been killed: nobody else is left to clear its group.
                signal_group(one.process.pid, signal.SIGKILL)
                _close_pipe(one)
                if one.restarts_left <= 0:
                    one.failed = True
                elif time.monotonic() > one.started_at + _pause_s(one):
                    self._restart(index, one)

    def _restart(self, index: int, one: _Running) -> None:
        with self._changing:
            if not self._stopping.is_set():
                lived_well = time.monotonic() - one.started_at > LIVED_WELL_S
                left = one.service.restarts if lived_well else one.restarts_left - 1
                self._running[index] = self._launch(one.service, left, one.batch)


def running_pid(run: Path) -> int | None:
    """Return the id of the supervisor that holds `run` now, or None."""
    try:
        with (run / PID_FILE).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0) or None
    except FileNotFoundError:
        return None
    return None


def stop_running(run: Path, within_s: float = 90) -> bool:
    """Ask the supervisor that holds `run` to stop, wait, and clear what is left; say whether one was running."""
    pid = running_pid(run)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + within_s
    while running_pid(run) is not None and time.monotonic() < until:
        time.sleep(0.1)
    wait_for_survivors(run, grace_s=10)
    return pid is not None


def _hold(path: Path) -> IO[str]:
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        raise SetupError(f"already running as process {holder}: `truc stop` first", reason="already_running") from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _groups(running: list[_Running]) -> Iterator[list[_Running]]:
    """Yield the services in the order of stopping."""

    def place(one: _Running) -> tuple[int, int]:
        return -one.batch, one.service.stop_order

    for _, group in groupby(sorted(running, key=place), key=place):
        yield list(group)


def _stop_together(group: list[_Running]) -> None:
    for one in group:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGTERM)
    for one in group:
        try:
            one.process.wait(one.service.grace_s + 10)
        except subprocess.TimeoutExpired:
            signal_group(one.process.pid, signal.SIGKILL)
            one.process.wait()
        _close_pipe(one)


def _close_pipe(one: _Running) -> None:
    if one.process.stdin is not None:
        one.process.stdin.close()


def _pause_s(one: _Running) -> float:
    """Wait 1, 2, 4 … seconds between starts."""
    return float(2 ** (one.service.restarts - one.restarts_left))


def _interrupt_on_signals() -> dict[signal.Signals, Any]:
    """Let Ctrl-C, SIGTERM and a closed terminal all raise KeyboardInterrupt; return the handlers before.

    Also Ctrl-C is set: a shell starts a background command with SIGINT ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return {number: signal.signal(number, signal.default_int_handler) for number in numbers}
