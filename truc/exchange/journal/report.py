"""What a check of the journal found: how much was looked at, and the first record that is not as it was written."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """One bad record: its channel ("" for none), its number there (None for no entry), and what is wrong."""

    channel: str
    number: int | None
    wrong: str

    def __str__(self) -> str:
        where = self.channel + (f" number {self.number}" if self.number is not None else "")
        return f"{where}: {self.wrong}" if where else self.wrong


@dataclass(slots=True)
class Report:
    """`looked_at` counts by word, `bad` counts bad records, and `first` names the first of them."""

    looked_at: Counter[str] = field(default_factory=Counter)
    bad: int = 0
    first: Bad | None = None

    def wrong(self, channel: str, number: int | None, text: str, *, times: int = 1) -> None:
        """Count bad records; only the first is kept, so a long report stays small."""
        self.bad += times
        if self.first is None:
            self.first = Bad(channel=channel, number=number, wrong=text)
