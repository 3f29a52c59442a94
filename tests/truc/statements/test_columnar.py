"""The columns read what the rows read: the same lines, the same faults, on clean and on dirty files."""

from dataclasses import astuple, replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truc.errors import MalformedError
from truc.statements import columnar
from truc.statements.columnar import SCHEMA, read_frame
from truc.statements.profiles import Amounts, Delimited, Meaning
from truc.statements.read import read

MEANS = Meaning(
    kinds={"TT": "payment", "HT": "refund", "+": "payment", "-": "refund"},
    states={"00": "paid", "99": "failed", "": "paid"},
)
PIPED = Delimited(
    party="bank",
    delimiter="|",
    header=("mark", "business_on"),
    line=(
        "mark",
        "line_no",
        "our_reference",
        "-note",
        "kind",
        "amount_vnd",
        "fee_vnd",
        "state",
        "occurred_at",
        "settled_on",
    ),
    trailer=("mark", "count", "amount_vnd"),
    header_mark="H",
    line_mark="D",
    trailer_mark="T",
    means=MEANS,
)
COMMAS = Delimited(
    party="wallet",
    delimiter=",",
    quoted="as_needed",
    titles=("STT", "Mã", "Tiền", "Ngày"),
    line=("line_no", "our_reference", "amount_vnd", "occurred_on"),
    trailer=("mark", "amount_vnd"),
    trailer_mark="Cộng",
    means=replace(
        MEANS, date_format="%d/%m/%Y", amounts=Amounts(thousands=".", decimals="'", sign="leading"), occurs="any_day"
    ),
)
HEAD = {"bank": "H|20250603", "wallet": "STT,Mã,Tiền,Ngày"}
LAST = {"bank": "T|3|6000", "wallet": "Cộng,6000"}
CELLS = {
    "mark": ["D", "X", ""],
    "line_no": ["1", "2", "3", "0", "x", "1" * 16, "01"],
    "our_reference": ["TT-1", "", "đơn", 'a"b', '"a,b"', '"cut', "a\rb", "a\0b", " x ", "e\u0301"],
    "-note": ["", "x", "|", '"'],
    "kind": ["TT", "HT", "ZZ", ""],
    "amount_vnd": ["1000", "2000", "", "-5", "+7", "1.000", "1.000'0", "1e3", "٣", "1" * 16, "0", "-0", " 1"],
    "fee_vnd": ["0", "10", "-1", "", "1.5"],
    "state": ["00", "99", "x", ""],
    "occurred_at": [
        "20250603081500", "20250604000000", "20250603256100", "2025060308150", "20250603081500 ", "00010603081500",
        "20250229000000", "",
    ],
    "occurred_on": ["03/06/2025", "3/6/2025", "31/06/2025", "03/06/1960", ""],
    "settled_on": ["", "20250604", "20251304", "x"],
}  # fmt: skip
CLEAN = {name: values[0] for name, values in CELLS.items()}


@pytest.mark.parametrize("settled", ["20251304", "x"])
def test_a_settled_day_that_is_none_is_no_clean_line(settled):
    body = f"H|20250603\nD|1|TT-1||TT|1000|0|00|20250603081500|{settled}\nT|1|1000".encode()
    assert [one.field for one in read_frame(body, PIPED).unread] == ["settled_on"]


def lines_of(profile):
    """Mostly clean lines; some cells, cell counts and whole lines are broken."""
    cells = [
        st.one_of(st.just(CLEAN[name]), st.just(CLEAN[name]), st.sampled_from(CELLS[name])) for name in profile.line
    ]
    whole = st.tuples(*cells).map(profile.delimiter.join)
    edges = [LAST[profile.party], HEAD[profile.party]]
    broken = st.sampled_from(["", " ", profile.delimiter, profile.delimiter * 12, *edges])
    more = whole.map(lambda line: line + profile.delimiter)
    fewer = whole.map(lambda line: line.rpartition(profile.delimiter)[0])
    return st.one_of(whole, whole, whole, broken, more, fewer)


def files(profile):
    """Whole files, their frames there or not, with any end of line."""
    framed = st.tuples(st.booleans(), st.lists(lines_of(profile), max_size=6), st.booleans())
    texts = framed.map(lambda parts: [HEAD[profile.party]] * parts[0] + parts[1] + [LAST[profile.party]] * parts[2])
    ends = st.sampled_from(["\n", "\r\n", "\n\n", "\r\r\n"])
    return st.tuples(texts, ends, st.booleans()).map(lambda one: one[1].join(one[0]) + one[1] * one[2])


def told(call):
    """Return the reading, or the reason there is none."""
    try:
        found = call()
    except MalformedError as error:
        return error.reason, str(error)
    rows = found.frame.rows() if isinstance(found, columnar.FrameReading) else [astuple(line) for line in found.lines]
    return found.business_on, found.unread, found.declared, found.computed, rows


@pytest.mark.parametrize("profile", [PIPED, COMMAS], ids=["piped", "commas"])
def test_columns_and_rows_say_the_same(profile):
    @settings(max_examples=150, deadline=None)
    @given(files(profile))
    def holds(text):
        body = text.encode()
        assert told(lambda: read_frame(body, profile)) == told(lambda: read(body, profile))

    holds()


def clean(lines, settled="20250604"):
    """A clean file of so many lines, all different."""
    rows = [f"D|{n}|TT-{n}||TT|1000|10|00|20250603081500|{settled}" for n in range(1, lines + 1)]
    return "\n".join([HEAD["bank"], *rows, f"T|{lines}|{lines * 1000}", ""])


@pytest.mark.parametrize("settled", ["20250604", ""])
def test_a_clean_file_is_read_without_the_row_reader(monkeypatch, settled):
    body = clean(500, settled).encode()
    wanted = told(lambda: read(body, PIPED))
    monkeypatch.setattr(columnar, "line_of", None)
    monkeypatch.setattr(columnar, "read", None)
    assert told(lambda: read_frame(body, PIPED)) == wanted


def test_of_a_large_file_only_the_lines_in_doubt_go_to_the_row_reader(monkeypatch):
    again = []
    by_rows = columnar.line_of
    monkeypatch.setattr(columnar, "line_of", lambda record, means: again.append(record.row) or by_rows(record, means))
    text = clean(500).replace("TT-77||", 'TT-77|"|').replace("D|99|TT-99||TT|1000", "D|99|TT-99||TT|1_000")
    found = read_frame(text.encode(), PIPED)
    assert again == [100]
    assert [(one.row, one.reason) for one in found.unread] == [(100, "amount_not_integer")]
    assert found.frame.height == 499


def test_a_whole_frame_has_the_neutral_row_and_nothing_of_the_file():
    frame = read_frame(clean(3).encode(), PIPED).whole()
    assert frame.columns == ["party", "business_on", *(name for name in SCHEMA if name != "row")]
    assert frame.schema["amount_vnd"] == pl.Int64
    assert frame["party"].unique().to_list() == ["bank"]


def test_a_frame_that_is_not_whole_is_refused_with_the_reason_of_the_rows():
    body = clean(3).replace("T|3|", "T|4|").encode()
    with pytest.raises(MalformedError) as caught:
        read_frame(body, PIPED).whole()
    assert caught.value.reason == "control_count_differs"


def test_what_columns_do_not_know_is_read_by_rows():
    profile = replace(PIPED, means=replace(MEANS, reference_pattern=r"\d+"))
    assert not columnar.fits(profile)
    assert read_frame(clean(2).encode(), profile).frame["our_reference"].to_list() == ["1", "2"]
