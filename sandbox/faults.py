"""Misbehaviour on demand: a stand-in can be told to fail, how, and how often."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, get_args

Mode = Literal[
    "refuse",  # close the connection before anything is read: no effect
    "unavailable",  # 503 with Retry-After: no effect
    "silent_before",  # wait, then close without an answer: no effect
    "silent_after",  # the effect happens, then wait and close without an answer
    "late_after",  # no answer at all; the effect happens `wait_s` later
    "drop_after",  # the effect happens, the connection closes at once without an answer
    "error_before",  # 500 without the effect
    "error_after",  # the effect happens, the answer is 500
    "garbage",  # the effect happens, the answer cannot be read
    "truncated",  # the effect happens, the answer stops in the middle
    "huge",  # the effect happens, the answer is endless (up to 64 MiB)
    "slow",  # the effect happens, the answer drips byte by byte during `wait_s`
    "twice",  # the party does its own sending (callback, file, item) twice
]


@dataclass(slots=True)
class Fault:
    """One order to misbehave: for `operation` ("*" for any), `times` times, sparing the next `after` calls."""

    operation: str
    mode: Mode
    times: int
    wait_s: float = 1.0
    after: int = 0


@dataclass(slots=True)
class Faults:
    """The orders still open, and how often each kind was carried out."""

    _open: list[Fault] = field(default_factory=list)
    _met: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def order(self, fault: Fault) -> None:
        """Add an order; raise ValueError for an unknown mode."""
        if fault.mode not in get_args(Mode):
            raise ValueError(f"unknown fault mode {fault.mode!r}; known: {', '.join(get_args(Mode))}")
        with self._lock:
            self._open.append(fault)

    def take(self, operation: str, *modes: Mode) -> Fault | None:
        """Return the fault to commit now for this operation, counting it, or None."""
        with self._lock:
            for fault in self._open:
                if fault.operation in (operation, "*") and (not modes or fault.mode in modes) and fault.times > 0:
                    if fault.after:
                        fault.after -= 1
                        continue
                    fault.times -= 1
                    self._met[f"{operation}:{fault.mode}"] += 1
                    self._open = [one for one in self._open if one.times > 0]
                    return fault
        return None

    def met(self) -> dict[str, int]:
        """Return how often each `operation:mode` was carried out."""
        with self._lock:
            return dict(self._met)

    def clear(self) -> None:
        """Withdraw every open order; the counts stay."""
        with self._lock:
            self._open.clear()
