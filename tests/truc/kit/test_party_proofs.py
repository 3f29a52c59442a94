"""Each «done» of a party stops being proved when what proves it is taken away."""

import shutil

import pytest

from truc import parties
from truc.kit import party_check
from truc.kit.party_proofs import HIDDEN, PROOFS

CLIENT = "connectors/{}/client.py"
CALL_BACK, REFUND, STATEMENT = (f"tests/suites/test_{name}.py" for name in ("call_back", "refund", "fetch_statement"))


def change(path, old, new):
    """Write something else into a file of the tree."""

    def spoil(root, party):
        file = root / path.format(party)
        text = file.read_text(encoding="utf-8")
        assert old in text, path
        file.write_text(text.replace(old, new), encoding="utf-8")

    return spoil


def add(path, text):
    """Write more at the end of a file."""

    def spoil(root, party):
        with (root / path.format(party)).open("a", encoding="utf-8") as file:
            file.write(text)

    return spoil


def drop(path):
    """Take a file away."""
    return lambda root, party: (root / path.format(party)).unlink()


# (party, rule, what is done to the tree, what the check says of it)
PLANTED = [
    ("momo", "tls_pinned_or_public_ca", change(CLIENT, ", tls=tls.context(connection)", ""), "Rest without tls="),
    ("sms", "tls_pinned_or_public_ca", change(CLIENT, ", tls=tls.context(connection)", ""), "Soap without tls="),
    ("momo", "tls_pinned_or_public_ca", add(CLIENT, "\nMODE = ssl.CERT_" + "NONE\n"), "a check is turned off"),
    ("momo", "time_outs_stated", add(CLIENT, "\nimport requests\n"), "requests is called past"),
    ("momo", "time_outs_stated", add(CLIENT, "\nfrom urllib import request\n"), "urllib.request is called past"),
    ("vietinbank", "time_outs_stated", add(CLIENT, "\nfrom paramiko import Transport\n"), "paramiko is called past"),
    (
        "momo",
        "outcome_class_proved",
        change(REFUND, "def test_it_happens_once", "def it_happens_once"),
        "no test_it_hap",
    ),
    ("momo", "outcome_class_proved", drop(REFUND), "no tests/suites/test_refund.py"),
    ("momo", "outcome_class_proved", change(CLIENT, "def ask_refund", "def asked"), "ASK without ask_refund"),
    ("momo", "result_codes_complete", drop("schemas/{}/result_codes.json"), "no published list"),
    ("vnpay", "result_codes_complete", drop("schemas/{}/result_codes_payment.json"), "PAYMENT: no published list"),
    ("momo", "result_codes_complete", change("schemas/{}/result_codes.json", '"9000"', '"9001"'), "9001 is published"),
    ("momo", "result_codes_complete", change("schemas/{}/result_codes.json", '"9000"', '"0"'), "9000 is not published"),
    ("sms", "result_codes_complete", change("schemas/{}/result_codes.json", "NOT_NUMBER", "NUMBER"), "has no row"),
    ("momo", "result_codes_complete", change(REFUND, "def test_each_code", "def each_code"), "no test_each_code"),
    ("momo", "duplicates_recognised", change(CALL_BACK, "def test_a_call_that_comes_twice", "def x"), "comes_twice"),
    (
        "zalo",
        "duplicates_recognised",
        change(CALL_BACK, "(Capability.CALL_BACK)", "(Capability.REFUND)"),
        "declares ca",
    ),
    (
        "vietinbank",
        "duplicates_recognised",
        change(STATEMENT, "def test_it_comes_whole", "def it_comes"),
        "no test_it_co",
    ),
    (
        "vietcombank",
        "duplicates_recognised",
        change(STATEMENT, "(Capability.FETCH_STATEMENT)", "(NOBODY)"),
        "declares f",
    ),
    ("momo", "duplicates_recognised", change(STATEMENT, "@EVERY_PARTY", "@pytest.mark.skip"), "does not run for every"),
    (
        "momo",
        "secrets_never_logged",
        change(CLIENT, "secret_key: str = field(repr=False)", "secret_key: str"),
        "printed",
    ),
    ("nganluong", "secrets_never_logged", change(CLIENT, " = field(repr=False)  # the MD5", "  # the MD5"), "printed"),
    ("sms", "secrets_never_logged", change(CLIENT, "password: str = field(repr=False)", "password: str"), "printed"),
    ("momo", "secrets_never_logged", change(CLIENT, 'f"{PARTY}: no such order"', 'f"{self.secret_key}"'), "is raised"),
    ("momo", "secrets_never_logged", add(CLIENT, "\ntext = f'{client.access_key}'\n"), "is raised or kept"),
    ("momo", "secrets_never_logged", add(CLIENT, "\nlog.info('%s', 1)\n"), "logs nothing itself"),
    ("momo", "secrets_never_logged", add(CLIENT, "\nprint(1)\n"), "logs nothing itself"),
    (
        "momo",
        "secrets_never_logged",
        change(HIDDEN, "def test_no_failure_and", "def no_failure_and"),
        "no test_no_failure",
    ),
    ("momo", "secrets_never_logged", drop(HIDDEN), "no tests/connectors"),
    ("sms", "schema_checked", drop("schemas/{}/SOURCE.md"), "no SOURCE.md"),
    ("sms", "schema_checked", change("schemas/{}/SOURCE.md", "bulksms.wsdl", "a WSDL"), "not name bulksms.wsdl"),
    ("vietinbank", "schema_checked", drop("mappings/{}/statement.py"), "no mapping of statement"),
    ("momo", "read_back_possible", change(CLIENT, "def ask_refund", "def asked"), "refund: no verb"),
    ("national_payment", "read_back_possible", change(CLIENT, "def get_payment", "def got"), "payment: no verb"),
    ("vnpost", "read_back_possible", change(CLIENT, "def ask_order", "def asked_order"), "order: no verb"),
]


@pytest.fixture
def tree(tmp_path, repository):
    """A copy of a party's rooms and of the tests that prove its rules."""

    def copy(party):
        for room in ("connectors", "mappings", "schemas", "sandbox"):
            shutil.copytree(repository / room / party, tmp_path / room / party)
        shutil.copytree(repository / "tests/suites", tmp_path / "tests/suites")
        (tmp_path / HIDDEN).parent.mkdir(parents=True)
        shutil.copy(repository / HIDDEN, tmp_path / HIDDEN)
        return tmp_path

    return copy


def stands(root, party, rule):
    (found,) = [one for one in party_check.check(root, parties.manifest(party)) if one.rule == rule]
    return found


@pytest.mark.parametrize(("party", "rule", "spoil", "said"), PLANTED)
def test_a_done_without_its_proof_is_broken(tree, party, rule, spoil, said):
    root = tree(party)
    assert stands(root, party, rule).state == "done"
    spoil(root, party)
    found = stands(root, party, rule)
    assert found.state == "broken"
    assert [text for text in found.problems if said in text], found.problems


def test_each_rule_is_seen_to_break():
    assert {rule for _, rule, _, _ in PLANTED} == set(PROOFS)


def test_a_mapping_that_takes_garbage_is_found(tree, monkeypatch):
    from mappings.vietinbank import statement

    monkeypatch.setattr(statement, "read", lambda _body: iter(["a message"]))
    assert "statement reads garbage" in stands(tree("vietinbank"), "vietinbank", "schema_checked").problems


def test_an_installation_without_tests_is_looked_at_without_them(tree):
    root = tree("momo")
    shutil.rmtree(root / "tests")
    assert stands(root, "momo", "duplicates_recognised").state == "done"
