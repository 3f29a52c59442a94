"""What each fault of the bus is to us, and whether the post did what was asked before it went wrong."""

import pytest

from truc.errors import OutcomeUnknownError, TransientError

EVERY_FAULT = pytest.mark.parametrize(
    ("mode", "ours", "arrived"),
    [
        ("refuse", OutcomeUnknownError, False),
        ("unavailable", TransientError, False),
        ("silent_before", OutcomeUnknownError, False),
        ("error_before", OutcomeUnknownError, False),
        ("silent_after", OutcomeUnknownError, True),
        ("drop_after", OutcomeUnknownError, True),
        ("error_after", OutcomeUnknownError, True),
        ("garbage", OutcomeUnknownError, True),
        ("truncated", OutcomeUnknownError, True),
        ("huge", OutcomeUnknownError, True),
    ],
)
