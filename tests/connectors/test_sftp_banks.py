"""The statement of a bank behind SFTP comes whole from the one right server, or not at all."""

import re

import pytest

from tests.connectors.sftp_bank import started
from truc import parties
from truc.connections import from_airflow_json
from truc.domain.vietqr import VietQr, build, parse
from truc.errors import MalformedError, SetupError, TransientError
from truc.manifest import Limits

DAY = "2025-06-03"
BANKS = ["vietcombank", "vietinbank"]


@pytest.fixture(params=BANKS)
def bank(request, tmp_path):
    yield from started(request.param, tmp_path / request.param)


def fetch(client, day=DAY):
    (page,) = client.fetch_statement(day)
    return page


def read(bank, body):
    return list(parties.reader(bank.party, "statement")(body))


def test_the_statement_of_a_day_arrives_with_its_name_and_can_be_read(bank):
    bank.deposit()
    page = fetch(bank.client())
    assert (page.envelope.party, page.envelope.kind) == (bank.party, "statement")
    assert (page.envelope.external_id, page.cursor) == (bank.file_name("20250603"), DAY)
    (told,) = read(bank, page.envelope.body)
    assert [line.our_reference for line in told.lines] == ["TT-1", "TT-2"]
    assert told.amount_declared_vnd == 231_500


def test_a_key_opens_the_door_without_a_password(bank):
    bank.deposit()
    key = (bank.home / "client_key").read_text()
    assert fetch(bank.client(private_key=key, password=""))


def test_a_statement_not_there_yet_is_asked_for_later(bank):
    bank.deposit()
    with pytest.raises(TransientError) as caught:
        fetch(bank.client(), "2025-06-04")
    assert caught.value.reason == "not_delivered_yet"


def test_a_statement_without_its_end_mark_is_not_read(bank):
    bank.deposit()
    client = bank.client(end_mark=".ok")
    with pytest.raises(TransientError) as caught:
        fetch(client)
    assert caught.value.reason == "not_delivered_yet"
    (bank.home / "files" / "out" / f"{bank.file_name('20250603')}.ok").touch()
    assert fetch(client)


def test_a_file_delivered_twice_is_the_same_envelope(bank):
    bank.deposit()
    first = fetch(bank.client()).envelope
    bank.deposit(twice=True)
    again = fetch(bank.client()).envelope
    assert (again.external_id, again.digest) == (first.external_id, first.digest)
    assert bank.effects("deposit")[0]["times"] == 3


def test_a_changed_host_key_stops_us_and_names_both_fingerprints(bank):
    bank.deposit()
    client = bank.client()
    right = bank.running.connection["extra"]["host_key"]
    shown = bank.post("change_host_key")["fingerprint"]
    with pytest.raises(SetupError, match=r"expected SHA256:.* got SHA256:") as caught:
        fetch(client)
    assert caught.value.reason == "host_key_changed"
    assert shown in str(caught.value)
    assert right.split()[1] not in str(caught.value)
    assert bank.effects("read") == []


def test_the_password_is_not_shown_to_a_server_with_another_key(bank):
    bank.post("change_host_key")
    with pytest.raises(SetupError) as caught:
        fetch(bank.client(password="wrong on purpose"))
    assert caught.value.reason == "host_key_changed"


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"login": "nobody"}])
def test_a_refused_login_needs_a_person(bank, wrong):
    with pytest.raises(SetupError) as caught:
        fetch(bank.client(**wrong))
    assert caught.value.reason == "unauthorised"
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize(
    ("operation", "mode", "reason"),
    [
        ("connect", "refuse", "no_answer"),
        ("connect", "silent_before", "no_answer"),
        ("read", "unavailable", "no_answer"),
        ("read", "silent_after", "no_answer"),
        ("read", "drop_after", "no_answer"),
        ("read", "truncated", "still_growing"),
    ],
)
def test_a_fault_on_the_way_is_transient_and_the_next_try_succeeds(bank, operation, mode, reason):
    bank.deposit()
    bank.fault(operation, mode, wait_s=2.0)
    client = bank.client(Limits(timeout_s=0.6, connect_timeout_s=1))
    with pytest.raises(TransientError) as caught:
        fetch(client)
    assert caught.value.reason == reason
    assert fetch(bank.client())


def test_garbage_is_kept_as_bytes_and_refused_by_the_reading(bank):
    bank.deposit()
    bank.fault("read", "garbage")
    body = fetch(bank.client()).envelope.body
    with pytest.raises(MalformedError):
        read(bank, body)


def test_a_file_over_the_limit_is_not_brought_over(bank):
    bank.deposit()
    with pytest.raises(MalformedError) as caught:
        fetch(bank.client(Limits(timeout_s=5, body_bytes_max=20)))
    assert caught.value.reason == "body_too_large"
    assert bank.effects("read") == []


def test_a_server_that_is_not_there_is_transient(bank):
    client = bank.client()
    bank.running.close()
    with pytest.raises(TransientError) as caught:
        fetch(client)
    assert caught.value.reason == "not_reached"


@pytest.mark.parametrize(
    "settings",
    [
        {"file_name": "statement.txt"},
        {"file_name": "../{day}.txt"},
        {"file_name": "{day}{0}"},
        {"port": "ssh"},
        {"password": ""},
        {"host_key": ""},
    ],
)
def test_settings_that_cannot_be_are_refused_at_once(bank, settings):
    with pytest.raises(SetupError):
        bank.client(**settings)


@pytest.mark.parametrize("day", ["", "03/06/2025", "20250631"])
def test_a_day_that_is_none_is_refused(bank, day):
    with pytest.raises(SetupError):
        fetch(bank.client(), day)


def test_a_directory_that_is_not_there_needs_a_person(bank):
    with pytest.raises(SetupError) as caught:
        fetch(bank.client(directory="/elsewhere"))
    assert caught.value.reason == "directory_missing"


def test_printing_the_client_shows_no_secret(bank):
    key = (bank.home / "client_key").read_text()
    client = bank.client(private_key=key)
    assert bank.running.connection["password"] not in repr(client)
    assert "PRIVATE KEY" not in repr(client)


def test_a_wrong_total_and_a_cut_file_arrive_and_are_refused_by_the_reading(bank):
    for order, reason in (({"wrong_total": True}, "control_total_differs"), ({"truncate": True}, "truncated")):
        bank.deposit(**order)
        body = fetch(bank.client()).envelope.body
        with pytest.raises(MalformedError) as caught:
            read(bank, body)
        assert caught.value.reason == reason


@pytest.mark.parametrize("party", BANKS)
def test_without_settings_the_missing_one_is_named(party):
    with pytest.raises(SetupError, match="host"):
        parties.open_client(from_airflow_json(party, {}))


@pytest.mark.parametrize(("name", "wrong"), [("bank_bin", "97041"), ("account", "a" * 20)])
def test_what_a_qr_needs_is_a_setting_of_its_form_that_may_be_left_out(bank, name, wrong):
    (setting,) = [one for one in parties.manifest(bank.party).settings if one.name == name]
    assert not setting.required
    given = from_airflow_json(bank.party, bank.running.connection).required(name)
    assert re.fullmatch(setting.pattern, given)
    assert not re.fullmatch(setting.pattern, wrong)


def test_what_the_stand_in_hands_out_makes_a_qr_to_its_account(bank):
    connection = from_airflow_json(bank.party, bank.running.connection)
    asked = VietQr(
        bank_bin=connection.required("bank_bin"), number=connection.required("account"), amount_vnd=50_000, purpose="P1"
    )
    assert parse(build(asked)).qr == asked
