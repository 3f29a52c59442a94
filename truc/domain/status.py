"""The ten national dossier statuses, the moves between them that are allowed (egov.md 1.5, 6.7).

A dossier's history only moves along TRANSITIONS. A repeated or late update is ordinary (callers
re-send, queues overtake each other) and never moves a dossier back; a forbidden one is refused.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from truc.errors import MalformedError


class Status(IntEnum):
    """TrangThaiHoSo of the national portal."""

    SUBMITTED = 1
    ACCEPTED = 2
    NOT_ACCEPTED = 3
    IN_PROCESS = 4
    SUPPLEMENT_ASKED = 5
    FINANCIAL_DUTY = 6
    WITHDRAWN = 7
    STOPPED = 8
    DONE = 9
    RETURNED = 10

    @property
    def vietnamese(self) -> str:
        """The name citizens see on the portal."""
        return _VIETNAMESE[self]


_VIETNAMESE = {
    Status.SUBMITTED: "Mới đăng ký",
    Status.ACCEPTED: "Được tiếp nhận",
    Status.NOT_ACCEPTED: "Không được tiếp nhận",
    Status.IN_PROCESS: "Đang xử lý",
    Status.SUPPLEMENT_ASKED: "Yêu cầu bổ sung giấy tờ",
    Status.FINANCIAL_DUTY: "Yêu cầu thực hiện nghĩa vụ tài chính",
    Status.WITHDRAWN: "Công dân yêu cầu rút hồ sơ",
    Status.STOPPED: "Dừng xử lý",
    Status.DONE: "Đã xử lý xong",
    Status.RETURNED: "Đã trả kết quả",
}

# From → to. A counter or postal dossier is checked while it is handed over and starts accepted (2), an
# online one starts submitted (1). What is absent is forbidden; the store holds the same pairs in a table
# with a foreign key.
_NEXT: dict[int, tuple[int, ...]] = {
    # Submitted: the office answers yes or no within 8 working hours, or the citizen takes it back.
    1: (2, 3, 7),
    # Accepted: usually goes to an officer (4). Small certifications are finished on the spot (9);
    # a missing paper (5), a fee notice (6) or a stop (8) may come before any step was reported.
    2: (4, 5, 6, 7, 8, 9),
    # In process: every outcome is open, except handing over a result that is not there yet (10).
    4: (5, 6, 7, 8, 9),
    # Supplement asked: the papers come and work goes on (4), or the citizen withdraws (7), or the
    # deadline for papers passes and the office stops (8). Never straight to 9: the office must look
    # at the new papers, and a jump 5 → 9 is the very falsification egov.md 1.3 warns of.
    5: (4, 7, 8),
    # Financial duty: paid and work goes on (4), or payment was the last thing missing (9).
    6: (4, 7, 8, 9),
    # Done: the result only waits to be handed over.
    9: (10,),
    # 3, 7, 8 and 10 are final: a citizen who tries again gets a new dossier with a new due date.
}
TRANSITIONS: frozenset[tuple[int, int]] = frozenset(
    (before, after) for before, nexts in _NEXT.items() for after in nexts
)
CLOCK_STOPPED = frozenset({5, 6})  # waiting for the citizen: the due date moves by the pause


class Outcome(StrEnum):
    """What an update did."""

    APPLIED = "applied"
    REPEATED = "repeated"  # we are there already: nothing to do, answer success
    LATE = "late"  # older than what we know: changes nothing, and the caller is told so
    FORBIDDEN = "forbidden"  # newer, but not an allowed move: changes nothing, the caller hears `move_not_allowed`


@dataclass(frozen=True)
class Move:
    """The answer to one update: the status and the instant that hold after it."""

    outcome: Outcome
    status: int
    at: datetime


def move(current: int, current_at: datetime, new: int, new_at: datetime) -> Move:
    """What an update to `new` of instant `new_at` means for a dossier that is `current` since `current_at`.

    Never raises for an order of arrival; raises MalformedError ("unknown_status") for a code outside
    1–10, because an unknown code is an incident and not a default (egov.md §8 item 4).
    """
    known(current)
    known(new)
    if new == current:
        return Move(Outcome.REPEATED, current, current_at)
    if new_at < current_at:
        return Move(Outcome.LATE, current, current_at)
    if (current, new) not in TRANSITIONS:
        return Move(Outcome.FORBIDDEN, current, current_at)
    return Move(Outcome.APPLIED, new, new_at)


def known(code: int) -> Status:
    """The status of a national code; raises MalformedError ("unknown_status")."""
    try:
        return Status(code)
    except ValueError:
        raise MalformedError(
            f"status: {code!r} is not a national status; expected 1 to 10", reason="unknown_status"
        ) from None
