"""Says whether a call is of now: a replay window by kind of call, which the party's connection may set otherwise."""

from datetime import datetime, timedelta
from typing import Literal

from truc.connections import Connection
from truc.errors import SetupError
from truc.manifest import Callback

CALLBACK_AGE = "callback_age_max_s"  # connection setting: seconds, in place of what the manifest declares
AGE_DIGITS_MAX = 10
# Clocks differ a little; a call from further ahead is no call of now.
AHEAD = timedelta(minutes=5)


def age_max_s(connection: Connection, callback: Callback) -> int | None:
    """Return how old a call may be, None where its kind names no time; SetupError for a setting that is no number."""
    given = connection.optional(CALLBACK_AGE)
    if callback.age_max_s is None or not given:
        return callback.age_max_s
    if not (given.isascii() and given.isdecimal() and len(given) <= AGE_DIGITS_MAX):
        problem = f"connection {connection.party!r}: {CALLBACK_AGE} must be whole seconds"
        raise SetupError(problem, reason="setting_malformed")
    return int(given)


def untimely(
    said_at: datetime | None, *, now: datetime, age_max_s: int | None
) -> Literal["too_old", "too_early"] | None:
    """Return why the call is not of now; None for one in time, and where there is no window or no time."""
    if age_max_s is None or said_at is None:
        return None
    if said_at > now + AHEAD:
        return "too_early"
    return "too_old" if (now - said_at).total_seconds() > age_max_s else None
