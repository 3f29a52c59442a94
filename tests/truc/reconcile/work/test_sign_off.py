"""A wrong day cannot be signed, a signed one cannot be changed unseen: real rows, a real key, two connections."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.truc.conftest import rows_of, spare_the_disk
from tests.truc.reconcile.runs import (
    ADMIN,
    AUDITOR,
    BOTH,
    DAY,
    HOA,
    LAN,
    MINH,
    NEXT_DAY,
    THU,
    broken,
    item,
    keep,
    matched,
    name,
)
from truc.errors import MalformedError
from truc.reconcile.reading import days as reading
from truc.reconcile.work import breaks as work
from truc.reconcile.work import sign_off
from truc.reconcile.work.roles import Role, actor
from truc.store import reconciliation
from truc.store.opened import Store

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
REPORT = "a" * 64
SEALED = {"signer": KEY, "report_digest": REPORT}


@pytest.fixture
def store(empty_store: Store) -> Store:
    """A day of two matches and two breaks."""
    spare_the_disk(empty_store)
    breaks = [broken("b1"), broken("b2", "missing_in_core", 9)]
    keep(empty_store, "a", matches=[matched("P1"), matched("P2")], breaks=breaks)
    return empty_store


def act(store: Store, step: Callable[..., Any], *given: Any, **named: Any) -> Any:
    with store.begin() as transaction:
        return step(transaction, *given, **named)


def refused(store: Store, step: Callable[..., Any], **named: Any) -> str:
    with pytest.raises(MalformedError) as caught:
        act(store, step, "momo", DAY, **named)
    return caught.value.reason


def carry(store: Store, *shorts: str) -> None:
    act(store, work.carry_forward, [name(one) for one in shorts], by=HOA, remark="chờ ngày sau")


def prepare(store: Store, by: Any = HOA, **named: Any) -> str:
    return str(act(store, sign_off.prepare, "momo", DAY, by=by, **named))


def sign(store: Store, content_hash: str, by: Any = MINH) -> None:
    act(store, sign_off.approve, "momo", DAY, by=by, content_hash=content_hash, **SEALED)


def signed(store: Store) -> str:
    carry(store, "b1", "b2")
    content_hash = prepare(store)
    sign(store, content_hash)
    return content_hash


def standing(store: Store) -> reading.Signing:
    return act(store, reading.signing, "momo", DAY)


def verdict(store: Store, key: Ed25519PrivateKey = KEY) -> tuple[str, ...]:
    found = act(store, sign_off.verify, "momo", DAY, key=key.public_key())
    assert found.holds is (not found.broken)
    return found.broken


def behind_the_back(store: Store, statement: str) -> None:
    """Change rows as who owns the database can: no trigger of ours stands in the way."""
    with store.begin() as transaction:
        transaction.sql.execute(text("SET LOCAL session_replication_role = replica"))
        assert transaction.sql.execute(text(statement)).rowcount


def test_a_day_whose_breaks_are_dealt_with_is_prepared_signed_and_locked(store):
    assert standing(store) == reading.Signing(state="open")
    carry(store, "b1")
    act(store, work.propose, name("b2"), by=HOA, proposal="write_off", reason_code="small_difference", remark="9 đ")
    act(store, work.approve, name("b2"), by=MINH)
    content_hash = prepare(store)
    found = standing(store)
    assert (found.state, found.prepared_by, found.content_hash, found.stale) == ("prepared", "hoa", content_hash, False)
    assert not act(store, reconciliation.is_signed, "momo", DAY)
    sign(store, content_hash)
    found = standing(store)
    assert (found.state, found.approved_by, found.report_digest) == ("signed", "minh", REPORT)
    assert act(store, reconciliation.is_signed, "momo", DAY)
    assert verdict(store) == ()


@pytest.mark.parametrize(
    ("limits", "allowed"),
    [
        ({}, False),
        ({"open_limit_vnd": 50_009}, False),
        ({"open_limit_count": 2}, False),
        ({"open_limit_vnd": 50_008, "open_limit_count": 2}, False),
        ({"open_limit_vnd": 50_009, "open_limit_count": 1}, False),
        ({"open_limit_vnd": 50_009, "open_limit_count": 2}, True),
    ],
)
def test_open_breaks_above_the_limit_keep_a_day_from_being_signed(store, limits, allowed):
    if allowed:
        sign(store, prepare(store, **limits))
        assert verdict(store) == ()
    else:
        assert refused(store, sign_off.prepare, by=HOA, **limits) == "breaks_open"
        assert standing(store).state == "open"


def test_a_proposal_nobody_approved_is_an_open_break(store):
    carry(store, "b1")
    act(store, work.propose, name("b2"), by=HOA, proposal="accept", reason_code="other", remark="x")
    assert refused(store, sign_off.prepare, by=HOA) == "breaks_open"


def test_who_prepared_does_not_sign(store):
    carry(store, "b1", "b2")
    content_hash = prepare(store)
    named = {"content_hash": content_hash, **SEALED}
    assert refused(store, sign_off.approve, by=BOTH, **named) == "same_person"
    assert refused(store, sign_off.approve, by=actor("HOA", Role.APPROVER), **named) == "same_person"
    assert standing(store).state == "prepared"
    with pytest.raises(DBAPIError, match="second_person"):
        rows_of(store, "UPDATE sign_offs SET approved_by = 'hoa', approved_at = now(), key_id = 'k', seal = 's'")


@pytest.mark.parametrize("person", [AUDITOR, ADMIN, MINH, actor("guest")], ids=lambda one: one.name)
def test_without_the_clerks_role_nothing_is_prepared(store, person):
    carry(store, "b1", "b2")
    assert refused(store, sign_off.prepare, by=person) == "role_missing"


@pytest.mark.parametrize("person", [AUDITOR, ADMIN, LAN, actor("guest")], ids=lambda one: one.name)
def test_without_the_approvers_role_nothing_is_signed(store, person):
    carry(store, "b1", "b2")
    content_hash = prepare(store)
    assert refused(store, sign_off.approve, by=person, content_hash=content_hash, **SEALED) == "role_missing"
    assert standing(store).state == "prepared"


def test_what_is_not_prepared_or_not_known_is_not_signed(store):
    named = {"by": MINH, "content_hash": "0" * 64, **SEALED}
    assert refused(store, sign_off.approve, **named) == "not_prepared"
    with pytest.raises(MalformedError, match="was not reconciled"):
        act(store, sign_off.prepare, "momo", NEXT_DAY, by=HOA)
    with pytest.raises(MalformedError, match="is not signed"):
        act(store, sign_off.verify, "momo", DAY, key=KEY.public_key())


def test_a_day_is_prepared_once_and_signed_once(store):
    content_hash = signed(store)
    named = {"by": THU, "content_hash": content_hash, **SEALED}
    assert refused(store, sign_off.approve, **named) == "day_signed"
    assert refused(store, sign_off.prepare, by=LAN) == "day_signed"
    assert refused(store, sign_off.withdraw, by=HOA, remark="x") == "day_signed"
    assert standing(store).approved_by == "minh"


def test_another_hash_than_the_prepared_one_is_not_signed(store):
    carry(store, "b1", "b2")
    content_hash = prepare(store)
    wrong = content_hash[::-1]
    assert refused(store, sign_off.approve, by=MINH, content_hash=wrong, **SEALED) == "hash_differs"


@pytest.mark.parametrize("digest", ["", "B" * 64, "b" * 63])
def test_a_day_is_not_signed_without_the_digest_of_its_report(store, digest):
    carry(store, "b1", "b2")
    named = {"by": MINH, "content_hash": prepare(store), "signer": KEY, "report_digest": digest}
    assert refused(store, sign_off.approve, **named) == "digest_malformed"
    assert standing(store).state == "prepared"


def test_a_break_that_moved_since_makes_the_preparation_stale(store):
    carry(store, "b1", "b2")
    content_hash = prepare(store)
    act(store, work.comment, name("b1"), by=MINH, remark="xem rồi")  # words move nothing
    assert not standing(store).stale
    act(store, work.assign, [name("b1")], to="lan", by=HOA)
    assert standing(store).stale
    named = {"by": MINH, "content_hash": content_hash, **SEALED}
    assert refused(store, sign_off.approve, **named) == "day_changed"
    act(store, sign_off.withdraw, "momo", DAY, by=MINH, remark="Trả lại")
    sign(store, prepare(store, by=LAN))
    assert verdict(store) == ()
    rows = rows_of(store, "SELECT prepared_by, withdrawn_by, withdrawn_because FROM sign_offs ORDER BY id")
    assert [tuple(row) for row in rows] == [("hoa", "minh", "Trả lại"), ("lan", None, None)]


def test_a_new_version_since_makes_the_preparation_stale(store):
    carry(store, "b1", "b2")
    content_hash = prepare(store)
    keep(store, "b", matches=[matched("P1")], breaks=[broken("b1"), broken("b2", "missing_in_core", 9)])
    assert standing(store).stale
    named = {"by": MINH, "content_hash": content_hash, **SEALED}
    assert refused(store, sign_off.approve, **named) == "day_changed"


def test_who_only_reads_withdraws_nothing_and_says_why_nothing(store):
    carry(store, "b1", "b2")
    prepare(store)
    assert refused(store, sign_off.withdraw, by=AUDITOR, remark="x") == "role_missing"
    assert refused(store, sign_off.withdraw, by=HOA, remark=" ") == "remark_missing"
    act(store, sign_off.withdraw, "momo", DAY, by=HOA, remark="sai sót")
    assert refused(store, sign_off.withdraw, by=HOA, remark="x") == "not_prepared"


TAMPERED = {
    "the break's state": "UPDATE break_items SET reason_code = 'carried' WHERE break_id LIKE 'b2%'",
    "the break's money": "UPDATE break_items SET at_risk_vnd = 0 WHERE break_id LIKE 'b2%'",
    "an end nobody gave it": """UPDATE break_items SET state = 'resolved', proposal = 'accept', proposed_by = 'hoa',
        proposed_at = now(), approved_by = 'minh', approved_at = now(), resolved_at = now(), resolution = 'accept'
        WHERE break_id LIKE 'b2%'""",
    "the row it stands for": "UPDATE reconciliation_breaks SET difference_vnd = 0 WHERE break_id LIKE 'b2%'",
    "a match": "UPDATE reconciliation_matches SET core_vnd = core_vnd + 1 WHERE our_reference = 'P1'",
    "the account": "UPDATE reconciliation_totals SET vnd = vnd + 1 WHERE what = 'new' AND side = 'core'",
    "a break taken out": "DELETE FROM reconciliation_breaks WHERE break_id LIKE 'b2%'",
    "an event": "UPDATE break_events SET remark = 'x' WHERE number = 1",
}


@pytest.mark.parametrize("statement", TAMPERED.values(), ids=TAMPERED.keys())
def test_a_day_that_was_tampered_with_is_neither_prepared_nor_signed(store, statement):
    carry(store, "b1")
    behind_the_back(store, statement)
    assert refused(store, sign_off.prepare, by=HOA, open_limit_vnd=10**9, open_limit_count=10) == "tampered"


@pytest.mark.parametrize("statement", TAMPERED.values(), ids=TAMPERED.keys())
def test_tampering_after_the_preparation_is_found_when_it_is_signed(store, statement):
    carry(store, "b1")
    content_hash = prepare(store, open_limit_vnd=10**9, open_limit_count=10)
    behind_the_back(store, statement)
    assert refused(store, sign_off.approve, by=MINH, content_hash=content_hash, **SEALED) == "tampered"
    assert standing(store).state == "prepared"


AFTER = {
    **{how: (statement, None) for how, statement in TAMPERED.items()},
    "the signature's name": ("UPDATE sign_offs SET approved_by = 'thu'", "seal"),
    "the preparer's name": ("UPDATE sign_offs SET prepared_by = 'lan'", "seal"),
    "its time": ("UPDATE sign_offs SET approved_at = approved_at - interval '1 day'", "seal"),
    "its report": ("UPDATE sign_offs SET report_digest = repeat('b', 64)", "seal"),
    "its seal": ("UPDATE sign_offs SET seal = decode(repeat('00', 64), 'hex')", "seal"),
    "its key": ("UPDATE sign_offs SET key_id = 'x'", "key"),
    "its hash": ("UPDATE sign_offs SET content_hash = repeat('0', 64)", "content"),
    "the rules": ("UPDATE reconciliation_runs SET spec_digest = repeat('6', 64)", "content"),
    "the inputs": ("UPDATE reconciliation_runs SET input_digest = repeat('6', 64)", "content"),
    "the result and its digest": (
        "UPDATE reconciliation_runs SET result_digest = repeat('6', 64)",
        "rows",
    ),
}


@pytest.mark.parametrize(("statement", "what"), AFTER.values(), ids=AFTER.keys())
def test_a_signed_day_that_was_tampered_with_is_found(store, statement, what):
    signed(store)
    assert verdict(store) == ()
    if "reason_code = 'carried'" in statement:
        statement = statement.replace("carried", "other")
    behind_the_back(store, statement)
    broken_parts = verdict(store)
    assert broken_parts
    assert what is None or what in broken_parts


def test_another_key_than_the_hubs_is_found(store):
    signed(store)
    assert verdict(store, OTHER_KEY) == ("key",)


def test_a_signature_is_not_changed_by_any_statement(store):
    signed(store)
    for statement in ("UPDATE sign_offs SET approved_by = 'thu'", "DELETE FROM sign_offs"):
        with pytest.raises(DBAPIError, match="only ever added to"):
            rows_of(store, statement)


def test_a_signed_day_takes_no_new_version_and_its_breaks_live_on(store):
    signed(store)
    with pytest.raises(MalformedError) as caught:
        keep(store, "b", breaks=[broken("b1")])
    assert caught.value.reason == "day_signed"
    with store.begin() as transaction:
        carried = frozenset(row.break_id for row in reconciliation.carried_into(transaction, "momo", NEXT_DAY))
    assert len(carried) == 2
    keep(
        store,
        "c",
        matches=[matched("P-b1")],
        breaks=[broken("b2", "missing_in_core", 9)],
        business_on=NEXT_DAY,
        carried_in=carried,
    )
    assert item(store, "b1").resolution == "matched_later"
    assert verdict(store) == ()  # what became of it later is no matter
    with store.begin() as transaction:
        day = reading.day(transaction, "momo", DAY)
    found = {(one.side, one.what): one.rows for one in day.totals}
    assert (found["core", "carried_out"], found["core", "written_off"]) == (1, 0)


def test_a_day_signed_after_a_later_day_ran_says_what_went_there(store):
    later = {"business_on": NEXT_DAY, "carried_in": frozenset({name("b1")})}
    keep(store, "c", matches=[matched("P-b1")], **later)
    carry(store, "b2")
    sign(store, prepare(store))
    with store.begin() as transaction:
        day = reading.day(transaction, "momo", DAY)
    found = {(one.side, one.what): one.rows for one in day.totals}
    assert (found["core", "carried_out"], found["core", "written_off"]) == (1, 0)


def at_once(store: Store, *steps: Callable[[Any], object]) -> list[str]:
    """Take the steps from as many connections at the same time; return how each ended."""
    gate = Barrier(len(steps))

    def one(step: Callable[[Any], object]) -> str:
        with store.begin() as transaction:
            transaction.sql.exec_driver_sql("SELECT 1")
            gate.wait(20)
            try:
                step(transaction)
            except MalformedError as error:
                return error.reason
            return "done"

    with ThreadPoolExecutor(len(steps)) as pool:
        return sorted(pool.map(one, steps))


def test_of_two_who_sign_at_once_one_does(store):
    carry(store, "b1", "b2")
    content_hash = prepare(store)
    named = {"content_hash": content_hash, **SEALED}
    ends = at_once(
        store,
        lambda t: sign_off.approve(t, "momo", DAY, by=MINH, **named),
        lambda t: sign_off.approve(t, "momo", DAY, by=THU, **named),
    )
    assert ends == ["day_signed", "done"]
    assert verdict(store) == ()


def test_of_two_who_prepare_at_once_one_does(store):
    carry(store, "b1", "b2")
    ends = at_once(store, *(lambda t, by=by: sign_off.prepare(t, "momo", DAY, by=by) for by in (HOA, LAN)))
    assert ends == ["already_prepared", "done"]


def test_a_break_that_moves_while_the_day_is_signed_moves_before_it_or_after_it(store):
    carry(store, "b1", "b2")
    content_hash = prepare(store)
    ends = at_once(
        store,
        lambda t: sign_off.approve(t, "momo", DAY, by=MINH, content_hash=content_hash, **SEALED),
        lambda t: work.assign(t, [name("b1")], to="lan", by=HOA),
    )
    assert ends in (["done", "done"], ["day_changed", "done"])
    if ends == ["done", "done"]:
        assert verdict(store) == ()


def test_a_run_that_meets_the_signing_comes_before_it_or_not_at_all(store):
    carry(store, "b1", "b2")
    content_hash = prepare(store)

    def run(_transaction: Any) -> None:
        keep(store, "b", breaks=[broken("b1"), broken("b2", "missing_in_core", 9)])

    ends = at_once(
        store,
        lambda t: sign_off.approve(t, "momo", DAY, by=MINH, content_hash=content_hash, **SEALED),
        run,
    )
    assert ends in (["day_signed", "done"], ["day_changed", "done"])
    assert standing(store).state == ("signed" if "day_signed" in ends else "prepared")
