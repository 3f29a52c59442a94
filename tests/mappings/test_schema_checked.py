"""A manifest says that the schema is checked only where a test of the mapping itself proves it, known by its name."""

import re

import pytest

from truc import parties

# Of what is written, whatever the message; of a file that is read, whatever is wrong with it.
PROOF = re.compile(
    r"(?m)^def test_\w*("
    r"what_is_written_fits_the_schema_or_is_refused|"
    r"a_statement_that_does_not_hold_is_refused_whole)\("
)


def is_proved(folder):
    """Say whether a test of that name is in the folder of a party's mappings."""
    return any(PROOF.search(path.read_text(encoding="utf-8")) for path in folder.glob("*.py"))


@pytest.mark.parametrize("party", parties.names())
def test_schema_checked_is_claimed_only_with_its_proof(party, repository):
    (rule,) = [one for one in parties.manifest(party).rules if one.name == "schema_checked"]
    assert rule.state in ("done", "todo")
    assert rule.reason
    assert rule.state == "todo" or is_proved(repository / "tests" / "mappings" / party)


def test_a_test_of_another_name_is_no_proof(tmp_path):
    (tmp_path / "test_x.py").write_text("def test_it_is_written(): ...\n", encoding="utf-8")
    assert not is_proved(tmp_path)
    (tmp_path / "test_y.py").write_text(
        "def test_what_is_written_fits_the_schema_or_is_refused(): ...\n", encoding="utf-8"
    )
    assert is_proved(tmp_path)
