"""The bulk benchmark runs: it sends what it says, compares with its floor, and measures beside what is kept."""

import pytest

from bench import bulk


def test_a_small_history_is_pushed_beside_its_floor() -> None:
    figure, spent = bulk.run(200)
    assert figure.name.startswith("200 statuses")
    assert figure.ours_s > 0
    assert figure.floor_s > 0
    assert 0 < spent.rss_mb <= bulk.RSS_MAX_MB


def test_the_cost_is_measured_beside_each_number_of_kept_exchanges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "AT_A_TIME", 50)
    monkeypatch.setattr(bulk, "ROUNDS", 1)
    costs = bulk.grow([100, 300])
    assert [one.kept for one in costs] == [100, 300]
    assert all(min(one.ms, one.cpu_ms, one.floor_ms) > 0 for one in costs)
