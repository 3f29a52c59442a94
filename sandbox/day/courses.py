"""What becomes of a dossier during the day: moves along allowed transitions, each later than the one before."""

import random
from datetime import date, datetime, time, timedelta

from sandbox.day.plan import Move, Officer
from truc.domain.calendar import BUSINESS_ZONE

OPENING, AFTERNOON, CLOSING = time(7, 0), time(13, 30), time(17, 0)
TITLES = ("Chuyên viên", "Công chức Tư pháp - Hộ tịch", "Công chức Địa chính", "Cán bộ Một cửa", "Phó trưởng phòng")
NOTES = {
    2: "Tiếp nhận hồ sơ", 3: "Hồ sơ không thuộc thẩm quyền", 4: "Chuyển bộ phận chuyên môn xử lý",
    5: "Đề nghị bổ sung giấy tờ", 6: "Thông báo thực hiện nghĩa vụ tài chính", 7: "Công dân xin rút hồ sơ",
    8: "Dừng xử lý theo quy định", 9: "Đã có kết quả", 10: "Đã trả kết quả cho công dân",
}  # fmt: skip
Courses = dict[tuple[int, ...], int]
# How a dossier goes on after it came in today: the statuses that follow, and how often.
ONLINE: Courses = {
    (): 12, (3,): 6, (7,): 1, (2,): 6, (2, 4): 58, (2, 4, 5): 4, (2, 4, 6): 3, (2, 5): 3, (2, 4, 8): 1, (2, 5, 4): 1,
}  # fmt: skip
HANDED_IN: Courses = {(): 10, (4,): 73, (4, 5): 4, (4, 6): 4, (5,): 3, (7,): 1, (4, 8): 1, (4, 5, 4): 1, (4, 6, 4): 1}
ON_THE_SPOT: Courses = {(9, 10): 82, (9,): 14, (4,): 4}
ON_THE_SPOT_ONLINE: Courses = {(2, 9): 70, (2, 9, 10): 12, (2,): 8, (3,): 5, (): 5}
# Some had to bring a paper, or to pay, first: the clock stands still meanwhile.
FINISHING: Courses = {(9, 10): 58, (9,): 36, (5, 4, 9): 3, (6, 9, 10): 3}
WAITING_FOR_CITIZEN = (5, 6)
NOT_FINISHING: Courses = {(8,): 1, (7,): 1, (5,): 1}


def draw(rng: random.Random, courses: Courses) -> tuple[int, ...]:
    """Return one course by its weight."""
    return rng.choices(list(courses), list(courses.values()))[0]


def at_the_counter(rng: random.Random, day: date) -> datetime:
    """Return an instant of opening hours, twice as often in the morning."""
    morning = rng.random() < 2 / 3
    first, last = (OPENING, time(11, 20)) if morning else (AFTERNOON, time(16, 30))
    return _between(rng, instant(day, first), instant(day, last))


def at_home(rng: random.Random, day: date) -> datetime:
    """Return an instant of the waking day, when citizens use the portal."""
    return _between(rng, instant(day, time(5, 30)), instant(day, time(22, 45)))


def moves(
    rng: random.Random, statuses: tuple[int, ...], after: datetime, officer: Officer, *, until: datetime
) -> tuple[Move, ...]:
    """Return the moves, spread in order between `after` and `until`; none when there is no room for them."""
    room = int((until - after).total_seconds())
    if room < 120 * (len(statuses) + 1):
        return ()
    steps = sorted(rng.sample(range(60, room), len(statuses)))
    return tuple(
        Move(status=status, at=after + timedelta(seconds=step), officer=officer, note=NOTES[status])
        for status, step in zip(statuses, steps, strict=True)
    )


def officer(rng: random.Random, agency_code: str, agency_name: str) -> Officer:
    """Return one of a handful of invented officers of an agency, the same each time for the same draw."""
    number = rng.randrange(4)
    own = random.Random(f"{agency_code}/{number}")
    name = f"{own.choice(('Nguyễn', 'Trần', 'Lê', 'Phạm', 'Võ'))} {own.choice(('Minh', 'Thanh', 'Ngọc'))} "
    name += own.choice(("An", "Bình", "Châu", "Hà", "Linh", "Nam", "Sơn"))
    return Officer(name=name, title=TITLES[number % len(TITLES)], department=agency_name[:100])


def instant(day: date, clock: time) -> datetime:
    """Return that time of the day in Vietnam."""
    return datetime.combine(day, clock, BUSINESS_ZONE)


def _between(rng: random.Random, first: datetime, last: datetime) -> datetime:
    return first + timedelta(seconds=rng.randint(0, int((last - first).total_seconds())))
