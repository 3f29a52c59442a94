"""The treasury's files beside their approved readings."""

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.treasury import confirmation, remittance
from tests.truc import samples
from truc.errors import MalformedError
from truc.messages import RemittanceOrdered

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas/treasury/remittance.json").read_text(encoding="utf-8"))
ORDER = (
    "H|NOPKB|20260303|20260304090000\n"
    "D|1|K26030400000001|H32.01|Sở thử nghiệm|KBNN thử nghiệm|7111.0.0000000|554|2663|50001\n"
    "T|1|50001\n"
)
CONFIRMED = (
    "H|KBNN|20260305\n"
    "D|1|K26030400000001|KB26030500001|00|50001|20260305100000|\n"
    "D|2|K26030400000002|KB26030500002|99|50002|20260305100001|Sai số tài khoản\n"
    "T|2|100003\n"
)


def cells(body):
    return [line.split("|") for line in body.decode().removesuffix("\n").split("\n")]


def test_an_order_is_written_with_count_sum_and_end():
    message, _, _ = samples.remittance(1)
    assert remittance.write(message).decode() == ORDER


words = st.text(max_size=300)


@given(words, words, words, words, st.integers(1, 10**15))
def test_what_is_written_fits_the_schema_or_is_refused(reference, beneficiary, treasury, account, amount):
    message, _, _ = samples.remittance(1)
    changes = {
        "remittance_reference": reference,
        "beneficiary": beneficiary,
        "treasury": treasury,
        "account": account,
        "amount_vnd": amount,
    }
    with contextlib.suppress(MalformedError):
        rows = cells(remittance.write(message.model_copy(update=changes)))
        jsonschema.validate(rows, SCHEMA)
        assert rows[1][2:] == [reference, "H32.01", beneficiary, treasury, account, "554", "2663", str(amount)]


@pytest.mark.parametrize("wrong", ["", "a|b", "a\nb", "a\x00b", "x" * 251])
def test_a_cell_that_would_be_read_as_another_is_refused_by_its_name(wrong):
    message, _, _ = samples.remittance(1)
    with pytest.raises(MalformedError, match="beneficiary") as caught:
        remittance.write(message.model_copy(update={"beneficiary": wrong}))
    assert caught.value.reason == "cell_not_writable"


@pytest.mark.parametrize(("field", "wrong"), [("chapter", "55"), ("sub_item", "266"), ("amount_vnd", 0)])
def test_an_order_without_its_codes_or_money_is_no_order(field, wrong):
    message, _, _ = samples.remittance(1)
    with pytest.raises(ValueError, match=field):
        RemittanceOrdered.model_validate(message.model_dump() | {field: wrong})


def test_confirmations_are_read():
    first, second = confirmation.read(CONFIRMED.encode())
    assert (first.remittance_reference, first.treasury_reference) == ("K26030400000001", "KB26030500001")
    assert (first.amount_vnd, first.state, first.reason) == (50_001, "confirmed", "")
    assert first.occurred_at == datetime(2026, 3, 5, 3, 0, tzinfo=UTC)
    assert (second.state, second.reason) == ("refused", "Sai số tài khoản")


def test_a_day_on_which_nothing_was_confirmed_is_a_file_too():
    assert list(confirmation.read(b"H|KBNN|20260305\nT|0|0\n")) == []


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ("T|2|100003", "T|2|100004", "control_total_differs"),
        ("T|2|", "T|3|", "control_count_differs"),
        ("T|2|100003\n", "", "truncated"),
        ("T|2|100003\n", "T|2|100003", "truncated"),
        ("H|KBNN|20260305\n", "", "truncated"),
        ("|00|", "|77|", "unknown_state"),
        ("|50001|", "|50001.0|", "bad_amount"),
        ("|50001|", "|-1|", "bad_amount"),
        ("|50001|", "|5٠001|", "bad_amount"),
        ("20260305100000", "20260305256161", "bad_time"),
        ("20260305100000", "2026-03-05", "bad_time"),
        ("D|2|", "D|1|", "bad_line"),
        ("D|1|K26030400000001", "D|1|", "bad_line"),
        ("Sai số", "Sai|số", "bad_line"),
        ("Sai số", "Sai\x00số", "truncated"),
    ],
)
def test_a_statement_that_does_not_hold_is_refused_whole(right, wrong, reason):
    assert right in CONFIRMED
    with pytest.raises(MalformedError) as caught:
        list(confirmation.read(CONFIRMED.replace(right, wrong, 1).encode()))
    assert caught.value.reason == reason


def test_the_codes_reach_both_words_of_ours():
    assert set(confirmation.STATES.values()) == {"confirmed", "refused"}
