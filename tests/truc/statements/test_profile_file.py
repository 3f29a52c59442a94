"""Profiles in TOML say what the dataclasses say, and a wrong word is named."""

from pathlib import Path

import pytest

from mappings.momo.statement import PROFILE as MOMO
from truc.errors import SetupError
from truc.statements.profile_file import load, parse
from truc.statements.profiles import Amounts, Camt053, FixedWidth, Mt940, Span, Workbook

MOMO_TOML = """
form = "delimited"
party = "momo"
delimiter = ","
quoted = "as_needed"
header = ["mark", "-partner_code", "business_on"]
line = ["mark", "line_no", "our_reference", "partner_reference", "kind", "amount_vnd", "fee_vnd", "state",
        "occurred_at"]
trailer = ["mark", "count", "amount_vnd"]
header_mark = "HEADER"
line_mark = "LINE"
trailer_mark = "TOTAL"

[means]
date_format = "%Y-%m-%d"
time_format = "%Y-%m-%d %H:%M:%S"
kinds = { PAYMENT = "payment", REFUND = "refund", REVERSAL = "reversal", FEE = "fee", SETTLEMENT = "settlement" }
states = { SUCCESS = "paid", PENDING = "pending", REFUNDED = "refunded", FAILED = "failed" }
"""
MEANS = '[means]\nkinds = {"+" = "payment"}\nstates = {"" = "paid"}\n'


def test_the_file_is_the_dataclass():
    assert parse(MOMO_TOML) == MOMO


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('form = "camt053"\nparty = "b"\naccount = "1"\n', Camt053),
        ('form = "mt940"\nparty = "b"\nreference = "narrative"\n', Mt940),
        (
            'form = "workbook"\nparty = "b"\ncolumns = {A = "our_reference", B = "amount_vnd", C = "occurred_on"}\n',
            Workbook,
        ),
        (
            """form = "fixed_width"\nparty = "b"\nwidth = 30\nline = [{name = "our_reference", first = 1, length = 8},
            {name = "amount_vnd", first = 9, length = 9}, {name = "occurred_on", first = 18, length = 8}]\n""",
            FixedWidth,
        ),
    ],
)
def test_every_form_can_be_written(text, kind):
    profile = parse(text + MEANS + '[means.amounts]\nthousands = "."\n')
    assert isinstance(profile, kind)
    assert profile.means.amounts == Amounts(thousands=".")
    assert not isinstance(profile, FixedWidth) or profile.line[0] == Span(name="our_reference", first=1, length=8)


@pytest.mark.parametrize(
    ("right", "wrong", "named"),
    [
        ('form = "delimited"', 'form = "csv"', "form"),
        ('form = "delimited"', "", "form"),
        ('delimiter = ","', 'delimeter = ","', "delimeter"),
        ('delimiter = ","', "delimiter = 1", "delimiter"),
        ('quoted = "as_needed"', 'quoted = "always"', "quoted"),
        ('"occurred_at"]', '"occured_at"]', "occured_at"),
        ('"refund"', '"refunded"', "refunded"),
        ("[means]", "[means", "TOML"),
        ("[means]", '[means]\nspeed = "high"', "speed"),
    ],
)
def test_a_wrong_word_is_named(right, wrong, named):
    assert right in MOMO_TOML
    with pytest.raises(SetupError, match=named) as caught:
        parse(MOMO_TOML.replace(right, wrong, 1))
    assert caught.value.reason == "profile_malformed"


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(SetupError, match=r"none\.toml") as caught:
        load(tmp_path / "none.toml")
    assert caught.value.reason == "profile_missing"
