"""What a province settles about notices is read from three settings; a wrong one is named."""

from datetime import time

import pytest

from truc.domain.notice_kinds import KINDS
from truc.errors import SetupError
from truc.services import notice_terms

EVERY = ("zalo", "sms", "email")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("TRUC_NOTICE_CHANNELS", "sms,momo"),
        ("TRUC_NOTICE_CHANNELS", "pigeon"),
        ("TRUC_NOTICE_KINDS", "ready,redy"),
        ("TRUC_NOTICE_QUIET", "21-7"),
        ("TRUC_NOTICE_QUIET", "25:00-07:00"),
    ],
)
def test_a_setting_that_cannot_be_read_is_named(setting: str, value: str) -> None:
    with pytest.raises(SetupError, match=setting) as raised:
        notice_terms.read({setting: value})
    assert raised.value.reason == "setting_malformed"


def test_without_a_setting_all_is_sent_in_the_order_of_the_ranks() -> None:
    terms = notice_terms.read({})
    assert terms.channels == EVERY
    assert terms.kinds == set(KINDS)
    assert terms.quiet.holds(time(22))
    assert notice_terms.read({"TRUC_NOTICE_CHANNELS": " email, sms "}).channels == ("email", "sms")
