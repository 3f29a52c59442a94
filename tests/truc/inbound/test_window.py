"""The replay window: what the manifest declares, or what the connection sets; five minutes ahead at most."""

from datetime import UTC, datetime, timedelta

import pytest

from truc import parties
from truc.connections import Connection
from truc.errors import SetupError
from truc.inbound.window import age_max_s, untimely
from truc.manifest import Callback

NOW = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
DATED, UNDATED = Callback(name="ipn", age_max_s=900), Callback(name="result")


@pytest.mark.parametrize(("given", "found"), [("", 900), ("60", 60), ("0", 0), ("9999999999", 9_999_999_999)])
def test_the_connection_may_set_another_window(given, found):
    assert age_max_s(Connection("x", {"callback_age_max_s": given}), DATED) == found


def test_a_kind_whose_calls_name_no_time_has_no_window():
    assert age_max_s(Connection("x", {"callback_age_max_s": "60"}), UNDATED) is None


@pytest.mark.parametrize("given", ["-1", "1 h", "1.5", "٦٠", "1" * 11])
def test_a_window_that_is_no_number_of_seconds_is_a_setting_to_mend(given):
    with pytest.raises(SetupError) as caught:
        age_max_s(Connection("x", {"callback_age_max_s": given}), DATED)
    assert (caught.value.reason, given in str(caught.value)) == ("setting_malformed", False)


@pytest.mark.parametrize(
    ("ago", "reason"),
    [
        (timedelta(seconds=900), None),
        (timedelta(seconds=900, microseconds=1), "too_old"),
        (timedelta(minutes=-5), None),
        (timedelta(minutes=-5, microseconds=-1), "too_early"),
        (NOW - datetime(1, 1, 1, tzinfo=UTC), "too_old"),
        (NOW - datetime(9999, 12, 31, tzinfo=UTC), "too_early"),
    ],
)
def test_what_is_too_old_or_too_early(ago, reason):
    assert untimely(NOW - ago, now=NOW, age_max_s=900) == reason


def test_without_a_time_or_a_window_nothing_is_untimely():
    assert untimely(None, now=NOW, age_max_s=900) is None
    assert untimely(NOW - timedelta(days=9), now=NOW, age_max_s=None) is None


def test_a_window_covers_the_life_of_a_payment_and_no_browser_has_one():
    for manifest in parties.manifests():
        for callback in manifest.callbacks:
            assert callback.caller == "partner" or callback.age_max_s is None
            if callback.age_max_s is not None and manifest.payments is not None:
                assert callback.age_max_s > manifest.payments.lives_s
