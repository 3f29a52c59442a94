"""Runs one program and leaves nothing of it behind, whatever happens to the supervisor.

Started by truc.ground.supervisor as a plain script (`python -I -S launch.py GRACE_S SIGNAL UID PROGRAM …`) with a pipe
as its standard input that the supervisor never writes to: end of file means that the supervisor is gone, be it by
kill -9. Then, or on SIGTERM, the program gets SIGNAL, has GRACE_S seconds, and all its descendants are killed. On
Linux the launcher adopts orphaned descendants (child subreaper), so those that left the process group are found too.
Standard library only, and no import of truc: seven of these run at once.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LINUX = sys.platform == "linux"


def main(arguments: list[str]) -> int:
    """Run the program to its end and return its exit code (128 + number for a signal)."""
    grace_s, stop_with, uid, *program = arguments
    libc = ctypes.CDLL(None) if LINUX else None
    if libc is not None:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    bell = _listen()

    def before_exec() -> None:
        # Last resort: should this launcher itself be killed, the program dies with it.
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    user = None if uid == "-" else int(uid)
    child = subprocess.Popen(
        program,
        stdin=subprocess.DEVNULL,
        preexec_fn=before_exec,  # noqa: PLW1509  (this process has one thread)
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    _wait_for_an_end(child, bell)
    if child.poll() is None:
        # Twice: Airflow's scheduler can lose the first one, which it turns into an exception, to a destructor.
        for _ in range(2):
            child.send_signal(int(stop_with))
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(float(grace_s) / 2)
        child.kill()
    code: int = child.wait()
    _kill_descendants()
    return code if code >= 0 else 128 - code


def _listen() -> int:
    """Return a descriptor that becomes readable on any signal that concerns us."""
    bell, ringer = os.pipe()
    os.set_blocking(ringer, False)
    signal.set_wakeup_fd(ringer, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: None)
    return bell


def _wait_for_an_end(child: "subprocess.Popen[bytes]", bell: int) -> None:
    """Return when the program ended, the supervisor is gone, or we were told to stop."""
    while child.poll() is None:
        readable, _, _ = select.select([bell, sys.stdin.fileno()], [], [], 60)
        if sys.stdin.fileno() in readable:
            return
        if bell in readable and set(os.read(bell, 512)) - {signal.SIGCHLD}:
            return
        _reap_orphans(child.pid)


def _reap_orphans(main_pid: int) -> None:
    """Collect adopted descendants that ended, so that a long-lived service piles up no zombies."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if ended.si_pid == main_pid:
                return  # its exit code is for Popen to collect
            os.waitpid(ended.si_pid, 0)


def _kill_descendants() -> None:
    """Kill until nobody is left; a process that forks while we look is caught in the next round."""
    until = time.monotonic() + 5
    while time.monotonic() < until and (pids := _descendants()):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
        _reap_orphans(0)


def _descendants() -> list[int]:
    """Return everything below us, the dead that nobody collected yet included."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found, look_at = [], [os.getpid()]
    while look_at:
        below = children.get(look_at.pop(), [])
        found += below
        look_at += below
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # pid (command, which may hold anything) state parent …
            yield int(entry.parent.name), int(entry.read_text("utf-8", "replace").rpartition(")")[2].split()[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
