"""Shows what the day is doing: a live line per phase on a terminal, plain lines elsewhere; and how long each took."""

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console


class Progress:
    """The phases of a run, told as they go. `seconds` has each phase's duration once it is over."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.seconds: dict[str, float] = {}
        self._begun = time.monotonic()

    @contextlib.contextmanager
    def phase(self, name: str, vietnamese: str, english: str) -> Iterator[None]:
        """Show a phase while the block runs, and keep its seconds."""
        begun, title = time.monotonic(), f"{vietnamese} · {english}"
        status = self.console.status(title) if self.console.is_terminal else contextlib.nullcontext()
        with status:
            yield
        self.seconds[name] = round(time.monotonic() - begun, 1)
        self.console.print(f"[green]✓[/] {title} [dim]{self.seconds[name]:.1f} s[/]", highlight=False)

    def say(self, text: str) -> None:
        """Tell one thing that happened within the phase."""
        self.console.print(f"  {text}", highlight=False, soft_wrap=True)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._begun
