"""The journal lets an interrupted day go on, and keeps two different days out of one another."""

import pytest

from sandbox.day.journal import opened
from truc.errors import SetupError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "day" / "journal.json"


def test_a_trouble_that_was_met_is_known_to_the_next_run(path):
    opened(path, seed=1, dossiers=60, core_has_the_day=False).note("outage", {"waiting": 5})
    again = opened(path, seed=1, dossiers=60, core_has_the_day=True)
    assert again.met("outage")
    assert not again.played


def test_a_day_is_played_once_its_figures_are_kept(path):
    first = opened(path, seed=1, dossiers=60, core_has_the_day=False)
    first.figures = {"core.dossiers": 60}
    first.save()
    assert opened(path, seed=1, dossiers=60, core_has_the_day=True).played


def test_a_journal_that_outlived_its_database_is_not_believed(path):
    opened(path, seed=1, dossiers=60, core_has_the_day=False).note("outage", {})
    assert not opened(path, seed=1, dossiers=60, core_has_the_day=False).met("outage")


def test_the_troubles_of_other_days_are_known_too(tmp_path):
    for day in ("2026-11-19", "2026-11-20"):
        journal = opened(tmp_path / f"journal-{day}.json", seed=1, dossiers=60, core_has_the_day=False)
        journal.note("outage", {"day": day})
    assert [one["outage"]["day"] for one in journal.troubles_of_all_days()] == ["2026-11-19", "2026-11-20"]


@pytest.mark.parametrize(("seed", "dossiers"), [(2, 60), (1, 61)])
def test_the_same_day_with_another_seed_or_size_is_refused(path, seed, dossiers):
    opened(path, seed=1, dossiers=60, core_has_the_day=False).save()
    with pytest.raises(SetupError, match="--seed 1 --dossiers 60"):
        opened(path, seed=seed, dossiers=dossiers, core_has_the_day=True)
