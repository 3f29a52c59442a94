"""The bench of the full history knows what it planted, sees who finds something else, and kills what takes too much."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench import statuses


def test_each_way_finds_what_was_planted(tmp_path: Path) -> None:
    (figure,) = statuses.run(20_000, ["duckdb"], rounds=1, home=tmp_path)
    assert figure.ours_s > 0
    assert "million rows/s; peak memory" in figure.note


def test_the_lists_have_every_gap_there_is_and_are_drawn_by_their_seed(tmp_path: Path) -> None:
    first, second, other = (tmp_path / name for name in ("first", "second", "other"))
    for folder in (first, second, other):
        folder.mkdir()
    lists = statuses.drawn(first, 20_000)
    assert min(lists.truth.values()) > 0
    assert statuses.drawn(second, 20_000).truth == lists.truth
    assert statuses.drawn(other, 20_000, seed=6).truth != lists.truth


def test_who_finds_something_else_is_seen(tmp_path: Path) -> None:
    lists = statuses.drawn(tmp_path, 2_000)
    wrong = replace(lists, truth={**lists.truth, "stale": lists.truth["stale"] + 1})
    with pytest.raises(AssertionError, match="floor: found"):
        statuses._measured("floor", wrong, tmp_path)


def test_who_takes_too_much_memory_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statuses, "MEMORY_MAX_MB", 20)
    with pytest.raises(MemoryError, match="more than 20"):
        statuses._measured("floor", statuses.drawn(tmp_path, 2_000), tmp_path)
