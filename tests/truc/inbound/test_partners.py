"""What every party's callback may rely on: its answer fits our order, its time is judged, its address and pace held."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import requests

from tests.truc.inbound.conftest import dossier, opened_gateway, payment
from truc import parties
from truc.envelope import Envelope
from truc.errors import MalformedError
from truc.exchange import bodies
from truc.inbound.callbacks import About, HttpAnswer, Received, Refused, Standing
from truc.inbound.guard import Pace
from truc.manifest import Callback
from truc.store.tables.exchange import INBOX, INBOX_NAMES, SET_ASIDE
from truc.store.tables.money import PAYMENTS

ANSWERS = {one: HttpAnswer(200, f'{{"RspCode":"{one}"}}'.encode()) for one in Standing}
TOO_LATE = HttpAnswer(200, b'{"RspCode":"refused"}')


def receive(incoming, _connection):
    """A party that tells everything in its address, as VNPAY does, or in JSON."""
    if "forged" in incoming.query:
        raise Refused("bad_signature", HttpAnswer(200, b'{"RspCode":"97"}'))
    if incoming.body == b"torn":
        raise MalformedError("amount: is missing", reason="field_missing")
    said = json.loads(incoming.body)
    at = datetime.fromisoformat(said["at"]) if "at" in said else None
    about = About(said["order"], said["amount"]) if "order" in said else None
    envelope = Envelope("momo", "ipn", said["name"], incoming.body)
    return Received(envelope, HttpAnswer(200, b'{"RspCode":"00"}'), about, ANSWERS, at)


@pytest.fixture
def told(gateway, monkeypatch):
    """Call the gateway as a party that has an answer for each standing and a window of a quarter of an hour."""
    declared = replace(parties.manifest("momo"), callbacks=(Callback(name="ipn", age_max_s=900),))
    monkeypatch.setattr(parties, "manifest", lambda _party: declared)
    inbound = SimpleNamespace(receive=receive, refusal=lambda _reason: TOO_LATE)
    monkeypatch.setattr(parties, "inbound", lambda _party: inbound)

    def call(name, **said):
        answer = requests.post(f"{gateway.url}/partners/momo/ipn", json={"name": name} | said, timeout=30)
        return answer.json()["RspCode"]

    return call


def ordered(gateway):
    code = gateway.post("/internal/v1/dossiers", dossier()).json()["code"]
    return gateway.post("/internal/v1/payments", payment(code)).json()["code"]


def end(gateway, state, party="momo"):
    with gateway.store.begin() as transaction:
        transaction.sql.execute(PAYMENTS.update().values(state=state, party=party))


def test_the_answer_fits_our_order_and_every_call_is_kept(gateway, told):
    reference = ordered(gateway)
    assert told("A", order=reference, amount=250_000) == "open"
    assert told("B", order=reference, amount=250_001) == "amount_differs"
    assert told("C", order="P1", amount=250_000) == "unknown"
    assert told("D", order=reference, amount=None) == "open"
    assert told("E") == "00"
    end(gateway, "failed")
    assert told("F", order=reference, amount=250_000) == "settled"
    assert told("G", order=reference, amount=1) == "amount_differs"
    assert [row.external_id for row in gateway.rows(INBOX)] == list("ABCDEFG")
    assert {row.state for row in gateway.rows(INBOX)} == {"kept"}


def test_an_order_of_another_party_is_unknown(gateway, told):
    reference = ordered(gateway)
    end(gateway, "pending", party="vietinbank")
    assert told("A", order=reference, amount=250_000) == "unknown"


def test_an_old_or_early_call_is_kept_aside_and_answered_as_refused(gateway, told):
    now = datetime.now(UTC)
    assert told("in time", at=(now - timedelta(minutes=14)).isoformat()) == "00"
    assert told("a little ahead", at=(now + timedelta(minutes=4)).isoformat()) == "00"
    assert told("old", at=(now - timedelta(minutes=16)).isoformat()) == "refused"
    assert told("early", at=(now + timedelta(minutes=6)).isoformat()) == "refused"
    assert [row.state for row in gateway.rows(INBOX)] == ["kept", "kept", "set_aside", "set_aside"]
    assert [row.reason for row in gateway.rows(SET_ASIDE)] == ["too_old", "too_early"]


def test_what_was_refused_for_its_age_hears_the_same_again_and_an_early_call_is_new_in_time(gateway, told, monkeypatch):
    reference = ordered(gateway)
    old, early = (datetime.now(UTC) + timedelta(minutes=ahead) for ahead in (-16, 6))
    for _ in range(2):
        assert told("old", order=reference, amount=250_000, at=old.isoformat()) == "refused"
    assert told("early", order=reference, amount=250_000, at=early.isoformat()) == "refused"
    monkeypatch.setattr("truc.inbound.window.AHEAD", timedelta(minutes=7))  # as if a minute and more had gone
    assert told("early", order=reference, amount=250_000, at=early.isoformat()) == "open"
    assert [(row.kind, row.state) for row in gateway.rows(INBOX)] == [
        ("ipn", "set_aside"), ("ipn_refused", "set_aside"), ("ipn", "kept"),
    ]  # fmt: skip


def test_one_signed_call_written_in_many_ways_is_taken_only_so_often(gateway, told):
    reference = ordered(gateway)
    url = f"{gateway.url}/partners/momo/ipn"
    said = [{"name": "A", "order": reference, "amount": 250_000, "pad": number} for number in range(40)]
    answers = [requests.post(url, json=one, timeout=30).status_code for one in said]
    assert answers == [200] * 30 + [429] * 10
    assert len(gateway.rows(INBOX)) == 30
    assert told("other", order="another", amount=1) == "unknown"


@pytest.mark.parametrize(("doubt", "standing"), [("unanswered", "open"), ("amount_differs", "settled")])
def test_of_an_order_whose_money_is_doubted_nobody_is_told_that_it_waits(gateway, told, doubt, standing):
    reference = ordered(gateway)
    with gateway.store.begin() as transaction:
        change = PAYMENTS.update().values(state="in_doubt", doubt=doubt, next_step="person", owner="finance")
        transaction.sql.execute(change)
    assert told("A", order=reference, amount=250_000) == standing


def test_a_replay_of_a_call_that_came_in_time_neither_books_nor_sets_it_aside(gateway, told, monkeypatch):
    at = (datetime.now(UTC) - timedelta(minutes=14, seconds=58)).isoformat()
    assert told("A", at=at) == "00"
    shorter = replace(parties.manifest("momo"), callbacks=(Callback(name="ipn", age_max_s=60),))
    monkeypatch.setattr(parties, "manifest", lambda _party: shorter)
    assert told("A", at=at) == "00"
    assert [row.state for row in gateway.rows(INBOX)] == ["kept"]
    assert [row.seen for row in gateway.rows(INBOX_NAMES)] == [2]


def test_a_refused_get_keeps_what_its_address_said(gateway, told):
    answer = requests.get(f"{gateway.url}/partners/momo/ipn?forged=1&vnp_Amount=5", timeout=30)
    assert answer.json() == {"RspCode": "97"}
    [row] = gateway.rows(INBOX)
    assert (row.kind, row.state) == ("ipn_refused", "set_aside")
    with gateway.store.begin() as transaction:
        assert bodies.read(transaction, row.body_id) == b"forged=1&vnp_Amount=5"


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(
    ("said", "status", "reason"), [(b"torn", 400, "field_missing"), (b"no JSON", 500, "connector_failed")]
)
def test_what_the_connector_stumbles_over_is_kept_and_never_booked(gateway, caplog, said, status, reason):
    assert requests.post(f"{gateway.url}/partners/momo/ipn", data=said, timeout=30).status_code == status
    [row], [aside] = gateway.rows(INBOX), gateway.rows(SET_ASIDE)
    assert (row.kind, row.state, aside.reason) == ("ipn_refused", "set_aside", reason)
    with gateway.store.begin() as transaction:
        assert bodies.read(transaction, row.body_id) == said
    assert said.decode() not in caplog.text


def test_a_stranger_fills_the_store_only_so_far(gateway, told, monkeypatch):
    small = replace(parties.manifest("momo"), callbacks=(Callback(name="ipn", bytes_max=1000),))
    monkeypatch.setattr(parties, "manifest", {"momo": small}.__getitem__)
    for number in range(110):
        assert requests.get(f"{gateway.url}/partners/momo/ipn?forged={number}", timeout=30).status_code == 200
    assert 100 <= len(gateway.rows(INBOX)) < 110
    assert gateway.app.state.turned_away.times()["momo", "bad_signature"] == 110 - len(gateway.rows(INBOX))
    answer = requests.get(f"{gateway.url}/partners/momo/ipn?{'x' * 1001}", timeout=30)
    assert answer.status_code == 413


def test_the_answer_to_a_reference_the_store_cannot_hold_is_a_refusal(gateway, told):
    answer = requests.post(
        f"{gateway.url}/partners/momo/ipn",
        data=json.dumps({"name": "A", "order": "\ud800", "amount": 1}),
        timeout=30,
    )
    assert answer.status_code == 400


def test_a_call_from_an_address_that_is_not_allowed_is_refused_and_not_kept(gateway, told, tmp_path, monkeypatch):
    allow(gateway, tmp_path, monkeypatch, "203.0.113.0/24, 198.51.100.7")
    assert told("A") == "refused"  # the party's own answer
    assert gateway.rows(INBOX) == []
    assert gateway.app.state.turned_away.times()["momo", "address_not_allowed"] == 1


def test_a_call_from_an_allowed_address_is_taken(gateway, told, tmp_path, monkeypatch):
    allow(gateway, tmp_path, monkeypatch, "203.0.113.0/24, 127.0.0.1")
    assert told("A") == "00"


def test_an_allow_list_that_cannot_be_read_lets_nobody_in(gateway, told, tmp_path, monkeypatch, caplog):
    allow(gateway, tmp_path, monkeypatch, "momo.vn")
    answer = requests.post(f"{gateway.url}/partners/momo/ipn", json={"name": "A"}, timeout=30)
    assert answer.status_code == 503
    assert "callback_addresses" in caplog.text


def allow(gateway, tmp_path, monkeypatch, text):
    told = gateway.momo.connection
    known = tmp_path / "allowing.json"
    known.write_text(json.dumps({"momo": told | {"extra": dict(told.get("extra", {})) | {"callback_addresses": text}}}))
    monkeypatch.setenv("TRUC_CONNECTIONS_FILE", str(known))


def test_the_address_behind_a_trusted_proxy_is_the_callers_and_a_forged_hop_is_not(
    server, store, tmp_path, monkeypatch
):
    monkeypatch.setenv("TRUC_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8")
    url = store.engine.url.render_as_string(hide_password=False)
    with opened_gateway(server, url, tmp_path) as gateway:
        allow(gateway, tmp_path, monkeypatch, "203.0.113.7")
        statuses = []
        for hops in ("203.0.113.7", "203.0.113.7, 192.0.2.1", "192.0.2.1, 203.0.113.7, 10.1.2.3", ""):
            headers = {"X-Forwarded-For": hops} if hops else {}
            path = f"{gateway.url}/partners/momo/ipn"
            statuses.append(requests.post(path, data=hops.encode(), headers=headers, timeout=30).status_code)
        assert statuses == [400, 400, 400, 400]  # what MoMo hears is the same; what is kept is not
        with gateway.store.begin() as transaction:
            kept = [bodies.read(transaction, row.body_id).decode() for row in gateway.rows(INBOX)]
    assert kept == ["203.0.113.7", "192.0.2.1, 203.0.113.7, 10.1.2.3"]


def test_beyond_its_pace_an_address_is_answered_429_and_nothing_is_kept(server, store, tmp_path):
    url = store.engine.url.render_as_string(hide_password=False)
    with opened_gateway(server, url, tmp_path, pace=Pace(per_s=0.01, burst=3)) as gateway:
        found = [requests.post(f"{gateway.url}/partners/momo/ipn", data=b"x", timeout=30) for _ in range(5)]
        assert [one.status_code for one in found] == [400] * 3 + [429] * 2
        assert 1 <= int(found[-1].headers["retry-after"]) <= 100
        assert gateway.app.state.turned_away.times()["momo", "too_many_calls"] == 2
        [row] = gateway.rows(INBOX_NAMES)
        assert row.seen == 3
