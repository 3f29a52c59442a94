"""What each form tells of a file's completeness: its end, its number, its sum; a part of a file is refused."""

from dataclasses import replace

import pytest

from tests.truc.statements.test_forms import (
    CAMT,
    FIXED,
    FIXED_FILE,
    LINES,
    MT940,
    SHEET,
    SWIFT,
    TOTAL,
    camt,
    entry,
    sheet,
)
from truc.errors import MalformedError
from truc.statements.columnar import read_frame
from truc.statements.profiles import Delimited, Meaning, Span
from truc.statements.read import read

TEXT = Delimited(
    party="bank",
    delimiter=";",
    header=("mark", "business_on", "sequence"),
    header_mark="H",
    line=("our_reference", "amount_vnd", "occurred_on"),
    trailer=("mark", "credit_vnd", "debit_vnd"),
    trailer_mark="T",
    means=Meaning(kinds={"+": "payment"}, states={"": "paid"}),
)
TEXT_FILE = b"H;20260304;12\nP1;5;20260304\nP2;6;20260304\nT;11;0\n"


def whole(body, profile):
    """Return what the gate is told of a file."""
    file = read(body, profile).whole()
    return file.end_marked, file.sequence_first, file.sequence_last, file.count_declared, file.amount_declared_vnd


def reason(body, profile):
    """Return why a file is not taken."""
    with pytest.raises(MalformedError) as caught:
        read(body, profile).whole()
    return caught.value.reason


def test_a_header_may_number_the_file_and_credits_and_debits_make_its_sum():
    assert whole(TEXT_FILE, TEXT) == (True, 12, 12, None, 11)
    assert read_frame(TEXT_FILE, TEXT).declared == read(TEXT_FILE, TEXT).declared


@pytest.mark.parametrize("number", [b"0", b"-1", b"x", b""])
def test_a_number_that_is_none_is_refused(number):
    assert reason(TEXT_FILE.replace(b"12", number), TEXT) == "number_malformed"


def test_a_form_without_a_trailer_offers_no_end_and_half_a_sum_is_none():
    bare = replace(TEXT, trailer=(), trailer_mark="")
    assert whole(TEXT_FILE.rsplit(b"T", 1)[0], bare) == (False, 12, 12, None, None)
    half = replace(TEXT, trailer=("mark", "credit_vnd"))
    assert whole(TEXT_FILE.replace(b";0\n", b"\n"), half) == (True, 12, 12, None, None)


def test_fixed_width_and_sheets_tell_their_end():
    numbered = replace(FIXED, header=(*FIXED.header, Span(name="sequence", first=10, length=4)))
    assert whole(FIXED_FILE.replace(b"H20250603", b"H202506030031"), numbered) == (True, 31, 31, 2, 231_500)
    assert whole(sheet(*LINES, TOTAL), SHEET)[0] is True
    assert whole(sheet(*LINES), replace(SHEET, trailer={}, trailer_mark=""))[0] is False


@pytest.mark.parametrize(
    ("summary", "number"),
    [
        ("", None),
        ("<ElctrncSeqNb>61</ElctrncSeqNb><LglSeqNb>60</LglSeqNb>", 61),
        ("<LglSeqNb>60</LglSeqNb>", 60),
        ("<ElctrncSeqNb>0</ElctrncSeqNb>", None),
        ("<StmtPgntn><PgNb>1</PgNb><LastPgInd>true</LastPgInd></StmtPgntn>", None),
    ],
)
def test_a_camt_statement_may_be_numbered(summary, number):
    assert whole(camt(entry(), "08", summary=summary), replace(CAMT))[:3] == (True, number, number)


@pytest.mark.parametrize(
    ("summary", "why"),
    [
        ("<ElctrncSeqNb>x</ElctrncSeqNb>", "number_malformed"),
        ("<StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>", "truncated"),
        ("<StmtPgntn><PgNb>2</PgNb><LastPgInd>true</LastPgInd></StmtPgntn>", "truncated"),
    ],
)
def test_one_page_of_a_camt_statement_is_not_the_whole(summary, why):
    assert reason(camt(entry(), "08", summary=summary), CAMT) == why


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ("1/1 1/2", (1, 1)),
        ("00031/00001 00031/00002", (31, 31)),
        ("31 32", (31, 32)),
        ("31/1 32/1", (31, 32)),
        ("0/1 0/1", (None, None)),
    ],
)
def test_the_messages_of_an_mt940_file_follow_each_other(numbers, said):
    assert whole(mt940(numbers), SWIFT)[1:3] == said


@pytest.mark.parametrize("numbers", ["1/1 1/3", "1/1 1/1", "1 3", "2 1", "1/2 2/2"])
def test_an_mt940_file_that_lacks_a_message_is_refused(numbers):
    assert reason(mt940(numbers), SWIFT) == "sequence_gap"


def mt940(numbers):
    """Return the two messages under these numbers."""
    first, second = numbers.split()
    blank = MT940.replace(":28C:1/1\r", ":28C:{0}\r").replace(":28C:1/2\r", ":28C:{1}\r")
    return blank.replace("{0}", first).replace("{1}", second).encode()
