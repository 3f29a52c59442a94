"""What came in and could not be booked is read again from its kept bytes; what was booked stays as it was."""

from typing import Any

import pytest

from tests.truc.samples import online
from tests.truc.samples import page as made_page
from truc.envelope import Envelope
from truc.exchange import inbox
from truc.operating import replay
from truc.services import booking
from truc.steps import book_kept

KIND = "online_dossiers"


@pytest.fixture
def operator(office: Any, terminal: Any) -> Any:
    """The operator of the office of this test."""
    return terminal(office.store)


def test_a_failed_item_is_booked_from_the_kept_bytes_when_its_cause_is_mended(office: Any, operator: Any) -> None:
    number = _came(office, online("G22.99-1"), online("G22.99-2", MaTTHC="9.000002"), online("G22.99-3"))
    assert _open(office) == [("G22.99-2", "unknown_procedure")]
    before = office.sql("SELECT * FROM dossiers ORDER BY code")
    _teach(office, "9.000002")
    told = operator.orders("replay", number)
    assert "→ booked" in told
    assert _open(office) == []
    after = office.sql("SELECT * FROM dossiers ORDER BY code")
    assert after[: len(before)] == before
    assert sorted(row.portal_code for row in after) == ["G22.99-1", "G22.99-2", "G22.99-3"]
    assert len(office.sql("SELECT FROM outbox")) == 3
    row = office.sql("SELECT state, items_booked, items_set_aside FROM inbox")[0]
    assert tuple(row) == ("booked", 3, 0)
    assert [row.resolved_how for row in office.sql("SELECT resolved_how FROM set_aside")] == ["replayed"]
    assert "replayed before under the name" in operator.orders("replay", number)


def test_what_fails_again_is_open_again(office: Any, operator: Any) -> None:
    number = _came(office, online("G22.99-1", MaTTHC="9.000002"), online("G22.99-2", MaTTHC="9.000003"))
    _teach(office, "9.000002")
    operator.orders("replay", "--party", "national_portal", "--having", "unknown_procedure")
    assert _open(office) == [("G22.99-2", "unknown_procedure")]
    assert office.sql("SELECT state FROM inbox")[0].state == "booked"
    _teach(office, "9.000003")
    operator.orders("replay", number, "--as", "second")
    assert _open(office) == []
    assert len(office.sql("SELECT FROM dossiers")) == 2


def test_a_payment_that_was_booked_is_not_booked_twice(office: Any, operator: Any, monkeypatch: Any) -> None:
    reference, other = office.order_payment(), "P260304999"
    items = [_paid(reference), _paid(other)]
    monkeypatch.setattr(inbox.parties, "reader", lambda _party, _kind: lambda _body: iter(items))
    with office.store.begin() as transaction:
        inbox.keep(transaction, Envelope("momo", "ipn", "1", b"{}"))
    book_kept(office.store, "momo", ("ipn",))
    assert _open(office) == [(other, "unknown_order")]
    books = office.sql("SELECT * FROM ledger_lines ORDER BY 1, 2") + office.sql("SELECT * FROM receipts")
    number = office.sql("SELECT id FROM inbox WHERE kind = 'ipn'")[0].id
    operator.orders("replay", number)
    assert _open(office) == [(other, "unknown_order")]
    assert office.sql("SELECT * FROM ledger_lines ORDER BY 1, 2") + office.sql("SELECT * FROM receipts") == books


def test_what_nothing_reads_what_is_only_an_incident_and_what_went_well_are_left(office: Any, operator: Any) -> None:
    good = _came(office, online("G22.99-1"), name="good")
    with office.store.begin() as transaction:
        envelope = Envelope("momo", "ipn_refused", "x", b"forged")
        forged = inbox.keep(transaction, envelope)
        inbox.set_aside_whole(transaction, forged, envelope, "signature_wrong", "the signature does not fit")
    twice = _came(office, online("G22.99-5"), name="good")
    told = operator.orders("replay", good, forged.inbox_id, twice)
    assert told.count("no item of it failed") == 2
    assert "nothing reads ipn_refused" in told
    assert "nothing to do" in told
    assert [reason for _, reason in _open(office)] == ["signature_wrong", "same_id_other_bytes"]


def test_a_dry_run_over_incoming_messages_changes_nothing(office: Any, operator: Any) -> None:
    number = _came(office, online("G22.99-1", MaTTHC="9.000002"))
    _teach(office, "9.000002")
    before = operator.tables()
    assert "→ booked" in operator.orders("replay", number, "--dry-run")
    assert operator.tables() == before


def test_a_replay_that_dies_before_it_booked_is_finished_by_the_next_run_or_by_itself(
    office: Any, operator: Any, monkeypatch: Any
) -> None:
    for way in ("next run", "same replay"):
        code = "9.000002" if way == "next run" else "9.000003"
        number = _came(office, online(f"G22.99-{code}", MaTTHC=code), name=way)
        _teach(office, code)
        with monkeypatch.context() as dying:
            dying.setattr("truc.services.booking.book", _dies)
            with pytest.raises(ZeroDivisionError):
                operator.types("replay", number, "--reason", "x")
        assert [row.state for row in office.sql("SELECT state FROM inbox WHERE id = :id", id=number)] == ["kept"]
        if way == "next run":
            book_kept(office.store, "national_portal", (KIND,))
        else:
            assert "→ booked" in operator.orders("replay", number)
        assert [row.state for row in office.sql("SELECT state FROM inbox WHERE id = :id", id=number)] == ["booked"]
        assert _open(office) == []
    assert len(office.sql("SELECT FROM dossiers")) == 2


