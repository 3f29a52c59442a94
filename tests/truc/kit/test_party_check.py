"""`truc party check` proves what is done, shows what is not, and its exit code says which."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from truc import parties
from truc.kit import party, party_check, party_matrix
from truc.manifest import Capability, Rule

MOMO = parties.manifest("momo")


def stands(repository, manifest, rule):
    (found,) = [one for one in party_check.check(repository, manifest) if one.rule == rule]
    return found


def answered(name, state, reason=""):
    """Momo with another answer for one rule."""
    rules = tuple(one for one in MOMO.rules if one.name != name)
    return replace(MOMO, rules=(*rules, Rule(name=name, state=state, reason=reason)))


def test_a_done_names_what_was_looked_at(repository):
    found = stands(repository, MOMO, "result_codes_complete")
    assert (found.state, found.problems) == ("done", ())
    assert found.proof


@pytest.mark.parametrize("state", ["exempt", "todo"])
def test_what_is_not_done_needs_its_reason(repository, state):
    assert stands(repository, answered("schema_checked", state, "not published"), "schema_checked").state == state
    assert stands(repository, answered("schema_checked", state), "schema_checked").state == "broken"


def test_a_rule_nobody_answers_is_broken(repository):
    assert stands(repository, replace(MOMO, rules=()), "time_outs_stated").state == "broken"


def test_a_weak_algorithm_is_listed_with_its_reason(monkeypatch):
    from connectors.momo import signatures
    from truc.trust.signing import Profile

    assert list(party_check.weak_algorithms("momo")) == []
    weak = Profile(algorithm="HMAC-SHA1", weak_because="the partner knows no other")
    monkeypatch.setattr(signatures, "OLD", weak, raising=False)
    assert list(party_check.weak_algorithms("momo")) == [("OLD", "HMAC-SHA1", "the partner knows no other")]


def test_a_result_code_without_its_row_is_found(repository, monkeypatch):
    from connectors.momo import result_codes

    changed = replace(result_codes.CODES, meaning={**result_codes.MEANING, "77": "new"})
    monkeypatch.setattr(result_codes, "CODES", changed)
    assert "send_payment: no row for 77" in stands(repository, MOMO, "result_codes_complete").problems
    less = {code: text for code, text in result_codes.MEANING.items() if code != "0"}
    monkeypatch.setattr(result_codes, "CODES", replace(result_codes.CODES, meaning=less))
    assert "send_payment: 0 has no meaning" in stands(repository, MOMO, "result_codes_complete").problems


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_command_is_clean_for_momo_in_both_languages(lang):
    done = CliRunner().invoke(party.party, ["check", "momo", "--lang", lang])
    assert done.exit_code == 0, done.output
    assert all(rule in done.output for rule in party_check.KEPT_RULES)


def test_the_exit_code_is_1_when_something_is_broken(monkeypatch):
    monkeypatch.setattr(parties, "manifest", lambda _name: replace(MOMO, rules=()))
    done = CliRunner().invoke(party.party, ["check", "momo"])
    assert done.exit_code == 1
    assert "SAI" in done.output


@pytest.mark.parametrize("words", [["check"], ["check", "momo", "--all"]])
def test_which_party_must_be_said(words):
    assert CliRunner().invoke(party.party, words).exit_code == 2


def test_a_party_nobody_knows_is_named():
    done = CliRunner().invoke(party.party, ["check", "nobody"])
    assert done.exit_code == 1
    assert "nobody" in str(done.exception)


def test_the_list_shows_each_party_with_all_it_can_do():
    shown = CliRunner().invoke(party.party, ["list"]).output
    for one in parties.manifests():
        assert one.party in shown
        assert one.title_vi in shown
    assert ", ".join(str(one) for one in Capability if one in MOMO.capabilities) in shown


def test_the_document_marks_exactly_what_is_declared():
    text = party_matrix.markdown([MOMO])
    marked = {line.split("|")[1].strip() for line in text.splitlines() if line.endswith("| yes |")}
    assert marked == {str(one) for one in MOMO.capabilities}
    assert "| `statement_momo` | `30 1 * * *` | `momo` |" in text
