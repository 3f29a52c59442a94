"""The internal API over its socket: singly and in batches, good and bad, once and again."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.truc.inbound.conftest import dossier, payment, refund, status
from truc import steps
from truc.domain import vietqr
from truc.inbound import known
from truc.store.tables.dossiers import DOSSIER_HISTORY, DOSSIERS
from truc.store.tables.exchange import OUTBOX
from truc.store.tables.money import LEDGER_ENTRIES, PAYMENTS, RECEIPTS

ROUTES = ("dossiers", "dossiers/batch", "statuses", "statuses/batch", "payments", "payments/batch")


def booked(gateway, **other):
    """Hand over one dossier and return its code."""
    answer = gateway.post("/internal/v1/dossiers", dossier(**other))
    assert answer.status_code == 200, answer.text
    return answer.json()["code"]


def test_a_dossier_is_booked_and_answered_with_its_code(gateway):
    answer = gateway.post("/internal/v1/dossiers", dossier()).json()
    assert answer["outcome"] == "booked"
    [row] = gateway.rows(DOSSIERS)
    assert (row.code, row.source, row.source_reference, row.status) == (answer["code"], "one-stop", "R-1", 2)
    assert {row.party for row in gateway.rows(OUTBOX)} == {"national_portal"}


def test_a_repeated_call_answers_as_the_first_did_and_books_nothing(gateway):
    first = gateway.post("/internal/v1/dossiers", dossier()).json()
    again = gateway.post("/internal/v1/dossiers", dossier()).json()
    assert again == first | {"outcome": "known"}
    assert len(gateway.rows(DOSSIERS)) == 1
    assert len(gateway.rows(OUTBOX)) == 1


def test_a_dossier_taken_in_by_post_is_booked(gateway, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SMS", '{"host": "https://partner.invalid"}')
    assert booked(gateway, channel="post", wants_postal_return=True, wants_sms=True)
    assert {row.party for row in gateway.rows(OUTBOX)} == {"national_portal", "vnpost", "sms"}


BAD_DOSSIERS = [
    ({"procedure_code": "9.999999"}, "unknown_procedure", "procedure_code"),
    ({"agency_code": "H32.99"}, "unknown_agency", "agency_code"),
    ({"procedure_code": "2.000200", "channel": "post"}, "channel_not_offered", "channel"),
    ({"wants_postal_return": True, "applicant": {"name": "A"}}, "postal_address_missing", "applicant"),
    ({"channel": "online"}, "malformed", "channel"),
    ({"received_at": "2026-03-03T08:30:00"}, "malformed", "received_at"),
    ({"received_at": "9999-12-31T23:59:59-12:00"}, "malformed", "received_at"),
    ({"received_at": "0001-01-01T00:00:00+07:00"}, "malformed", "received_at"),
    ({"applicant": {"name": ""}}, "malformed", "applicant.name"),
    ({"applicant": {"name": "A", "province_code": "5\x006"}}, "malformed", "province_code"),
    ({"reference": "R\x00"}, "malformed", "reference"),
    ({"reference": " "}, "malformed", "reference"),
    ({"recieved_at": "2026-03-03T08:30:00+07:00"}, "malformed", "recieved_at"),
]


def test_a_dossier_that_cannot_be_booked_is_answered_with_reason_and_field(gateway):
    for wrong, reason, field in BAD_DOSSIERS:
        answer = gateway.post("/internal/v1/dossiers", dossier(**wrong))
        assert answer.status_code == 422, wrong
        detail = answer.json()["detail"]
        assert detail["reason"] == reason, wrong
        assert field in detail["error"], wrong
    assert gateway.rows(DOSSIERS) == []


def test_what_was_sent_is_never_repeated_in_an_answer(gateway):
    wrong = dossier(applicant={"name": "Trần Thị Bí Mật", "phone": 5}, channel="056190000999")
    answer = gateway.post("/internal/v1/dossiers", wrong)
    assert answer.status_code == 422
    assert "Bí Mật" not in answer.text
    assert "056190000999" not in answer.text


def test_bad_items_of_a_batch_are_answered_where_they_stand_and_the_rest_is_booked(gateway):
    batch = [
        dossier("R-1"),
        dossier("R-2", procedure_code="9.999999"),
        dossier("R-3", channel="telepathy"),
        "not an object",
        {key: value for key, value in dossier("R-4").items() if key != "received_at"},
        dossier("R-5"),
        dossier("R-1"),
    ]
    answer = gateway.post("/internal/v1/dossiers/batch", batch)
    assert answer.status_code == 200
    got = answer.json()
    assert [one["outcome"] for one in got] == [
        "booked",
        "rejected",
        "rejected",
        "rejected",
        "rejected",
        "booked",
        "known",
    ]
    assert [one["reason"] for one in got[1:5]] == ["unknown_procedure", "malformed", "malformed", "malformed"]
    assert "channel" in got[2]["error"]
    assert "received_at" in got[4]["error"]
    assert sorted(row.source_reference for row in gateway.rows(DOSSIERS)) == ["R-1", "R-5"]


def test_a_batch_that_is_too_long_is_refused_whole(gateway):
    answer = gateway.post("/internal/v1/dossiers/batch", [dossier(f"R-{number}") for number in range(501)])
    assert answer.status_code == 422
    assert gateway.rows(DOSSIERS) == []


def test_a_batch_that_is_no_list_is_refused(gateway):
    assert gateway.post("/internal/v1/dossiers/batch", dossier()).status_code == 422


def test_an_empty_batch_is_an_empty_answer(gateway):
    assert gateway.post("/internal/v1/statuses/batch", []).json() == []


def test_a_status_moves_the_dossier_and_tells_the_portal(gateway):
    code = booked(gateway)
    assert gateway.post("/internal/v1/statuses", status(code, 4)).json()["outcome"] == "booked"
    [row] = gateway.rows(DOSSIERS)
    assert row.status == 4
    assert [row.operation for row in gateway.rows(OUTBOX)] == ["dossier", "progress"]


def test_a_repeated_status_is_known_and_a_late_one_never_moves_the_dossier_back(gateway):
    code = booked(gateway)
    batch = [status(code, 4, 10), status(code, 4, 10), status(code, 4, 12), status(code, 5, 9), status(code, 9, 11)]
    got = gateway.post("/internal/v1/statuses/batch", batch).json()
    assert [one["outcome"] for one in got] == ["booked", "known", "known", "late", "booked"]
    [row] = gateway.rows(DOSSIERS)
    assert row.status == 9
    assert [one.to_status for one in gateway.rows(DOSSIER_HISTORY)] == [2, 4, 9]


def test_a_dossier_can_be_named_by_the_callers_own_reference(gateway):
    code = booked(gateway)
    named = status("", 4, reference="R-1")
    assert gateway.post("/internal/v1/statuses", named).json() == {
        "outcome": "booked",
        "code": code,
        "reason": "",
        "error": "",
    }


BAD_STATUSES = [
    ({"status": 11}, "unknown_status"),
    ({"status": 99}, "unknown_status"),
    ({"status": 100}, "malformed"),
    ({"status": 10}, "move_not_allowed"),
    ({"dossier_code": "H32.06-260303-9999"}, "unknown_dossier"),
    ({"dossier_code": "", "portal_code": "nobody"}, "unknown_dossier"),
    ({"dossier_code": "", "reference": "nobody"}, "unknown_dossier"),
    ({"dossier_code": ""}, "malformed"),
    ({"reference": "R-1"}, "malformed"),
    ({"officer_name": ""}, "malformed"),
]


def test_a_status_that_cannot_be_booked_is_answered_with_its_reason_singly_and_in_a_batch(gateway):
    code = booked(gateway)
    reasons = [reason for _, reason in BAD_STATUSES]
    bad = [status(code, 4) | wrong for wrong, _ in BAD_STATUSES]
    answers = [gateway.post("/internal/v1/statuses", one) for one in bad]
    assert [(one.status_code, one.json()["detail"]["reason"]) for one in answers] == [(422, one) for one in reasons]
    got = gateway.post("/internal/v1/statuses/batch", [*bad, status(code, 4)]).json()
    assert [one["reason"] for one in got] == [*reasons, ""]
    assert [one["outcome"] for one in got] == ["rejected"] * len(bad) + ["booked"]


def test_a_reference_of_another_client_names_nothing(gateway, server):
    from truc.inbound.clients import ensure_client

    booked(gateway)
    other = ensure_client(server.secrets, "another-system")
    answer = gateway.post("/internal/v1/statuses", status("", 4, reference="R-1"), key=other)
    assert answer.json()["detail"]["reason"] == "unknown_dossier"


def test_a_payment_is_asked_for_once(gateway):
    code = booked(gateway)
    first = gateway.post("/internal/v1/payments", payment(code)).json()
    again = gateway.post("/internal/v1/payments", payment(code)).json()
    assert (first["outcome"], again) == ("booked", first | {"outcome": "known"})
    [row] = gateway.rows(PAYMENTS)
    assert (row.our_reference, row.state, row.amount_vnd) == (first["code"], "created", 250_000)
    assert [row.operation for row in gateway.rows(OUTBOX) if row.party == "momo"] == ["payment"]


def test_simultaneous_calls_with_one_reference_book_one_payment(gateway):
    code = booked(gateway)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: gateway.post("/internal/v1/payments", payment(code)), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(answer.json()["outcome"] for answer in answers) == ["booked"] + ["known"] * 7
    assert len(gateway.rows(PAYMENTS)) == 1


def test_simultaneous_calls_with_one_reference_book_one_dossier(gateway):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: gateway.post("/internal/v1/dossiers", dossier()), range(8)))
    assert sorted(answer.json()["outcome"] for answer in answers) == ["booked"] + ["known"] * 7
    assert len(gateway.rows(DOSSIERS)) == 1


def test_a_payment_the_counter_saw_paid_is_in_the_ledger_with_its_receipt(gateway):
    code = booked(gateway)
    paid = {"partner_reference": "FT26062001", "occurred_at": "2026-03-03T10:05:00+07:00"}
    seen = payment(code, party="vietinbank", paid=paid)
    outcomes = [gateway.post("/internal/v1/payments", seen).json()["outcome"] for _ in range(2)]
    assert outcomes == ["booked", "known"]
    [row] = gateway.rows(PAYMENTS)
    assert (row.state, row.partner_reference) == ("paid", "FT26062001")
    assert len(gateway.rows(LEDGER_ENTRIES)) == 1
    assert len(gateway.rows(RECEIPTS)) == 1


BAD_PAYMENTS = [
    ({"party": "sms"}, "unknown_party"),
    ({"party": "nobody"}, "unknown_party"),
    ({"dossier_code": "H32.06-260303-9999"}, "unknown_dossier"),
    ({"amount_vnd": 0}, "malformed"),
    ({"amount_vnd": 250_000.0}, "malformed"),
    ({"amount_vnd": "250000"}, "malformed"),
    ({"amount_vnd": -1}, "malformed"),
    ({"amount_vnd": 10**16}, "malformed"),
    ({"paid": {"partner_reference": "", "occurred_at": "2026-03-03T10:05:00+07:00"}}, "malformed"),
]


def test_a_payment_that_cannot_be_booked_is_answered_with_its_reason_singly_and_in_a_batch(gateway):
    code = booked(gateway)
    reasons = [reason for _, reason in BAD_PAYMENTS]
    bad = [payment(code) | wrong for wrong, _ in BAD_PAYMENTS]
    answers = [gateway.post("/internal/v1/payments", one) for one in bad]
    assert [(one.status_code, one.json()["detail"]["reason"]) for one in answers] == [(422, one) for one in reasons]
    got = gateway.post("/internal/v1/payments/batch", [*bad, payment(code, "P-2")]).json()
    assert [one["reason"] for one in got] == [*reasons, ""]
    assert len(gateway.rows(PAYMENTS)) == 1


WRONG_KEYS = (None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic {key}", "{key}", "Bearer {key}x", "Bearer clé")


@pytest.mark.parametrize("path", ROUTES)
def test_without_the_right_key_every_route_answers_401(closed_gateway, path):
    value = [] if path.endswith("batch") else dossier()
    for header in WRONG_KEYS:
        headers = {"Content-Type": "application/json"}
        if header is not None:
            headers["Authorization"] = header.format(key=closed_gateway.key).encode()
        url = f"{closed_gateway.url}/internal/v1/{path}"
        answer = requests.post(url, data=json.dumps(value), headers=headers, timeout=30)
        assert answer.status_code == 401, header
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_never_appears_in_a_log_or_an_answer(gateway, caplog):
    wrong_key = "a-key-that-somebody-mistyped"
    answers = [
        gateway.post("/internal/v1/dossiers", dossier()),
        gateway.post("/internal/v1/dossiers", dossier(channel="x")),
        gateway.post("/internal/v1/dossiers", dossier(), key=wrong_key),
        gateway.post("/internal/v1/dossiers", data=b"{"),
    ]
    assert [answer.status_code for answer in answers] == [200, 422, 401, 422]
    written = caplog.text + "".join(answer.text for answer in answers)
    assert "POST" in caplog.text  # the calls are logged, so the next lines can fail
    assert gateway.key not in written
    assert wrong_key not in written


def test_a_key_is_kept_as_a_digest_in_a_file_of_its_own_right(gateway, server):
    known = server.secrets / "clients.json"
    assert gateway.key not in known.read_text()
    assert known.stat().st_mode & 0o777 == 0o600


def test_openapi_lists_the_routes_behind_a_key_and_hides_the_others(gateway):
    document = requests.get(f"{gateway.url}/openapi.json", timeout=30).json()
    reading = ("dossiers/{dossier_code}", "payments/{our_reference}", "payments/{our_reference}/refund")
    of_parcels = ("dossiers/{dossier_code}/shipments", "shipments/{order_number}/cancel")
    of_notices = ("notices", "dossiers/{dossier_code}/wish", "dossiers/{dossier_code}/notices")
    others = (*of_parcels, *of_notices, "payments/{our_reference}/bill")
    assert set(document["paths"]) == {f"/internal/v1/{path}" for path in (*ROUTES, *reading, *others)}
    [scheme] = document["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert all(call["security"] for path in document["paths"].values() for call in path.values())
    items = document["paths"]["/internal/v1/dossiers/batch"]["post"]["requestBody"]["content"]["application/json"]
    assert items["schema"]["items"] == {"$ref": "#/components/schemas/DossierIn"}


def test_health_answers_while_the_store_does(gateway):
    assert requests.get(f"{gateway.url}/health", timeout=30).json() == {"status": "ok"}


def reading(gateway, path):
    headers = {"Authorization": f"Bearer {gateway.key}"}
    return requests.get(f"{gateway.url}/internal/v1/{path}", headers=headers, timeout=30)


def test_where_a_dossier_stands_is_told_without_the_person(gateway):
    code = booked(gateway)
    answer = reading(gateway, f"dossiers/{code}")
    told = answer.json()
    assert (told["dossier_code"], told["status"], told["status_name"]) == (code, 2, "Được tiếp nhận")
    assert dossier()["applicant"]["name"] not in answer.text
    assert reading(gateway, "dossiers/H32-000000-0000").status_code == 404


def test_where_a_payment_stands_names_its_receipt_once_it_is_paid(gateway):
    code = booked(gateway)
    at = "2026-11-20T09:00:00+07:00"
    asked = {"reference": "R-1", "dossier_code": code, "party": "vietinbank", "amount_vnd": 50_000, "requested_at": at}
    ours = gateway.post("/internal/v1/payments", asked).json()["code"]
    pending = reading(gateway, f"payments/{ours}").json()
    assert pending["state"] in ("created", "pending")
    assert (pending["receipt"], pending["amount_vnd"]) == ("", 50_000)
    gateway.post("/internal/v1/payments", {**asked, "paid": {"partner_reference": "B-1", "occurred_at": at}})
    paid = reading(gateway, f"payments/{ours}").json()
    assert paid["state"] == "paid"
    assert paid["receipt"].endswith("/2026/1")
    assert reading(gateway, "payments/P00000000000000").status_code == 404


@pytest.mark.parametrize("path", ["dossiers/X", "payments/X"])
def test_reading_needs_the_key_too(closed_gateway, path):
    assert requests.get(f"{closed_gateway.url}/internal/v1/{path}", timeout=30).status_code == 401


@pytest.mark.parametrize(
    ("kind", "number"), [("person", "12345"), ("person", "111111111111"), ("organisation", "0100233480")]
)
def test_an_identifier_that_is_none_is_refused_at_the_wall_and_not_repeated(gateway, kind, number):
    applicant = {**dossier()["applicant"], "kind": kind, "personal_id": number}
    answer = gateway.post("/internal/v1/dossiers", dossier(applicant=applicant))
    assert answer.status_code == 422
    assert answer.json()["detail"]["reason"] == "malformed"
    assert number not in answer.text


@pytest.mark.parametrize("wrong", [{"amount_vnd": 0}, {"because": " "}, {"requested_by": ""}, {"much": 1}])
def test_a_refund_that_is_not_of_its_form_is_refused(gateway, wrong):
    answer = gateway.post("/internal/v1/payments/P1/refund", refund(**wrong))
    assert (answer.status_code, answer.json()["detail"]["reason"]) == (422, "malformed")


def test_what_was_not_paid_does_not_go_back(gateway):
    ours = gateway.post("/internal/v1/payments", payment(booked(gateway))).json()["code"]
    answers = [gateway.post(f"/internal/v1/payments/{name}/refund", refund()) for name in (ours, "P00000000000000")]
    assert [one.status_code for one in answers] == [422, 422]
    assert answers[1].json()["detail"]["reason"] == "unknown_order"
    assert [row.operation for row in gateway.rows(OUTBOX) if row.operation == "refund"] == []


def test_a_paid_payments_money_goes_back_by_its_route_once(gateway):
    ours = gateway.post("/internal/v1/payments", payment(booked(gateway))).json()["code"]
    steps.deliver(gateway.store, gateway.wallet, ("payment",))
    gateway.told("pay", {"orders": [{"reference": ours}]})
    steps.book_kept(gateway.store, "momo", ("ipn",))
    route = f"/internal/v1/payments/{ours}/refund"
    first, again = (gateway.post(route, refund()).json() for _ in range(2))
    assert (first["outcome"], again) == ("booked", first | {"outcome": "known"})
    assert reading(gateway, f"payments/{ours}").json()["state"] == "refunding"
    assert steps.deliver(gateway.store, gateway.wallet, ("refund",))["sent"] == 1
    steps.book_kept(gateway.store, "momo", ("refund",))
    told = reading(gateway, f"payments/{ours}").json()
    assert (told["state"], told["refunded_vnd"]) == ("paid", 50_000)  # 200,000 of 250,000 are still ours
    rest = gateway.post(route, refund("F-2", amount_vnd=250_000))
    assert (rest.status_code, rest.json()["detail"]["reason"]) == (422, "refund_too_large")


def connected(tmp_path, monkeypatch, **settings):
    """Connect the bank with these settings, and nobody else."""
    known = tmp_path / "bank.json"
    known.write_text(json.dumps({"vietinbank": {"conn_type": "truc_vietinbank", "extra": settings}}))
    monkeypatch.setenv("TRUC_CONNECTIONS_FILE", str(known))


def waiting_for_a_transfer(gateway):
    asked = payment(booked(gateway), party="vietinbank")
    return gateway.post("/internal/v1/payments", asked).json()["code"]


def test_a_payment_that_waits_for_a_transfer_is_told_with_its_qr(gateway, tmp_path, monkeypatch):
    connected(tmp_path, monkeypatch, bank_bin="970415", account="113366668888")
    ours = waiting_for_a_transfer(gateway)
    qr = vietqr.parse(reading(gateway, f"payments/{ours}").json()["vietqr"]).qr
    assert (qr.bank_bin, qr.number, qr.amount_vnd, qr.purpose) == ("970415", "113366668888", 250_000, ours)


def test_without_an_account_there_is_no_qr_and_a_wrong_one_is_logged(gateway, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("TRUC_CONNECTIONS_FILE", str(tmp_path / "none.json"))
    ours = waiting_for_a_transfer(gateway)
    assert reading(gateway, f"payments/{ours}").json()["vietqr"] == ""
    assert "no VietQR" not in caplog.text
    connected(tmp_path, monkeypatch, bank_bin="12", account="113366668888")
    monkeypatch.setattr(known, "LOOKS_EVERY_S", 0.0)
    assert reading(gateway, f"payments/{ours}").json()["vietqr"] == ""
    assert "vietinbank: no VietQR: " in caplog.text
