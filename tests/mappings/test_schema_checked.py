"""A manifest says that the schema is checked only where the mapping itself is proved to check it."""

import pytest

from truc import parties

# The property that proves it, in tests/mappings/<party>.
PROVED = {
    "email": "test_whatever_the_notice_what_is_written_fits_the_schema_or_is_refused",
    "sms": "test_whatever_the_notice_what_is_written_fits_the_schema_or_is_refused",
    "vietcombank": "test_a_statement_that_does_not_hold_is_refused_whole",
    "vietinbank": "test_a_statement_that_does_not_hold_is_refused_whole",
    "zalo": "test_whatever_the_notice_what_is_written_fits_the_schema_or_is_refused",
    "vnpost": "test_what_is_written_fits_the_schema_or_is_refused",
}


@pytest.mark.parametrize("party", [manifest.party for manifest in parties.manifests()])
def test_schema_checked_is_claimed_only_with_its_proof(party, repository):
    (rule,) = [one for one in parties.manifest(party).rules if one.name == "schema_checked"]
    assert rule.state == ("done" if party in PROVED else "todo")
    assert rule.reason
    written = "".join(path.read_text(encoding="utf-8") for path in (repository / "tests/mappings" / party).glob("*.py"))
    assert party not in PROVED or f"def {PROVED[party]}(" in written
