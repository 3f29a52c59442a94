"""The totals that the seeds give as true are reconciled to the đồng, through the store."""

import pytest

from tests.truc.reconcile.daily.day_office import Desk, day, desk, line

__all__ = ["desk"]
ON = day(1)


def amounts(count: int, vnd: int) -> list[int]:
    """So many amounts of that sum, none of them the same for all: a part that grows, and the rest in the last."""
    part = vnd // count
    given = [part + (1_000 if number % 2 else -1_000) for number in range(count - 1)]
    return [*given, vnd - sum(given)]


def book(desk: Desk, names: list[str], vnds: list[int], kind: str) -> None:
    by_amount: dict[int, list[str]] = {}
    for name, vnd in zip(names, vnds, strict=True):
        by_amount.setdefault(vnd, []).append(name)
    for vnd, same in by_amount.items():
        desk.pay(ON, *same, vnd=vnd, kind=kind)


def test_2593_payments_come_to_144_886_308_dong(desk: Desk) -> None:
    names = [f"P{number:08}" for number in range(2_593)]
    vnds = amounts(2_593, 144_886_308)
    book(desk, names, vnds, "fees")
    desk.state(ON, *(line(name, vnd) for name, vnd in zip(names, vnds, strict=True)))
    found = desk.run(ON)
    assert (found.matched, found.breaks, found.difference_vnd) == (2_593, {}, 0)
    whole = (2_593, 144_886_308)
    for leg in ("statement", "receipts"):
        assert desk.totals(ON, leg=leg) == {
            (side, what): whole for side in ("core", "partner") for what in ("new", "matched")
        }
    desk.state(ON, *(line(name, vnd) for name, vnd in zip(names[1:], vnds[1:], strict=True)))
    found = desk.run(ON)
    assert (found.matched, found.breaks, found.difference_vnd) == (2_592, {"missing_at_partner": 1}, vnds[0])
    assert desk.totals(ON)["core", "matched"] == (2_592, 144_886_308 - vnds[0])


@pytest.mark.parametrize("lost", [0, 1])
def test_1090_payments_are_892_of_land_tax_and_198_of_fees(desk: Desk, lost: int) -> None:
    taxes, fees = [f"L{number:07}" for number in range(892)], [f"F{number:07}" for number in range(198)]
    vnds = dict(zip([*taxes, *fees], amounts(1_090, 61_000_000), strict=True))
    book(desk, taxes, [vnds[name] for name in taxes], "land_tax")
    book(desk, fees, [vnds[name] for name in fees], "fees")
    desk.state(ON, *(line(name, vnd) for name, vnd in list(vnds.items())[lost:]))
    found = desk.run(ON)
    assert (found.matched, found.difference_vnd) == (1_090 - lost, vnds[taxes[0]] * lost)
    assert found.breaks == ({"missing_at_partner": 1} if lost else {})
    matched = desk.totals(ON)["core", "matched"]
    assert matched == (1_090 - lost, 61_000_000 - vnds[taxes[0]] * lost)
    assert desk.totals(ON, leg="receipts")["core", "new"] == (198, sum(vnds[name] for name in fees))
    assert {name[0] for name in desk.matches(ON, leg="receipts")} == {"F"}
