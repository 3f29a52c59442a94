"""The rules about parties hold for every party there is, and each of them fires when it is broken."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.house import party_rules as rules
from truc import parties
from truc.kit import party_matrix
from truc.kit.party_proofs import HIDDEN
from truc.manifest import (
    Callback,
    Capability,
    Event,
    Feed,
    Limits,
    Operation,
    OutcomeClass,
    PaymentTerms,
    Pipeline,
    Rule,
    Setting,
)

RULES = [
    rules.has_the_same_name_in_every_room,
    rules.is_named_as_its_folder,
    rules.has_one_connection_type,
    rules.is_documented,
    rules.answers_for_every_kept_rule,
    rules.can_do_what_it_declares,
    rules.declares_all_it_can_do,
    rules.takes_the_batches_it_declares,
    rules.is_run_by_its_pipelines,
    rules.declares_what_its_capabilities_need,
    rules.states_the_terms_of_its_payments,
    rules.proves_what_it_says_is_done,
    rules.keeps_its_secrets_apart,
    rules.states_its_time_outs,
    rules.has_readable_schemas,
]
MOMO = parties.manifest("momo")
TERMS = MOMO.payments
PARTIES = parties.names()
ONE_MORE = Operation(name="reversal", event=Event.PAYMENT_REQUESTED, outcome=OutcomeClass.ASK)
IN_BATCHES = replace(MOMO.operations[0], batch_max=10)
BLIND_BATCHES = replace(IN_BATCHES, outcome=OutcomeClass.NEITHER)


def drop(path):
    """Break a tree by taking something away."""
    return lambda root: shutil.rmtree(root / path) if (root / path).is_dir() else (root / path).unlink()


def change(path, old, new):
    """Break a tree by writing something else."""

    def spoil(root):
        text = (root / path).read_text(encoding="utf-8")
        assert old in text
        (root / path).write_text(text.replace(old, new), encoding="utf-8")

    return spoil


def change_all(folder, old, new):
    """Break every file of a room by writing something else."""

    def spoil(root):
        paths = [path for path in (root / folder).glob("*.py") if old in path.read_text(encoding="utf-8")]
        assert paths
        for path in paths:
            change(path.relative_to(root), old, new)(root)

    return spoil


def whole(_root):
    """Leave the tree as it is."""


def rule(name, state="done", reason=""):
    """One answer for a kept rule."""
    return Rule(name=name, state=state, reason=reason)


def pipeline(does, *names):
    """One DAG more."""
    return Pipeline(dag_id="x", does=does, of=names, schedule="* * * * *", title="x", title_vi="x")


def setting(name):
    """One setting more, not declared a secret."""
    return Setting(name=name, label="x", label_vi="x")


# (rule, what is done to the tree, what is done to the manifest, what the rule says)
BROKEN = [
    (rules.declares_what_its_capabilities_need, whole, {"operations": MOMO.operations[:1]}, "refund"),
    (rules.declares_what_its_capabilities_need, whole, {"feeds": ()}, "fetch_statement"),
    (rules.declares_what_its_capabilities_need, whole, {"callbacks": ()}, "call_back"),
    (rules.declares_what_its_capabilities_need, whole, {"callbacks": MOMO.callbacks[1:]}, "call_back"),
    (rules.declares_what_its_capabilities_need, whole, {"capabilities": frozenset()}, "take_payments"),
    (
        rules.declares_what_its_capabilities_need,
        change("connectors/momo/client.py", "def get_payment", "def got_payment"),
        {},
        "say_payment",
    ),
    (rules.states_the_terms_of_its_payments, whole, {"payments": None}, "no terms"),
    (rules.states_the_terms_of_its_payments, whole, {"payments": PaymentTerms(lives_s=9)}, "ask_after_s"),
    (
        rules.states_the_terms_of_its_payments,
        whole,
        {"payments": replace(TERMS, refund_ask_after_s=())},
        "refund_ask_after_s",
    ),
    (rules.states_the_terms_of_its_payments, whole, {"payments": replace(TERMS, refunds="none")}, "refunds"),
    (
        rules.states_the_terms_of_its_payments,
        whole,
        {"payments": replace(TERMS, ask_after_s=(9, 1))},
        "ask_after_s is not in order",
    ),
    (rules.states_the_terms_of_its_payments, drop("mappings/momo/query.py"), {}, "query.read"),
    (rules.states_the_terms_of_its_payments, whole, {"capabilities": frozenset()}, "terms without payments"),
    (
        rules.proves_what_it_says_is_done,
        change("connectors/momo/client.py", "def ask_refund", "def asked_refund"),
        {},
        "outcome_class_proved: refund: ASK without ask_refund",
    ),
    (
        rules.proves_what_it_says_is_done,
        change("connectors/momo/client.py", "reads=True", "verify=" + "False"),
        {},
        "tls_pinned_or_public_ca: connectors/momo/client.py: a check is turned off",
    ),
    (
        rules.proves_what_it_says_is_done,
        change_all("sandbox/momo", ".record(", ".put("),
        {},
        "outcome_class_proved: its stand-in counts no effects (state.record)",
    ),
    (
        rules.proves_what_it_says_is_done,
        whole,
        {"limits": Limits(timeout_s=3600)},
        "time_outs_stated: timeout_s over 300",
    ),
    (
        rules.proves_what_it_says_is_done,
        whole,
        {"settings": (setting("api_secret"),)},
        "secrets_never_logged: setting api_secret looks like a secret and is not one",
    ),
    (
        rules.proves_what_it_says_is_done,
        whole,
        {"callbacks": (Callback(name="ipn"),) * 2},
        "duplicates_recognised: ipn is declared twice",
    ),
    (
        rules.proves_what_it_says_is_done,
        whole,
        {"operations": (ONE_MORE,)},
        "result_codes_complete: no table for send_reversal",
    ),
    (rules.has_the_same_name_in_every_room, drop("mappings/momo"), {}, "mappings/momo/__init__.py"),
    (rules.has_the_same_name_in_every_room, drop("schemas/momo/SOURCE.md"), {}, "schemas/momo/SOURCE.md"),
    (rules.has_the_same_name_in_every_room, drop("sandbox/momo"), {}, "sandbox/momo/server.py"),
    (rules.has_the_same_name_in_every_room, drop("tests/connectors/momo"), {}, "tests/connectors/momo"),
    (rules.has_the_same_name_in_every_room, drop("tests/mappings/momo/test_x.py"), {}, "tests/mappings/momo"),
    (rules.is_named_as_its_folder, whole, {"party": "mômô"}, "mômô"),
    (rules.is_named_as_its_folder, change("connectors/momo/manifest.py", 'party="momo"', 'party="m"'), {}, "momo"),
    (rules.has_one_connection_type, change("sandbox/momo/server.py", "truc_momo", "momo"), {}, "sandbox: truc_momo"),
    (rules.has_one_connection_type, whole, {"party": "nobody"}, "Airflow: truc_nobody"),
    (rules.is_documented, change("connectors/momo/README.md", "## Messages", "## What it says"), {}, "headings"),
    (rules.is_documented, drop("connectors/momo/README.md"), {}, "headings"),
    (rules.is_documented, whole, {"settings": (setting("unheard_of"),)}, "unheard_of"),
    (rules.answers_for_every_kept_rule, whole, {"rules": MOMO.rules[1:]}, f"0 times: {MOMO.rules[0].name}"),
    (rules.answers_for_every_kept_rule, whole, {"rules": (*MOMO.rules, rule("is_nice"))}, "unknown: is_nice"),
    (
        rules.answers_for_every_kept_rule,
        whole,
        {"rules": (*MOMO.rules[:-1], rule("read_back_possible", "exempt"))},
        "no reason: read_back_possible",
    ),
    (
        rules.answers_for_every_kept_rule,
        whole,
        {"rules": (*MOMO.rules[:-1], rule("read_back_possible", "perhaps"))},
        "state: read_back_possible",
    ),
    (rules.can_do_what_it_declares, whole, {"operations": (ONE_MORE,)}, "send_reversal"),
    (rules.can_do_what_it_declares, whole, {"operations": (ONE_MORE,)}, "ask_reversal"),
    (rules.can_do_what_it_declares, whole, {"operations": (ONE_MORE,)}, "reversal.write"),
    (rules.can_do_what_it_declares, whole, {"feeds": (Feed(name="fees"),)}, "fetch_fees"),
    (rules.can_do_what_it_declares, whole, {"feeds": (Feed(name="fees"),)}, "fees.read"),
    (rules.can_do_what_it_declares, whole, {"callbacks": (Callback(name="refunded"),)}, "refunded.read"),
    (rules.can_do_what_it_declares, whole, {"callbacks": (Callback(name="ipn", does="asks"),)}, "ipn.write"),
    (rules.can_do_what_it_declares, drop("connectors/momo/inbound.py"), {}, "inbound.receive"),
    (
        rules.can_do_what_it_declares,
        change("connectors/momo/client.py", "def get_payment", "def get_bill"),
        {},
        "bill.read",
    ),
    (rules.can_do_what_it_declares, change("connectors/momo/client.py", "def close", "def end"), {}, "close"),
    (rules.can_do_what_it_declares, change("connectors/momo/client.py", "def probe", "def look"), {}, "probe"),
    (rules.declares_all_it_can_do, whole, {"feeds": ()}, "fetch_statement"),
    (rules.declares_all_it_can_do, whole, {"operations": ()}, "send_payment"),
    (rules.takes_the_batches_it_declares, whole, {"operations": (IN_BATCHES,)}, "no send_payment_batch"),
    (rules.takes_the_batches_it_declares, whole, {"operations": (BLIND_BATCHES,)}, "payment: a batch of NEITHER"),
    (rules.is_run_by_its_pipelines, whole, {"pipelines": MOMO.pipelines[1:]}, "0 pipelines: payment"),
    (
        rules.is_run_by_its_pipelines,
        whole,
        {"pipelines": (*MOMO.pipelines, pipeline("deliver", "payment"))},
        "2 pipelines: payment",
    ),
    (rules.is_run_by_its_pipelines, whole, {"pipelines": (pipeline("fetch", "statement"),)}, "x: statement"),
    (rules.keeps_its_secrets_apart, whole, {"settings": (setting("api_secret"),)}, "api_secret"),
    (rules.keeps_its_secrets_apart, whole, {"settings": (setting("host"), setting("host"))}, "twice: host"),
    (rules.states_its_time_outs, whole, {"limits": Limits(timeout_s=0)}, "timeout_s"),
    (rules.states_its_time_outs, whole, {"limits": Limits(timeout_s=3600)}, "timeout_s"),
    (
        rules.has_readable_schemas,
        change(
            "schemas/momo/ipn.json",
            "{",
            "",
        ),
        {},
        "ipn.json",
    ),
    (rules.has_readable_schemas, change("schemas/momo/ipn.json", "2020-12", "2019-09"), {}, "dialect: ipn.json"),
]


@pytest.fixture
def tree(tmp_path, repository):
    """A copy of one party's rooms, and of the tests that prove its rules, to be spoilt."""
    for room in ("connectors", "mappings", "schemas", "sandbox"):
        shutil.copytree(repository / room / "momo", tmp_path / room / "momo")
    shutil.copytree(repository / "tests/suites", tmp_path / "tests/suites")
    (tmp_path / "tests/connectors").mkdir()
    shutil.copy(repository / HIDDEN, tmp_path / HIDDEN)
    for room in ("tests/connectors/momo", "tests/mappings/momo"):
        (tmp_path / room).mkdir(parents=True)
        (tmp_path / room / "test_x.py").write_text('"""A test."""\n', encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("party", PARTIES)
def test_every_party(party, rule, repository):
    assert rule(repository, parties.manifest(party)) == [], rule.__doc__


@pytest.mark.parametrize(("rule", "spoil", "changes", "said"), BROKEN, ids=lambda part: getattr(part, "__name__", None))
def test_the_check_fires(rule, spoil, changes, said, tree):
    assert rule(tree, MOMO) == []
    spoil(tree)
    assert said in rule(tree, replace(MOMO, **changes))


def test_every_rule_about_parties_is_seen_to_fire():
    assert {rule for rule, _, _, _ in BROKEN} == set(RULES)


def test_no_room_has_a_party_that_has_no_connector(repository):
    assert rules.strangers_in_rooms(repository, set(PARTIES)) == []


def test_a_folder_without_a_connector_is_noticed(repository):
    assert "mappings/momo" in rules.strangers_in_rooms(repository, set(PARTIES) - {"momo"})


def test_the_five_parties_of_the_first_issue_are_here():
    assert set(PARTIES) >= {"national_portal", "vnpost", "momo", "vietinbank", "sms"}


def test_no_two_parties_claim_one_dag_and_every_event_has_somebody_who_hears_it():
    dag_ids = [pipeline.dag_id for one in parties.manifests() for pipeline in one.pipelines]
    assert len(dag_ids) == len(set(dag_ids))
    heard = {operation.event for one in parties.manifests() for operation in one.operations}
    assert heard == set(Event)


def test_the_document_of_all_parties_is_current(repository):
    written = (repository / party_matrix.DOCUMENT).read_text(encoding="utf-8")
    assert written == party_matrix.markdown(parties.manifests()), "run: truc party list --markdown"


def test_a_capability_has_a_suite_and_a_suite_its_capability(repository):
    suites = {path.stem.removeprefix("test_") for path in (repository / "tests" / "suites").glob("test_*.py")}
    assert suites == {str(one) for one in Capability}


def test_every_manifest_is_light_and_does_nothing(repository):
    """A manifest is read by every parse of a DAG: data only."""
    for party in PARTIES:
        names = rules.defined(Path(repository) / "connectors" / party / "manifest.py")
        assert names == set(), party
