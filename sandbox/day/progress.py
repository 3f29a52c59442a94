"""Shows what the day is doing: a live bar on a terminal, plain lines elsewhere; and how long each phase took."""

import contextlib
import time
from collections.abc import Iterator

import requests
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from sqlalchemy.exc import SQLAlchemyError

from sandbox.day.one_stop import RefusedError
from truc.errors import SetupError

# What a phase may run into when a part of the hub is away; anything else is a bug and shows its traceback.
AWAY = (requests.RequestException, SQLAlchemyError, RefusedError)


class Progress:
    """The phases of a run, told as they go. `seconds` has each phase's duration once it is over."""

    def __init__(self, console: Console, *, phases: int = 0, look_at: str = "") -> None:
        """`look_at` names the folder of logs to see when a phase cannot go on."""
        self.console = console
        self.seconds: dict[str, float] = {}
        self._begun = time.monotonic()
        self._look_at = look_at
        columns = (
            SpinnerColumn(),
            BarColumn(20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
        )
        self._bar = Bar(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=phases or None)

    @contextlib.contextmanager
    def live(self) -> Iterator[None]:
        """Show the bar while the block runs."""
        with self._bar:
            yield

    @contextlib.contextmanager
    def phase(self, name: str, vietnamese: str, english: str) -> Iterator[None]:
        """Show a phase while the block runs, and keep its seconds.

        Raise SetupError, which says where to look, when a part of the hub is away.
        """
        begun, title = time.monotonic(), f"{vietnamese} · {english}"
        self._bar.update(self._task, description=vietnamese)
        try:
            yield
        except AWAY as error:
            why = str(error) if isinstance(error, RefusedError) else type(error).__name__
            raise SetupError(f"{english}: {why}; see {self._look_at}", reason="phase_failed") from error
        self.seconds[name] = round(time.monotonic() - begun, 1)
        self._bar.advance(self._task)
        line = f"[green]✓[/] {title} [dim]{self.seconds[name]:.1f} s[/]"
        self.console.print(line, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Tell one thing that happened within the phase."""
        self.console.print(f"  {text}", highlight=False, soft_wrap=True)

    def begin(self, step: str) -> None:
        """Tell that a step of starting or stopping begins."""
        self._bar.update(self._task, description=step)
        self.say(f"… {step}")

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._begun
