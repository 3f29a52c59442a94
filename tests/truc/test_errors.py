"""Five failures, each with a stable word for what it is."""

import pytest

from truc import errors
from truc.errors import (
    MalformedError,
    OutcomeUnknownError,
    RejectedError,
    SetupError,
    TransientError,
    TrucError,
)

FIVE = {SetupError, TransientError, OutcomeUnknownError, RejectedError, MalformedError}


def test_there_are_five_and_no_more() -> None:
    assert set(TrucError.__subclasses__()) >= FIVE
    assert {one for one in vars(errors).values() if isinstance(one, type)} == FIVE | {TrucError}


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (SetupError, "setup"),
        (TransientError, "transient"),
        (OutcomeUnknownError, "outcome_unknown"),
        (RejectedError, "rejected"),
        (MalformedError, "malformed"),
    ],
)
def test_a_failure_without_a_reason_of_its_own_is_called_by_its_class(failure: type[TrucError], reason: str) -> None:
    assert failure("text").reason == reason
    assert failure("text", reason="own_word").reason == "own_word"
    assert str(failure("text", reason="own_word")) == "text"


def test_none_is_caught_as_another() -> None:
    assert not any(issubclass(one, other) for one in FIVE for other in FIVE - {one})


def test_what_a_failure_carries_besides() -> None:
    assert TransientError("t", retry_after_s=7).retry_after_s == 7
    assert TransientError("t").retry_after_s is None
    assert RejectedError("t", code="-1").code == "-1"