def test_what_a_replay_brought_back_and_did_not_book_is_finished(office: Any, operator: Any, monkeypatch: Any) -> None:
    number = _came(office, online("G22.99-1", MaTTHC="9.000002"))
    _teach(office, "9.000002")
    with monkeypatch.context() as dying:
        dying.setattr("truc.services.booking.book", _dies)
        with pytest.raises(ZeroDivisionError):
            operator.types("replay", number, "--reason", "x")
    with office.store.begin() as transaction:  # this one is for the run that fetched it
        fresh = inbox.keep(transaction, Envelope("national_portal", KIND, "next:", made_page(online("G22.99-2"))))
    assert replay.finish(office.store, booking.booker(office.store)) == 1
    states = office.sql("SELECT id, state FROM inbox ORDER BY id")
    assert [tuple(row) for row in states] == [(number, "booked"), (fresh.inbox_id, "kept")]
    assert _open(office) == []
    assert [row.portal_code for row in office.sql("SELECT portal_code FROM dossiers")] == ["G22.99-1"]
    assert replay.finish(office.store, booking.booker(office.store)) == 0


def test_the_list_counts_what_was_booked_and_what_was_not_each_time(office: Any, operator: Any) -> None:
    _came(office, online("G22.99-1"), name="good")
    number = _came(office, online("G22.99-2", MaTTHC="9.000002"))
    came = ("in", "national_portal", KIND)
    assert {(*came, "booked", "1"), (*came, "unbooked", "1"), (*came, "items_open", "1")} <= _listed(operator)
    _teach(office, "9.000002")
    operator.orders("replay", number)
    shown = {line for line in _listed(operator) if line[0] == "in"}
    assert shown == {(*came, "booked", "2"), (*came, "unbooked", "1")}


def test_corrected_bytes_are_a_new_message_that_names_the_old_one(office: Any, operator: Any, tmp_path: Any) -> None:
    number = _came(office, online("G22.99-1"), online("G22.99-2", NgayNopHoSo="yesterday"))
    [old] = office.sql("SELECT * FROM inbox")
    file = tmp_path / "page.json"
    file.write_bytes(made_page(online("G22.99-1"), online("G22.99-2")))
    before = len(office.sql("SELECT FROM audit_log"))
    assert "2 items would be booked, 0 of them" in operator.orders("correct", number, "--file", file, "--dry-run")
    assert len(office.sql("SELECT FROM audit_log")) == before
    assert "2 items booked, 0 set aside" in operator.orders("correct", number, "--file", file)
    new = office.sql("SELECT * FROM inbox WHERE id <> :id", id=number)[0]
    assert (new.corrects, new.external_id, new.state) == (number, f"{old.external_id}~2", "booked")
    assert office.sql("SELECT * FROM inbox WHERE id = :id", id=number) == [old]
    assert _open(office) == []
    assert len(office.sql("SELECT FROM dossiers")) == 2
    assert "has no open item" in operator.fails("correct", number, "--file", file)
    assert f"{new.id} in" in operator.types("show", number).output


def test_bytes_that_are_no_correction_are_refused(office: Any, operator: Any, tmp_path: Any) -> None:
    page = made_page(online("G22.99-1", NgayNopHoSo="yesterday"))
    number = _came(office, body=page)
    before = operator.tables()
    file = tmp_path / "page.json"
    for body, why in ((page, "those that were kept"), (b"{", "not JSON")):
        file.write_bytes(body)
        told = operator.fails("correct", number, "--file", file)
        assert why in told
        assert "Nguyễn" not in told
    assert operator.tables() == before


def test_items_are_given_up(office: Any, operator: Any) -> None:
    number = _came(office, online("G22.99-1", MaTTHC="9.000002"), online("G22.99-2", MaTTHC="9.000003"))
    operator.orders("drop", number)
    assert _open(office) == []
    assert {row.resolved_how for row in office.sql("SELECT resolved_how FROM set_aside")} == {"dropped"}
    assert "has no open item" in operator.fails("drop", number)


def _listed(operator: Any) -> set[tuple[str, ...]]:
    return {tuple(line.split()) for line in operator.types("list").output.splitlines()}


def _dies(*_: object) -> None:
    raise ZeroDivisionError


def _came(office: Any, *items: object, name: str = "after:", body: bytes = b"") -> int:
    """Keep a page of the portal, book what can be booked, and return its number."""
    with office.store.begin() as transaction:
        kept = inbox.keep(transaction, Envelope("national_portal", KIND, name, body or made_page(*items)))
    book_kept(office.store, "national_portal", (KIND,))
    return kept.inbox_id


def _teach(office: Any, code: str) -> None:
    """Bring a procedure into the catalogue."""
    from truc.store import catalogue

    with office.store.begin() as transaction:
        catalogue.keep_procedure(transaction, office.procedure(code=code), source="shipped")


def _open(office: Any) -> list[tuple[str, str]]:
    return [tuple(row) for row in office.sql("SELECT item, reason FROM set_aside WHERE state = 'open' ORDER BY id")]


def _paid(reference: str) -> Any:
    from tests.truc.conftest import MORNING
    from truc.messages import PaymentResult

    return PaymentResult(
        our_reference=reference, partner_reference="T1", amount_vnd=50_000, state="paid", occurred_at=MORNING
    )
