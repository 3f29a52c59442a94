"""Keys of the internal API: what each opens, how they are made, shown and taken away."""

import json
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from tests.truc.inbound.conftest import cancel, dossier, payment, refund, status
from truc import settings
from truc.errors import MalformedError, SetupError
from truc.inbound import clients
from truc.inbound.clients import ALL, Client, Scope
from truc.inbound.commands import client as command

WRITES = {
    "dossiers": (Scope.WRITE_DOSSIERS, dossier()),
    "dossiers/batch": (Scope.WRITE_DOSSIERS, [dossier()]),
    "statuses": (Scope.WRITE_STATUSES, status("X", 4)),
    "statuses/batch": (Scope.WRITE_STATUSES, [status("X", 4)]),
    "payments": (Scope.WRITE_PAYMENTS, payment("X")),
    "payments/batch": (Scope.WRITE_PAYMENTS, [payment("X")]),
    "payments/{our_reference}/refund": (Scope.WRITE_REFUNDS, refund()),
    "shipments/{order_number}/cancel": (Scope.WRITE_DOSSIERS, cancel()),
    "notices": (Scope.WRITE_STATUSES, {"reference": "1", "kind": "late_apology", "dossier_code": "X"}),
    "dossiers/{dossier_code}/wish": (Scope.WRITE_DOSSIERS, {"channel": "sms"}),
}


# What is read, and whose key may.
READS = {
    "dossiers/{dossier_code}": Scope.READ,
    "dossiers/{dossier_code}/shipments": Scope.READ,
    "dossiers/{dossier_code}/notices": Scope.READ,
    "payments/{our_reference}": Scope.READ,
    "payments/{our_reference}/bill": Scope.WRITE_PAYMENTS,  # it names who paid
}


def asked(gateway, path, key):
    headers = {"Authorization": f"Bearer {key}"}
    if path in WRITES:
        return requests.post(f"{gateway.url}/internal/v1/{path}", json=WRITES[path][1], headers=headers, timeout=30)
    return requests.get(f"{gateway.url}/internal/v1/{path}", headers=headers, timeout=30)


@pytest.mark.parametrize("path", [*WRITES, *READS])
def test_a_key_opens_what_its_scope_says_and_nothing_else(module_gateway, server, path):
    needed = WRITES[path][0] if path in WRITES else READS[path]
    right = clients.ensure_client(server.secrets, "right", {needed})
    wrong = clients.ensure_client(server.secrets, "wrong", ALL - {needed})
    assert asked(module_gateway, path, right).status_code in (200, 404, 422)
    refused = asked(module_gateway, path, wrong)
    assert refused.status_code == 403
    assert refused.json()["detail"]["reason"] == "scope_missing"
    assert needed in refused.json()["detail"]["error"]


def test_openapi_tells_the_scope_of_each_route_and_the_form_of_each_refusal(module_gateway):
    document = requests.get(f"{module_gateway.url}/openapi.json", timeout=30).json()
    calls = {path: call for path, each in document["paths"].items() for call in each.values()}
    told = {path.removeprefix("/internal/v1/"): call["security"] for path, call in calls.items()}
    scopes = READS | {path: scope for path, (scope, _) in WRITES.items()}
    assert told == {path: [{"HTTPBearer": [scope]}] for path, scope in scopes.items()}
    for call in calls.values():
        for code in ("401", "403", "422", "503"):
            schema = call["responses"][code]["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}


def test_a_new_key_opens_all_and_its_scopes_change_without_another_key(tmp_path):
    key = clients.ensure_client(tmp_path, "one-stop")
    assert clients.client_of(tmp_path, key) == Client("one-stop", ALL)
    assert clients.ensure_client(tmp_path, "one-stop", {Scope.READ}) == key
    assert clients.ensure_client(tmp_path, "one-stop") == key
    assert clients.client_of(tmp_path, key) == Client("one-stop", frozenset({Scope.READ}))


def test_a_file_of_before_there_were_scopes_is_read_and_its_keys_open_all(tmp_path):
    key = clients.ensure_client(tmp_path, "old")
    known = json.loads((tmp_path / "clients.json").read_text())
    (tmp_path / "clients.json").write_text(json.dumps({"old": known["old"]["digest"]}))
    assert clients.client_of(tmp_path, key) == Client("old", ALL)


def test_a_key_whose_scopes_are_listed_opens_those_and_no_refunds_that_came_later(tmp_path):
    key = clients.ensure_client(tmp_path, "old")
    known = json.loads((tmp_path / "clients.json").read_text())
    before = ["dossiers:write", "payments:write", "read", "statuses:write"]
    (tmp_path / "clients.json").write_text(json.dumps({"old": known["old"] | {"scopes": before}}))
    assert clients.client_of(tmp_path, key) == Client("old", ALL - {Scope.WRITE_REFUNDS})


def test_the_file_is_read_only_after_it_changed(tmp_path, monkeypatch):
    key, read_text, read = clients.ensure_client(tmp_path, "one-stop"), Path.read_text, []
    monkeypatch.setattr(Path, "read_text", lambda path, **how: read.append(path) or read_text(path, **how))
    assert [clients.client_of(tmp_path, one) is None for one in (key, "x", key)] == [False, True, False]
    assert read == [tmp_path / "clients.json"]
    clients.ensure_client(tmp_path, "one-stop", {Scope.READ})
    assert clients.client_of(tmp_path, key) == Client("one-stop", frozenset({Scope.READ}))
    (tmp_path / "clients.json").unlink()
    assert clients.client_of(tmp_path, key) is None


def test_a_revoked_key_is_nobodys_and_a_new_one_is_another(tmp_path):
    key = clients.ensure_client(tmp_path, "one-stop")
    clients.revoke(tmp_path, "one-stop")
    assert clients.client_of(tmp_path, key) is None
    assert clients.ensure_client(tmp_path, "one-stop") != key
    with pytest.raises(SetupError, match="client list"):
        clients.revoke(tmp_path, "another")


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", "a" * 41, "a b", "a\n"])
def test_a_name_that_no_file_should_have_is_refused(tmp_path, name):
    with pytest.raises(MalformedError):
        clients.ensure_client(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_the_commands_make_show_and_take_away_and_never_print_a_key(tmp_path, monkeypatch):
    monkeypatch.setenv("TRUC_HOME", str(tmp_path))
    monkeypatch.delenv("TRUC_VAR", raising=False)
    folder = settings.load().secrets
    folder.mkdir(parents=True)

    def run(*words):
        done = CliRunner().invoke(command, words)
        assert done.exit_code == 0, done.output
        return done.output

    assert "no client yet" in run("list")
    shown = run("add", "kiosk", "--scope", "read", "--scope", "payments:write") + run("add", "one-stop") + run("list")
    assert "opens: payments:write, read\n" in shown
    assert "one-stop                 everything" in shown
    assert (folder / "client_kiosk.key").read_text() not in shown
    run("revoke", "kiosk")
    assert "kiosk" not in run("list")
