"""The list of the 24 kinds in both guides is the one in the code."""

from collections.abc import Callable
from pathlib import Path

import pytest

from truc.domain.notice_fields import FIELDS
from truc.domain.notice_kinds import KINDS, NoticeName
from truc.domain.notice_words import WORDS
from truc.domain.vietqr import ascii_text

DOCS = Path(__file__).parents[3] / "docs"


def english() -> str:
    """Return the list as docs/notices.md has it; a new one goes there word for word."""
    lines = ["## The 24 kinds", ""]
    lines += ["| Kind | Tells that | Named by | Sent by | Obligatory | Urgent | Fields |", _rule(7)]
    lines += [
        f"| `{name}` | {kind.event} | {kind.named_by} | {kind.sent_by} | {_say(kind.obligatory, 'yes')}"
        f" | {_say(kind.urgent, 'yes')}"
        f" | {_fields(name)} |"
        for name, kind in KINDS.items()
    ]
    lines += ["", "Fields in brackets are optional.", "", "| Field | What it is |", _rule(2)]
    lines += [f"| `{name}` | {field.meaning} |" for name, field in FIELDS.items()]
    lines += [
        "",
        "## The texts",
        "",
        "In each block: with accents, without, the e-mail's subject, what the e-mail adds.",
    ]
    lines += ["What stands in brackets falls away when its field is not given."]
    return "\n".join([*lines, *_texts()]) + "\n"


def vietnamese() -> str:
    """Return the list as docs/vi/tin-nhan.md has it; a new one goes there word for word."""
    lines = ["## 24 loại tin", "", "| Loại | Báo việc | Căn cứ | Do | Bắt buộc | Khẩn | Trường |", _rule(7)]
    lines += [
        f"| `{name}` | {kind.event_vi} | {kind.named_by} | {kind.sent_by} | {_say(kind.obligatory, 'có')}"
        f" | {_say(kind.urgent, 'có')}"
        f" | {_fields(name)} |"
        for name, kind in KINDS.items()
    ]
    lines += ["", "Trường trong ngoặc vuông là tùy chọn.", "", "## Nội dung", ""]
    lines += ["Mỗi khối gồm: có dấu, không dấu, tiêu đề thư, câu thêm trong thư."]
    lines += ["Đoạn trong ngoặc vuông được bỏ khi trường của nó không có giá trị."]
    return "\n".join([*lines, *_texts()]) + "\n"


def _rule(columns: int) -> str:
    return "|" + " --- |" * columns


def _say(holds: object, word: str) -> str:
    return word if holds else ""


def _fields(name: NoticeName) -> str:
    optional = [f"[`{field}`]" for field in KINDS[name].optional]
    return ", ".join([f"`{field}`" for field in KINDS[name].fields] + optional)


def _texts() -> list[str]:
    lines = []
    for name, words in WORDS.items():
        lines += ["", f"### {KINDS[name].title} (`{name}`)", "", "```text"]
        lines += [words.text, ascii_text(words.text), words.subject, words.more, "```"]
    return lines


@pytest.mark.parametrize(("name", "section"), [("notices.md", english), ("vi/tin-nhan.md", vietnamese)])
def test_the_guide_lists_the_kinds_as_they_are(name: str, section: Callable[[], str]) -> None:
    wanted = section()
    heading = wanted.partition("\n")[0]
    _, found, kept = (DOCS / name).read_text(encoding="utf-8").partition(f"{heading}\n")
    assert found + kept == wanted
