"""What earlier runs of the same day did and met: a trouble that was met is not planted a second time."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from truc.errors import SetupError


@dataclass(slots=True)
class Journal:
    """One day of one installation. `troubles` is name → evidence; `figures` what the first whole run counted."""

    path: Path
    seed: int
    dossiers: int
    troubles: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)

    @property
    def played(self) -> bool:
        """Whether the day has been played to its end."""
        return bool(self.figures)

    def met(self, trouble: str) -> bool:
        """Whether an earlier run, or this one, met the trouble."""
        return trouble in self.troubles

    def note(self, trouble: str, evidence: Any) -> None:
        """Write down at once that a trouble was met, so that an interrupted day goes on where it was."""
        self.troubles[trouble] = evidence
        self.save()

    def troubles_of_all_days(self) -> list[dict[str, Any]]:
        """Return the troubles of every day played in this installation, this one included."""
        others = [path for path in sorted(self.path.parent.glob("journal-*.json")) if path != self.path]
        return [json.loads(path.read_text(encoding="utf-8"))["troubles"] for path in others] + [self.troubles]

    def save(self) -> None:
        """Write the journal as a whole or not at all."""
        kept = {name: value for name, value in asdict(self).items() if name != "path"}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(kept, ensure_ascii=False, indent=1), encoding="utf-8")
        part.replace(self.path)


def opened(path: Path, *, seed: int, dossiers: int, core_has_the_day: bool) -> Journal:
    """Return the day's journal, a new one when the core does not know the day.

    Raise SetupError when the core holds this day with another seed or size: both at once would be no day.
    """
    if not path.exists() or not core_has_the_day:
        return Journal(path, seed, dossiers)
    kept = json.loads(path.read_text(encoding="utf-8"))
    if (kept["seed"], kept["dossiers"]) != (seed, dossiers):
        raise SetupError(
            f"this day was played here with --seed {kept['seed']} --dossiers {kept['dossiers']}: use these again, "
            "choose another --day, or start afresh with `make clean`",
            reason="day_played_otherwise",
        )
    return Journal(path, seed, dossiers, kept["troubles"], kept["figures"])
