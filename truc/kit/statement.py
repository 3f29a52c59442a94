"""`truc statement …`: try a statement file against a profile before anything is booked from it."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

import click

from truc import parties
from truc.errors import SetupError
from truc.statements.profile_file import load
from truc.statements.profiles import Profile
from truc.statements.read import read
from truc.statements.reading import Line, Reading

Language = Literal["vi", "en"]

WORDS = {
    "lines": ("dòng đọc được", "lines read"),
    "unread": ("dòng không đọc được", "lines not read"),
    "business_on": ("ngày giao dịch", "business day"),
    "first": ("Những dòng đầu", "The first lines"),
    "totals": ("Tổng: tệp khai / tính từ các dòng", "Totals: declared by the file / made by the lines"),
    "not_read": ("Không đọc được", "Not read"),
    "line": ("dòng", "line"),
    "nothing": ("không khai", "not declared"),
    "differs": ("LỆCH", "DIFFERS"),
    "whole": ("tệp nguyên vẹn: mọi dòng đọc được, mọi tổng khớp", "the file is whole: all lines read, all totals hold"),
    "not_whole": ("tệp KHÔNG được nhận", "the file is NOT taken"),
}
REASONS_VI = {
    "amount_missing": "thiếu số tiền",
    "amount_not_integer": "số tiền không phải số đồng nguyên theo dạng đã thoả thuận",
    "credit_and_debit": "vừa ghi có vừa ghi nợ",
    "date_malformed": "ngày sai dạng",
    "duplicate_line": "số thứ tự dòng bị lặp",
    "entry_total_differs": "tổng các giao dịch không bằng số tiền của bút toán",
    "header_missing": "thiếu dòng đầu tệp",
    "number_malformed": "không phải số nguyên",
    "text_not_storable": "có ký tự không lưu được",
    "time_malformed": "thời điểm sai dạng",
    "titles_differ": "tên cột khác với thoả thuận",
    "truncated": "tệp bị cắt: thiếu dòng cuối hoặc dấu ngoặc kép chưa đóng",
    "unknown_direction": "không rõ ghi có hay ghi nợ",
    "unknown_kind": "loại giao dịch không có trong bảng",
    "unknown_record": "không phải dòng giao dịch",
    "unknown_state": "trạng thái không có trong bảng",
    "wrong_columns": "sai số ô hoặc sai độ dài dòng",
    "wrong_currency": "không phải tiền đồng",
    "wrong_day": "không thuộc ngày giao dịch của tệp",
    "wrong_type": "ô sai kiểu",
}
COLUMNS = ("line_no", "our_reference", "partner_reference", "kind", "amount_vnd", "fee_vnd", "state")


@click.group(help="Statement files: read one on trial.")
def statement() -> None:
    """Group the commands."""


@statement.command("try", help="Read FILE by profile P: its first lines, its totals, every line that cannot be read.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--profile", "name", required=True, help="A party that declares one, or the path of a TOML file.")
@click.option("--rows", default=5, show_default=True, type=click.IntRange(0), help="How many lines to show.")
@click.option("--lang", default="vi", show_default=True, type=click.Choice(["vi", "en"]))
def try_(file: Path, name: str, rows: int, lang: str) -> None:
    """Print the reading; exit with 1 when a total differs or a line was not read."""
    language = cast(Language, lang)
    reading = read(file.read_bytes(), profile_named(name))
    for line in _shown(reading, rows, language):
        click.echo(line)
    if reading.unread or reading.differences:
        raise click.exceptions.Exit(1)


def profile_named(name: str) -> Profile:
    """Return a party's declared profile or that of a file; SetupError `profile_missing` when it is neither."""
    if name not in parties.names():
        return load(Path(name))
    mapping = f"mappings.{name}.statement"
    try:
        return cast(Profile, importlib.import_module(mapping).PROFILE)
    except (ModuleNotFoundError, AttributeError) as error:
        raise SetupError(f"{mapping} declares no PROFILE", reason="profile_missing") from error


def _shown(reading: Reading, rows: int, language: Language) -> list[str]:
    return [
        f"{len(reading.lines):>10,} {_word('lines', language)}",
        f"{len(reading.unread):>10,} {_word('unread', language)}",
        f"{reading.business_on or '-':>10} {_word('business_on', language)}",
        *_first(reading.lines[:rows], language),
        *_totals(reading, language),
        *_not_read(reading, language),
        _word("not_whole" if reading.unread or reading.differences else "whole", language),
    ]


def _first(lines: Sequence[Line], language: Language) -> list[str]:
    if not lines:
        return []
    cells = [[*COLUMNS, "occurred_at", "settled_on"]]
    for line in lines:
        shown = [str(getattr(line, name)) for name in COLUMNS]
        cells.append([*shown, f"{line.occurred_at:%Y-%m-%d %H:%M:%S}", str(line.settled_on or "-")])
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    table = ["  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in cells]
    return ["", f"{_word('first', language)}:", *(row.rstrip() for row in table)]


def _totals(reading: Reading, language: Language) -> list[str]:
    said, made = reading.declared, reading.computed
    closing = None if said.opening_vnd is None else said.opening_vnd + made.moved_vnd
    pairs = {
        "count": (said.count, made.count),
        "amount_vnd": (said.amount_vnd, made.amount_vnd),
        "credit_vnd": (said.credit_vnd, made.credit_vnd),
        "debit_vnd": (said.debit_vnd, made.debit_vnd),
        "closing_vnd": (said.closing_vnd, closing),
    }
    differing = {one.name for one in reading.differences}
    return ["", f"{_word('totals', language)}:"] + [
        f"  {name:<12} {_figure(declared, language):>22} / {_figure(computed, language):>22}"
        + (f"  {_word('differs', language)}" if name in differing else "")
        for name, (declared, computed) in pairs.items()
    ]


def _not_read(reading: Reading, language: Language) -> list[str]:
    if not reading.unread:
        return [""]
    line = _word("line", language)
    told = [
        f"  {line} {one.row}: {one.text if language == 'en' else _vietnamese(one.reason, one.field)} [{one.reason}]"
        for one in reading.unread
    ]
    return ["", f"{_word('not_read', language)}:", *told, ""]


def _vietnamese(reason: str, field: str) -> str:
    return f"{REASONS_VI[reason]} ({field})" if field else REASONS_VI[reason]


def _figure(value: int | None, language: Language) -> str:
    return _word("nothing", language) if value is None else f"{value:,}".replace(",", "." if language == "vi" else ",")


def _word(name: str, language: Language) -> str:
    return WORDS[name][0 if language == "vi" else 1]
