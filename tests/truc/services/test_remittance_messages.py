"""What an order's message, people and the treasury's second word mean together: the treasury is never paid twice."""

from typing import Any

import pytest

from tests.truc.services.remitting import AGENCIES, BANK, NEXT, Province, at, one_order
from truc.errors import MalformedError
from truc.exchange.inbox import Origin
from truc.messages import RemittanceConfirmed
from truc.services import remittance
from truc.store import remittance as store

A, _ = AGENCIES


def message(province: Province, reference: str) -> tuple[str, str | None]:
    """State and reason of the message that carries an order."""
    [row] = province.sql("SELECT state, reason FROM outbox WHERE external_id = :it", it=reference)
    return row.state, row.reason


def refused(deed: Any) -> str:
    with pytest.raises(MalformedError) as caught:
        deed()
    return caught.value.reason


def decide(province: Province, reference: str, state: Any) -> None:
    remittance.decide(province.transaction, reference, state, remark="seen at the treasury", at=at(NEXT))


def release(province: Province, reference: str) -> None:
    remittance.release(province.transaction, reference, remark="again, please")


def is_set_aside(province: Province, reference: str) -> None:
    """Nobody knows whether the order arrived, and a person is to find out."""
    province.is_carried(reference, "set_aside")
    province.sql(
        "WITH aside AS (UPDATE outbox SET reason = 'outcome_unknown' WHERE external_id = :it RETURNING id)"
        " INSERT INTO set_aside (party, kind, outbox_id, item, reason, text)"
        " SELECT 'treasury', 'remittance', id, :it, 'outcome_unknown', '' FROM aside",
        it=reference,
    )


@pytest.mark.parametrize("state", ["refused", "confirmed"])
def test_a_message_that_was_set_aside_goes_nowhere_once_a_person_decided(province: Province, state: str) -> None:
    reference = one_order(province)
    is_set_aside(province, reference)
    decide(province, reference, state)
    assert message(province, reference) == ("superseded", "other_way")
    assert province.sql("SELECT FROM set_aside WHERE state = 'open'") == []
    remittance.take_stock(province.transaction, "treasury")
    assert province.order(reference).state == state


def test_a_message_that_the_door_refused_goes_nowhere_once_its_order_is_released(province: Province) -> None:
    reference = one_order(province)
    province.is_carried(reference, "refused")
    release(province, reference)
    assert message(province, reference) == ("superseded", "other_way")


@pytest.mark.parametrize("state", ["waiting", "sending", "unknown"])
def test_an_order_is_neither_refused_nor_released_while_its_message_may_be_sent(province: Province, state: str) -> None:
    reference = one_order(province)
    province.sql("UPDATE outbox SET state = :state WHERE external_id = :it", state=state, it=reference)
    province.hears(reference, "refused")
    assert refused(lambda: release(province, reference)) == "message_under_way"
    province.hears(reference)
    assert refused(lambda: decide(province, reference, "refused")) == "message_under_way"
    assert province.order(reference).doubt == "confirmed_after_refused"
    decide(province, reference, "confirmed")
    assert message(province, reference)[0] == state
    assert province.vnd(f"bank:{BANK}") == -100_000


def test_an_order_whose_message_was_sent_since_it_was_refused_is_on_its_way_again(province: Province) -> None:
    reference = one_order(province)
    province.is_carried(reference, "refused")
    province.sql(
        "UPDATE outbox SET state = 'sent', drawer = drawer_of(120, now()), finished_at = now() WHERE external_id = :it",
        it=reference,
    )
    assert refused(lambda: release(province, reference)) == "message_sent"
    assert remittance.take_stock(province.transaction, "treasury") == 1
    assert province.order(reference).state == "sent"
    assert (province.vnd("remitting:treasury"), province.vnd(f"collected:{A}")) == (-100_000, 0)
    assert refused(lambda: release(province, reference)) == "not_refused"


@pytest.mark.parametrize(("written", "state"), [(1, "in_doubt"), (None, "refused")])
def test_a_message_given_up_after_it_was_written_may_have_arrived(
    province: Province, written: int | None, state: str
) -> None:
    reference = one_order(province)
    is_set_aside(province, reference)
    province.sql(
        "UPDATE outbox SET state = 'superseded', reason = 'dropped', drawer = drawer_of(120, now()),"
        " finished_at = now(), body_id = :written WHERE external_id = :it",
        it=reference,
        written=written,
    )
    remittance.take_stock(province.transaction, "treasury")
    assert province.order(reference).state == state


def test_a_second_confirmation_under_another_reference_is_a_doubt_and_both_words_stay(province: Province) -> None:
    reference = one_order(province)
    province.is_carried(reference)
    province.hears(reference)
    item = RemittanceConfirmed(
        remittance_reference=reference,
        treasury_reference="KB2",
        amount_vnd=100_000,
        state="confirmed",
        occurred_at=at(NEXT),
    )
    origin = Origin(7, "treasury", "confirmation", "0" * 64)
    assert remittance.settle(province.transaction, "treasury", item, origin)
    order = province.order(reference)
    assert (order.state, order.doubt) == ("in_doubt", "amount_differs")
    [shown] = province.sql("SELECT reason, text FROM set_aside")
    told = f"the treasury confirms it twice: under KB-{reference} and KB2"
    assert tuple(shown) == ("remittance_amount_differs", told)
    assert province.vnd(f"bank:{BANK}") == -100_000
    decide(province, reference, "confirmed")
    for heard in ("KB2", f"KB-{reference}", ""):
        assert not province.hears(reference, treasury_reference=heard), "both were looked at"
    assert province.order(reference).state == "confirmed"
    words = store.words(province.transaction, order.id)
    assert [one.treasury_reference for one in words if one.said == "confirmed"] == [f"KB-{reference}", "KB2"]


def test_the_treasury_s_word_after_a_person_s_is_kept_and_no_doubt(province: Province) -> None:
    reference = one_order(province)
    is_set_aside(province, reference)
    decide(province, reference, "confirmed")
    assert not province.hears(reference)
    order = province.order(reference)
    assert (order.state, order.treasury_reference) == ("confirmed", f"KB-{reference}")


def test_a_second_refusal_under_another_reference_is_kept(province: Province) -> None:
    reference = one_order(province)
    province.is_carried(reference)
    for heard in ("R1", "R2", "R2"):
        province.hears(reference, "refused", treasury_reference=heard)
    order = province.order(reference)
    assert order.state == "refused"
    words = store.words(province.transaction, order.id)
    assert [one.treasury_reference for one in words if one.said == "refused"] == ["R1", "R2"]
