"""Lost, doubled and unexplained are counted as they are, on made-up books; names are those the stand-ins use."""

from datetime import UTC, datetime

from sandbox.day.books import Exchange, step_name
from sandbox.day.notices import mail_name, sms_name
from truc.messages import NoticeDue, NoticeFacts, StatusChanged

AT = datetime(2026, 11, 20, 2, 30, 5, tzinfo=UTC)


def test_an_even_exchange_has_nothing_lost_doubled_or_unexplained():
    one = Exchange(sent=["a", "b"], stopped=["c"], at_partner={"a": 1, "b": 1})
    assert (one.lost, one.doubled, one.unexplained) == (0, 0, 0)


def test_a_message_held_as_sent_that_the_partner_lacks_is_lost():
    assert Exchange(sent=["a", "b"], at_partner={"a": 1}).lost == 1


def test_a_message_stopped_without_a_reason_is_lost():
    assert Exchange(silent=2).lost == 2


def test_an_effect_that_happened_again_is_doubled():
    assert Exchange(sent=["a"], at_partner={"a": 3}).doubled == 2


def test_two_messages_of_the_same_effect_are_doubled():
    assert Exchange(sent=["a", "a"], at_partner={"a": 1}).doubled == 1


def test_an_effect_nobody_asked_for_is_unexplained():
    assert Exchange(sent=["a"], stopped=["b"], at_partner={"a": 1, "b": 1, "c": 1}).unexplained == 1


def test_a_step_is_named_in_vietnams_time_and_by_the_portals_own_code():
    step = StatusChanged(
        dossier_code="H32.01-261120-0001",
        status=4,
        changed_at=AT,
        officer_name="Lê Minh An",
        officer_title="",
        department="",
        note="",
        started_at=AT,
        due_at=None,
    )
    assert step_name(step) == "H32.01-261120-0001|4|20261120093005"
    assert step_name(step.model_copy(update={"portal_code": "G22-1"})) == "G22-1|4|20261120093005"


def test_a_message_to_a_citizen_is_named_as_each_stand_in_names_it():
    code = "H32.01-261120-0001"
    notice = NoticeDue(notice_id="1", dossier_code=code, notice="ready", phone="0912345678", facts=NoticeFacts())
    other = notice.model_copy(update={"dossier_code": "H32.01-261120-0002"})
    assert sms_name(notice).startswith("84912345678:")
    assert sms_name(notice) != sms_name(other)
    assert mail_name(notice).endswith("@khanhhoa.example>")
    assert mail_name(notice) == mail_name(other) != mail_name(notice.model_copy(update={"notice_id": "2"}))
