"""The picture of a day's money, core → partner → bank → treasury: where each box stands and what it says."""

from dataclasses import dataclass
from typing import Literal

from truc.console.language import Language, money, whole
from truc.reconcile import words
from truc.reconcile.reading.days import DaySeen, Station, Total
from truc.reconcile.words import said

WIDTH, HEIGHT = 1016, 156
BOX_WIDTH, BOX_HEIGHT, GAP = 172, 104, 104
TOP = 44

Agreement = Literal["agrees", "differs", "not_asked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One station as drawn. `sentence` says in words what the picture shows of it."""

    x: int
    name: str
    under: str
    sum: str
    count: str
    agreement: Agreement
    mark: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What joins a box to the one before it."""

    from_x: int
    to_x: int
    agreement: Agreement
    above: str
    below: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything the template draws."""

    width: int
    height: int
    top: int
    box_width: int
    box_height: int
    boxes: tuple[Box, ...]
    links: tuple[Link, ...]


def picture(seen: DaySeen, partner: str, lang: Language) -> Picture:
    """Return the picture of the day."""
    stations = seen.flow
    places = [8 + number * (BOX_WIDTH + GAP) for number in range(len(stations))]
    return Picture(
        width=WIDTH,
        height=HEIGHT,
        top=TOP,
        box_width=BOX_WIDTH,
        box_height=BOX_HEIGHT,
        boxes=tuple(_box(station, x, partner, lang) for station, x in zip(stations, places, strict=True)),
        links=tuple(
            _link(before, station, x, lang)
            for before, station, x in zip(stations[:-1], stations[1:], places[1:], strict=True)
        ),
    )


def _box(station: Station, x: int, partner: str, lang: Language) -> Box:
    name = said(words.STATIONS, station.name, lang.value)
    return Box(
        x=x,
        name=name,
        under=_short(partner) if station.name == "partner" else "",
        sum=money(station.total.vnd, lang) if station.asked else "—",
        count=_counted(station, lang),
        agreement=_agreement(station),
        mark=_mark(station, lang),
        sentence=f"{name}: {_sentence(station, lang)}",
    )


def _link(before: Station, station: Station, x: int, lang: Language) -> Link:
    """The first of them joins two sides of one account, and is broken where either has a break."""
    broken = station.breaks or (before.name == "core" and before.breaks)
    agreement: Agreement = "not_asked" if not station.asked else "differs" if broken else "agrees"
    agree = ("khớp", "agree")[lang == Language.EN]
    return Link(
        from_x=x - GAP,
        to_x=x,
        agreement=agreement,
        above=f"{whole(station.agreed.rows, lang)} {agree}" if station.asked else "",
        below="≠" if agreement == "differs" else "",
    )


def _agreement(station: Station) -> Agreement:
    if not station.asked:
        return "not_asked"
    return "differs" if station.breaks else "agrees"


def _mark(station: Station, lang: Language) -> str:
    if not station.asked:
        return ""
    if not station.breaks:
        return ("✓ khớp", "✓ agrees")[lang == Language.EN]
    return f"≠ {whole(station.breaks, lang)} {('chênh lệch', 'breaks')[lang == Language.EN]}"


def _counted(station: Station, lang: Language) -> str:
    if not station.asked:
        return ("chưa có số liệu", "no figures yet")[lang == Language.EN]
    return f"{whole(station.total.rows, lang)} {('giao dịch', 'rows')[lang == Language.EN]}"


def _sentence(station: Station, lang: Language) -> str:
    if not station.asked:
        return ("chưa có số liệu để đối chiếu.", "nothing to compare yet.")[lang == Language.EN]
    rows, agree, differ, risk = (
        ("rows", "agree", "differ", "at risk")
        if lang == Language.EN
        else ("giao dịch", "khớp", "chênh lệch", "có rủi ro")
    )
    total, agreed = _figures(station.total, rows, lang), _figures(station.agreed, agree, lang)
    if not station.breaks:
        return f"{total}; {agreed}."
    return f"{total}; {agreed}; {whole(station.breaks, lang)} {differ}, {money(station.at_risk_vnd, lang)} {risk}."


def _figures(total: Total, what: str, lang: Language) -> str:
    return f"{whole(total.rows, lang)} {what}, {money(total.vnd, lang)}"


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23]}…"
