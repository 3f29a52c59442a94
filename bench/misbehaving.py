"""Partners that misbehave at random: which of their calls, in which way, for how long."""

import random
from collections.abc import Mapping

from bench.grounds import StandIn

# What each partner may get wrong, under its own names for our calls.
CALLS = {
    "national_portal": ("DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo", "login"),
    "vnpost": ("order", "tracking", "token"),
    "momo": ("create", "query"),
    "sms": ("message",),
}
# Every way of sandbox.faults that a call can meet, without the endless answer, with its seconds; a courier waits for
# 1 s (bench.couriers), and believes after 2 s that what a partner does not have will not come any more.
WAYS = {
    "refuse": 0.0, "unavailable": 1.0, "silent_before": 1.3, "silent_after": 1.3, "late_after": 0.8, "drop_after": 0.0,
    "error_before": 0.0, "error_after": 0.0, "garbage": 0.0, "truncated": 0.0, "slow": 0.3,
}  # fmt: skip
TIMES_MAX = 4


def order_a_fault(partners: Mapping[str, StandIn], choose: random.Random) -> None:
    """Tell one partner, when it is there at all, to misbehave in its next few calls."""
    party, mode = choose.choice(sorted(partners)), choose.choice(sorted(WAYS))
    operation, times = choose.choice(CALLS[party]), choose.randint(1, TIMES_MAX)
    if partners[party].process is not None:
        partners[party].order("faults", {"operation": operation, "mode": mode, "times": times, "wait_s": WAYS[mode]})
