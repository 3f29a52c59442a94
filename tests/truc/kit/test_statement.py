"""`truc statement try` shows what would be booked, and every line that would not."""

import ast
import inspect
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.truc.statements.test_profile_file import MOMO_TOML
from truc import statements
from truc.kit import statement

GOOD = (
    "HEADER,MOMO,2025-06-03\r\n"
    "LINE,1,TT-1,4088878653,PAYMENT,200000,0,SUCCESS,2025-06-03 08:15:00\r\n"
    "LINE,2,TT-2,4088878654,REFUND,31500,1100,FAILED,2025-06-03 09:00:00\r\n"
    "TOTAL,2,231500\r\n"
)


def run(folder, text, *words, profile="momo"):
    """Return exit code and output."""
    (folder / "file.csv").write_bytes(text.encode())
    done = CliRunner().invoke(statement.statement, ["try", str(folder / "file.csv"), "--profile", profile, *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_a_whole_file_is_shown_with_its_first_lines_and_totals(tmp_path):
    code, output = run(tmp_path, GOOD, "--rows", "1")
    assert code == 0
    assert "2 dòng đọc được" in output
    assert "TT-1" in output
    assert "TT-2" not in output
    assert "231.500" in output
    assert output.endswith("tệp nguyên vẹn: mọi dòng đọc được, mọi tổng khớp\n")


def test_every_line_not_read_is_listed_with_its_reason_and_the_end_is_1(tmp_path):
    broken = GOOD.replace(",200000,", ',"200,5",').replace("REFUND", "GIFT")
    code, output = run(tmp_path, broken)
    assert code == 1
    assert (
        "dòng 2: số tiền không phải số đồng nguyên theo dạng đã thoả thuận (amount_vnd) [amount_not_integer]" in output
    )
    assert "dòng 3: loại giao dịch không có trong bảng (kind) [unknown_kind]" in output
    assert output.count("LỆCH") == 2
    assert "200,5" not in output


def test_the_other_language(tmp_path):
    code, output = run(tmp_path, GOOD.replace("TOTAL,2", "TOTAL,3"), "--lang", "en")
    assert code == 1
    assert "count                             3 /                      2  DIFFERS" in output
    assert "the file is NOT taken" in output
    assert "line 2: kind must be one of" in run(tmp_path, GOOD.replace("PAYMENT", "X"), "--lang", "en")[1]


def test_a_profile_of_a_file(tmp_path):
    path = tmp_path / "agreed.toml"
    path.write_text(MOMO_TOML, encoding="utf-8")
    assert run(tmp_path, GOOD, profile=str(path))[0] == 0


@pytest.mark.parametrize("profile", ["nobody", "sms"])
def test_a_profile_that_is_not_there_is_said(tmp_path, profile):
    (tmp_path / "file.csv").write_text(GOOD, encoding="utf-8")
    from truc.cli import main

    done = CliRunner().invoke(main, ["statement", "try", str(tmp_path / "file.csv"), "--profile", profile])
    assert done.exit_code == 1
    assert profile in done.output


def test_a_file_that_is_none_ends_with_1_and_its_reason(tmp_path):
    (tmp_path / "file.csv").write_bytes(b"\n\n")
    from truc.cli import main

    done = CliRunner().invoke(main, ["statement", "try", str(tmp_path / "file.csv"), "--profile", "momo"])
    assert (done.exit_code, "empty" in done.output) == (1, True)


def test_every_reason_a_line_can_have_is_told_in_vietnamese():
    """Every literal reason given to CellError or Unread in the readers."""
    found = set()
    for path in Path(inspect.getfile(statements)).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("CellError", "Unread"):
                found |= {one.value for one in node.args[1:2] if isinstance(one, ast.Constant)}
    assert len(found) > 12
    assert found - {""} <= statement.REASONS_VI.keys()
