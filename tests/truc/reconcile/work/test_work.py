"""The life of a break on a real store: who may take which step, what each leaves behind; of two at once, one."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select

from tests.truc.conftest import rows_of, spare_the_disk, undone
from tests.truc.reconcile.runs import ADMIN, AUDITOR, BOTH, HOA, LAN, MINH, THU, broken, item, keep, name
from truc.errors import MalformedError
from truc.reconcile.reading import breaks as reading_breaks
from truc.reconcile.work import breaks as work
from truc.reconcile.work import roles
from truc.reconcile.work.attached import BODY_BYTES_MAX
from truc.reconcile.work.roles import Role, actor
from truc.store import breaks as store_breaks
from truc.store.opened import Store
from truc.store.tables.breaks import BREAK_EVENTS

B1, B2 = name("b1"), name("b2")
WHY = {"proposal": "write_off", "reason_code": "small_difference", "remark": "lệch làm tròn"}


@pytest.fixture
def store(empty_store: Store) -> Store:
    spare_the_disk(empty_store)
    keep(empty_store, "a", breaks=[broken("b1"), broken("b2"), broken("b3", "missing_in_core", 9)])
    return empty_store


def act(store, step, *given, **named):
    """Take one step in a transaction of its own."""
    with store.begin() as transaction:
        return step(transaction, *given, **named)


def refused(store, step, *given, **named):
    """Take a step that must be refused, and return why and the words."""
    with pytest.raises(MalformedError) as caught:
        act(store, step, *given, **named)
    return caught.value.reason, str(caught.value)


def life(store, short="b1"):
    with store.begin() as transaction:
        query = select(BREAK_EVENTS).where(BREAK_EVENTS.c.break_id == name(short)).order_by(BREAK_EVENTS.c.number)
        return [(row.actor, row.action, row.to_state, row.remark) for row in transaction.sql.execute(query)]


def holds(store):
    """The chain holds, and every row is what its newest event left."""
    with store.begin() as transaction:
        ids = [name("b1"), name("b2"), name("b3")]
        return store_breaks.verify_chain(transaction).broken_at is None and not store_breaks.changed_otherwise(
            transaction, ids
        )


def test_a_break_goes_from_hand_to_hand_to_its_end(store):
    assert act(store, work.assign, [B1, B2], to="lan", by=HOA) == 2
    act(store, work.comment, B1, by=MINH, remark="Đã gọi MoMo")
    act(store, work.propose, B1, by=LAN, **WHY)
    found = item(store, "b1")
    assert (found.state, found.proposal, found.reason_code, found.proposed_by) == (
        "proposed",
        "write_off",
        "small_difference",
        "lan",
    )
    act(store, work.approve, B1, by=MINH, remark="đồng ý")
    found = item(store, "b1")
    assert (found.state, found.resolution, found.approved_by, found.resolved_by_run) == (
        "resolved",
        "write_off",
        "minh",
        None,
    )
    assert found.resolved_at == found.approved_at
    assert life(store) == [
        ("reconcile", "opened", "open", ""),
        ("hoa", "assigned", "assigned", ""),
        ("minh", "commented", "assigned", "Đã gọi MoMo"),
        ("lan", "proposed", "proposed", "lệch làm tròn"),
        ("minh", "approved", "resolved", "đồng ý"),
    ]
    assert holds(store)


def test_who_proposed_does_not_approve_however_the_name_is_written(store):
    act(store, work.propose, B1, by=HOA, **WHY)
    assert refused(store, work.approve, B1, by=BOTH)[0] == "same_person"
    assert refused(store, work.approve, B1, by=actor("HOA", Role.APPROVER))[0] == "same_person"
    assert refused(store, work.approve, B1, by=actor(" Hoa ", Role.APPROVER))[0] == "same_person"
    assert item(store, "b1").state == "proposed"


def test_a_rejected_proposal_goes_back_to_who_made_it(store):
    act(store, work.propose, B1, by=LAN, **WHY)
    act(store, work.reject, B1, by=MINH, remark="thiếu chứng từ")
    found = item(store, "b1")
    assert (found.state, found.assignee, found.proposal, found.reason_code, found.proposed_by) == (
        "assigned",
        "lan",
        "",
        "",
        None,
    )
    act(store, work.propose, B1, by=HOA, **WHY)
    act(store, work.approve, B1, by=MINH)
    assert holds(store)


def test_what_is_carried_forward_says_so_until_somebody_works_on_it(store):
    assert act(store, work.carry_forward, [B1, B2], by=HOA, remark="chờ sao kê") == 2
    assert [item(store, one).reason_code for one in ("b1", "b2")] == ["carried", "carried"]
    assert item(store, "b1").state == "open"
    assert act(store, work.carry_forward, [B1], by=HOA, remark="vẫn chờ") == 0
    act(store, work.propose, B1, by=HOA, **WHY)
    act(store, work.reject, B1, by=MINH, remark="không")
    assert item(store, "b1").reason_code == ""


def test_taken_back_it_is_nobodys(store):
    act(store, work.assign, [B1], to=" lan ", by=HOA)
    assert item(store, "b1").assignee == "lan"
    assert act(store, work.assign, [B1], to="lan", by=HOA) == 0
    assert act(store, work.assign, [B1], to="", by=HOA) == 1
    assert (item(store, "b1").state, item(store, "b1").assignee) == ("open", "")


STEPS = {
    "assign": lambda t, by: work.assign(t, [B1], to="lan", by=by),
    "comment": lambda t, by: work.comment(t, B1, by=by, remark="x"),
    "attach": lambda t, by: work.attach(t, B1, by=by, name="a.txt", body=b"x"),
    "propose": lambda t, by: work.propose(t, B1, by=by, **WHY),
    "carry": lambda t, by: work.carry_forward(t, [B1], by=by, remark="x"),
    "approve": lambda t, by: work.approve(t, B1, by=by),
    "reject": lambda t, by: work.reject(t, B1, by=by, remark="x"),
}
ALLOWED = {
    HOA: {"assign", "comment", "attach", "propose", "carry"},
    MINH: {"comment", "approve", "reject"},
    AUDITOR: set(),
    ADMIN: set(),
}


@pytest.mark.parametrize("person", list(ALLOWED), ids=lambda one: one.name)
def test_a_role_takes_its_steps_and_no_other(store, person):
    may = set()
    for step, take in STEPS.items():
        with undone(store) as transaction:
            if step in ("approve", "reject"):
                work.propose(transaction, B1, by=LAN, **WHY)
            try:
                take(transaction, person)
                may.add(step)
            except MalformedError as error:
                assert error.reason == "role_missing", (step, error)  # noqa: PT017
    assert may == ALLOWED[person]


def test_a_person_without_a_role_of_ours_may_nothing(store):
    nobody = roles.of_airflow("guest", ["Viewer", "Op"])
    assert refused(store, work.comment, B1, by=nobody, remark="x")[0] == "role_missing"
    clerk = roles.of_airflow("hoa", ["Viewer", "TrucClerk"])
    act(store, work.comment, B1, by=clerk, remark="x")


@pytest.mark.parametrize(
    ("step", "named", "reason", "field"),
    [
        (work.propose, {**WHY, "proposal": "shrug"}, "proposal_unknown", "proposal"),
        (work.propose, {**WHY, "reason_code": "whatever"}, "reason_unknown", "reason_code"),
        (work.propose, {**WHY, "reason_code": "carried"}, "reason_unknown", "reason_code"),
        (work.propose, {**WHY, "remark": " "}, "remark_missing", "remark"),
        (work.comment, {"remark": ""}, "remark_missing", "remark"),
        (work.comment, {"remark": "x" * 2_001}, "remark_too_long", "remark"),
        (work.attach, {"name": "../etc.txt", "body": b"x"}, "name_malformed", "name"),
        (work.attach, {"name": "a.html", "body": b"x"}, "media_type_refused", "file"),
        (work.attach, {"name": "a.pdf", "body": b"<html>"}, "media_type_refused", "file"),
        (work.attach, {"name": "a.csv", "body": b"a\0"}, "media_type_refused", "file"),
        (work.attach, {"name": "a.txt", "body": b""}, "body_size_refused", "body"),
    ],
)
def test_a_wrong_step_names_its_field(store, step, named, reason, field):
    found, words = refused(store, step, B1, by=HOA, **named)
    assert (found, words.partition(":")[0]) == (reason, field)
    assert len(life(store)) == 1


def test_a_file_that_is_too_large_is_refused(store):
    body = b"%PDF-".ljust(BODY_BYTES_MAX, b"x")
    assert refused(store, work.attach, B1, by=HOA, name="a.pdf", body=body + b"x")[0] == "body_size_refused"
    assert act(store, work.attach, B1, by=HOA, name="a.pdf", body=body) == 1


def test_steps_that_do_not_fit_the_state_are_refused(store):
    assert refused(store, work.approve, B1, by=MINH)[0] == "is_open"
    assert refused(store, work.reject, B1, by=MINH, remark="x")[0] == "is_open"
    act(store, work.propose, B1, by=HOA, **WHY)
    assert refused(store, work.propose, B1, by=LAN, **WHY)[0] == "is_proposed"
    assert refused(store, work.assign, [B2, B1], to="lan", by=HOA)[0] == "is_proposed"
    assert item(store, "b2").assignee == ""  # all or none
    act(store, work.approve, B1, by=MINH)
    assert refused(store, work.approve, B1, by=THU)[0] == "is_resolved"
    assert refused(store, work.carry_forward, [B1], by=HOA, remark="x")[0] == "is_resolved"
    act(store, work.comment, B1, by=HOA, remark="về sau")
    assert refused(store, work.comment, name("no"), by=HOA, remark="x")[0] == "unknown_break"
    assert refused(store, work.assign, [], to="lan", by=HOA)[0] == "break_ids_count"


def test_what_is_done_through_the_exchange_is_not_approved_here(store):
    named = {**WHY, "proposal": "find_callback"}
    assert refused(store, work.propose, B1, by=HOA, **named)[0] == "proposal_unfit"  # it is missing at the partner
    act(store, work.propose, name("b3"), by=HOA, **named)
    assert refused(store, work.approve, name("b3"), by=MINH)[0] == "to_be_executed"


def test_an_attachment_is_sealed_kept_once_and_read_back(store):
    body = "Nguyễn Thị Ánh Tuyết 056123456789".encode()
    named = {"by": HOA, "name": "chứng từ.txt", "body": body}
    assert act(store, work.attach, B1, **named) == 1
    assert act(store, work.attach, B1, **named) == 1
    assert act(store, work.attach, B1, **{**named, "body": b"two"}) == 2
    [sealed, _] = rows_of(store, "SELECT body FROM break_attachments ORDER BY number")
    assert b"056123456789" not in bytes(sealed.body)
    with store.begin() as transaction:
        told, read = reading_breaks.attachment(transaction, B1, 1)
        assert (told.name, told.bytes, told.by, read) == ("chứng từ.txt", len(body), "hoa", body)
        with pytest.raises(MalformedError, match="no attachment 3"):
            reading_breaks.attachment(transaction, B1, 3)
    assert [action for _, action, _, _ in life(store)] == ["opened", "attached", "attached"]
    assert holds(store)


def at_once(store, *steps):
    """Take the steps from as many connections at the same time; return how each ended."""
    gate = Barrier(len(steps))

    def one(step):
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


def test_of_two_who_approve_at_once_one_does(store):
    act(store, work.propose, B1, by=HOA, **WHY)
    steps = [lambda t: work.approve(t, B1, by=MINH), lambda t: work.approve(t, B1, by=THU)]
    assert at_once(store, *steps) == ["done", "is_resolved"]
    assert [action for _, action, _, _ in life(store)].count("approved") == 1


def test_of_one_who_approves_and_one_who_rejects_at_once_one_does(store):
    act(store, work.propose, B1, by=HOA, **WHY)
    ends = at_once(store, lambda t: work.approve(t, B1, by=MINH), lambda t: work.reject(t, B1, by=THU, remark="không"))
    assert ends in (["done", "is_assigned"], ["done", "is_resolved"])
    assert holds(store)


def test_steps_with_different_breaks_at_once_keep_one_chain(store):
    steps = [
        lambda t, one=one, number=number: work.comment(t, name(one), by=HOA, remark=f"{number}")
        for number in range(2)
        for one in ("b1", "b2", "b3")
    ]
    assert at_once(store, *steps) == ["done"] * 6
    with store.begin() as transaction:
        assert store_breaks.verify_chain(transaction) == store_breaks.Chain(9, None)
    assert holds(store)
