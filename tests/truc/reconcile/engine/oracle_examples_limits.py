"""Days written by hand at the limits of the first look: an amount or a fee for which its numbers have room, and not."""

from collections.abc import Iterator
from datetime import date

from tests.truc.reconcile.engine.oracle_examples import Day, match, pair, row

AMOUNTS = [2**40 - 2, 2**40 - 1, 2**40, 2**60]
FEES = [2**23 - 2, 2**23 - 1, 2**23, 2**40]
DAYS = [date(1970, 1, 1), date(2149, 6, 6), date(2149, 6, 7), date(1969, 12, 31)]  # days 0, 65535, 65536, -1


def _named(kind: str, count: int) -> Iterator[tuple[str, str]]:
    for number in range(count):
        yield f"{kind}{number}", f"T{kind}{number}"


EQUAL, OTHER = list(_named("EQUAL", len(AMOUNTS))), list(_named("OTHER", len(AMOUNTS)))
FEE, DEAR = list(_named("FEE", len(FEES))), list(_named("DEAR", len(FEES)))
DAY = list(_named("DAY", len(DAYS)))
LIMITS = {
    "an amount beside the greatest that the first look takes": Day(
        core=[row(*name, vnd) for names in (EQUAL, OTHER) for name, vnd in zip(names, AMOUNTS, strict=True)],
        statement=[
            *(row(*name, vnd) for name, vnd in zip(EQUAL, AMOUNTS, strict=True)),
            *(row(*name, vnd + 1) for name, vnd in zip(OTHER, AMOUNTS, strict=True)),
        ],
        matches=[match(*name, vnd, vnd) for name, vnd in zip(EQUAL, AMOUNTS, strict=True)],
        breaks=[
            pair("amount_differs", *name, vnd, vnd + 1, difference=-1) for name, vnd in zip(OTHER, AMOUNTS, strict=True)
        ],
    ),
    "a fee beside the greatest that the first look takes": Day(
        core=[row(*name, fee_vnd=vnd) for names in (FEE, DEAR) for name, vnd in zip(names, FEES, strict=True)],
        statement=[
            *(row(*name, fee_vnd=vnd) for name, vnd in zip(FEE, FEES, strict=True)),
            *(row(*name, fee_vnd=vnd + 1) for name, vnd in zip(DEAR, FEES, strict=True)),
        ],
        matches=[match(*name, 100, 100) for name in FEE],
        breaks=[pair("fee_differs", *name, 100, 100, difference=-1) for name in DEAR],
    ),
    "a day beside the last that the first look takes, and one that would look like a fee": Day(
        core=[
            *(row(*name, business_on=on) for name, on in zip(DAY, DAYS, strict=True)),
            row("LATE", "TL", business_on=DAYS[2]),
        ],
        statement=[
            *(row(*name, business_on=on) for name, on in zip(DAY, DAYS, strict=True)),
            row("LATE", "TL", fee_vnd=1, business_on=DAYS[0]),
        ],
        matches=[match(*name, 100, 100, business_on=on) for name, on in zip(DAY, DAYS, strict=True)],
        breaks=[pair("fee_differs", "LATE", "TL", 100, 100, difference=-1, business_on=DAYS[2])],
    ),
}
