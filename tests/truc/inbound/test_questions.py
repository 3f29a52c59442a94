"""The portal looks a payment up and hears what our order is about: the order that waits, and no other."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import requests

from sandbox.national_payment import server as platform
from tests.truc.inbound.conftest import dossier, payment
from truc import parties, steps
from truc.exchange import bodies, outbox
from truc.store.tables.exchange import INBOX, OUTBOX, SET_ASIDE
from truc.store.tables.money import PAYMENTS

AT = datetime(2026, 3, 3, 10, 0, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))


@pytest.fixture
def looked_up(gateway, tmp_path, monkeypatch):
    """Look a code up as the portal does, at a gateway that knows the platform."""
    running = platform.start(0, tmp_path / "platform", gateway.url)
    known = tmp_path / "with_platform.json"

    def know(**extra):
        told = running.connection | {"extra": running.connection["extra"] | extra}
        known.write_text(json.dumps({"momo": gateway.momo.connection, "national_payment": told}))

    def look_up(code, **how):
        answer = requests.post(f"{running.control_url}/_control/lookup", json={"code": code} | how, timeout=30)
        assert (answer.status_code, answer.json()["status"]) == (200, 200)
        return answer.json()["answer"]

    know()
    monkeypatch.setenv("TRUC_CONNECTIONS_FILE", str(known))
    look_up.know = know
    yield look_up
    running.close()


@pytest.fixture
def ordered(gateway):
    """A payment of a dossier at the platform, and the code under which it is looked up."""
    code = gateway.post("/internal/v1/dossiers", dossier()).json()["code"]
    wish = payment(code, party="national_payment", requested_at=AT.isoformat())
    return gateway.post("/internal/v1/payments", wish).json()["code"], f"{code}20260303100000"


def test_an_order_that_waits_is_found_and_its_bill_is_told(gateway, looked_up, ordered):
    _, code = ordered
    said = looked_up(code)
    assert (said["error_code"], said["message"]["MaTraCuuTT"]) == ("0", code)
    assert said["message"]["MaHoSo"] == code[:-14]
    assert said["message"]["TKThuHuong"]  # of the connection, as in INIT
    assert [one["SoTien"] for one in said["message"]["DSKhoanNop"]] == ["250000"]
    assert looked_up(code) == said  # as often as it is asked
    [row] = gateway.rows(INBOX)
    assert (row.kind, row.state) == ("lookup", "kept")
    names = parties.manifest("national_payment").callback_names
    assert steps.book_kept(gateway.store, "national_payment", names)["set_aside"] == 0
    assert gateway.rows(PAYMENTS)[0].state == "created"


def test_another_second_another_dossier_and_an_end_find_nothing(gateway, looked_up, ordered):
    reference, code = ordered
    assert looked_up(f"{code[:-1]}1")["error_code"] == "1"
    assert looked_up(f"X{code}")["error_code"] == "1"
    with gateway.store.begin() as transaction:
        transaction.sql.execute(PAYMENTS.update().where(PAYMENTS.c.our_reference == reference).values(state="failed"))
    assert looked_up(code) == {"error_code": "1", "message": "Không tìm thấy khoản thanh toán"}


def test_an_order_of_another_party_is_not_told(gateway, looked_up):
    code = gateway.post("/internal/v1/dossiers", dossier()).json()["code"]
    gateway.post("/internal/v1/payments", payment(code, requested_at=AT.isoformat()))
    assert looked_up(f"{code}20260303100000")["error_code"] == "1"


def test_two_orders_under_one_code_are_not_told_apart_so_none_is_told(gateway, looked_up, ordered):
    _, code = ordered
    wish = payment(code[:-14], reference="P-2", party="national_payment", requested_at=AT.isoformat())
    assert gateway.post("/internal/v1/payments", wish).json()["outcome"] == "booked"
    assert looked_up(code)["error_code"] == "1"


def test_who_cannot_prove_itself_hears_nothing_of_the_order_and_is_kept_aside(gateway, looked_up, ordered):
    said = looked_up(ordered[1], **{"as": "forged"})
    assert said == {"error_code": "-1", "message": "Không xác minh được yêu cầu"}
    [row] = gateway.rows(INBOX)
    assert (row.kind, row.state) == ("lookup_refused", "set_aside")


def test_lookups_may_come_from_other_addresses_than_results(gateway, looked_up, ordered):
    looked_up.know(callback_addresses="203.0.113.7", lookup_addresses="127.0.0.1")
    assert looked_up(ordered[1])["error_code"] == "0"


def test_an_order_that_cannot_be_written_is_set_aside_once_and_no_other_call_suffers(gateway, looked_up, ordered):
    looked_up.know(accounts=json.dumps({"H00": {"account": "1", "bank": "B", "name": "N"}}))
    assert [looked_up(ordered[1])["error_code"] for _ in range(2)] == ["1", "1"]
    assert [(row.kind, row.reason) for row in gateway.rows(SET_ASIDE)] == [("lookup", "no_account")]


def test_what_is_told_is_what_was_asked_for(gateway, looked_up, ordered):
    [sent] = [row for row in gateway.rows(OUTBOX) if row.party == "national_payment"]
    with gateway.store.begin() as transaction:
        kept = bodies.read(transaction, sent.message_id, context=outbox.CONTEXT)
    message = outbox.read_message("national_payment", "payment", kept)
    assert looked_up(ordered[1])["message"]["NoiDungThanhToan"] == message.purpose
