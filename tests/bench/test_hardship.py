"""The benchmarks of hardship and of speed run, small: real processes, a real PostgreSQL, real stand-ins."""

import pytest

from bench import exchange, faults, soak
from bench.couriers import SHORT


def test_couriers_killed_and_a_database_stopped_lose_and_double_nothing(tmp_path, capsys):
    assert faults.run(tmp_path, kills=3, stops=1, minutes=0.07)
    told = capsys.readouterr().out
    assert "| kills | 3 |" in told
    assert "| PostgreSQL stops | 1 |" in told
    assert "journal: nothing bad" in told


def test_the_three_ways_do_the_same_job(capsys):
    figures = exchange.run(messages=60, rounds=1)
    assert [one.floor_name for one in figures] == ["procrastinate", "bare requests loop", "Trục without its journal"]
    assert all(one.ours_s > 0 and one.floor_s > 0 for one in figures)
    assert "processor time per message" in capsys.readouterr().out


def test_a_soak_measures_every_process(tmp_path, capsys):
    soak.run(tmp_path, minutes=0.07, sample_every_s=0.3)
    told = capsys.readouterr().out
    for name in ("gateway", "PostgreSQL", *soak.PARTIES):
        assert f"| {name} |" in told


@pytest.mark.parametrize(("last", "flat"), [(100.0, True), (104.0, True), (106.0, False)])
def test_growth_of_memory_is_seen(last, flat, capsys):
    samples = soak.Samples()
    for number in range(9):
        value = last if number >= 6 else 100.0
        samples.values["gateway", soak.MEMORY].append((number * 10.0, value))
    assert soak.shown(samples) is flat
    assert ("| yes |" in capsys.readouterr().out) is flat


def test_what_is_shortened_stays_in_proportion():
    assert SHORT["backoff_s"] < SHORT["backoff_max_s"] < SHORT["settle_s"]
