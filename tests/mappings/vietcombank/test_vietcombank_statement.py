"""Vietcombank's statement beside its approved reading."""

import pytest

from mappings.vietcombank import statement
from truc.errors import MalformedError

STATEMENT = (
    "H|VCB|20250603\n"
    "D|1|TT-1|FT25154001|TT|200000|0|00|20250603081500|\n"
    "D|2|TT-2|FT25154002|HT|31500|1100|99|20250603235959|20250604\n"
    "T|2|231500\n"
)


def test_the_statement_is_read_in_the_neutral_row():
    (found,) = statement.read(STATEMENT.encode())
    assert (found.business_on.isoformat(), found.count_declared, found.amount_declared_vnd) == (
        "2025-06-03",
        2,
        231_500,
    )
    first, second = found.lines
    assert (first.line_no, first.our_reference, first.partner_reference) == (1, "TT-1", "FT25154001")
    assert (first.kind, first.amount_vnd, first.fee_vnd, first.state) == ("payment", 200_000, 0, "paid")
    assert first.occurred_at.isoformat() == "2025-06-03T08:15:00+07:00"
    assert (second.kind, second.fee_vnd, second.state) == ("refund", 1_100, "failed")


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ("T|2|231500", "T|2|231400", "control_total_differs"),
        ("T|2|", "T|3|", "control_count_differs"),
        ("T|2|231500\n", "", "truncated"),
        ("|00|", "|77|", "unknown_state"),
        ("TT-1", "TT\x00-1", "text_not_storable"),
        ("FT25154002", "\x00", "text_not_storable"),
        ("20250603081500", "20250602081500", "wrong_day"),
    ],
)
def test_a_statement_that_does_not_hold_is_refused_whole(right, wrong, reason):
    assert right in STATEMENT
    with pytest.raises(MalformedError) as caught:
        list(statement.read(STATEMENT.replace(right, wrong, 1).encode()))
    assert caught.value.reason == reason


def test_the_tables_reach_every_word_of_ours():
    assert set(statement.PROFILE.means.kinds.values()) == {"payment", "refund", "reversal", "fee", "settlement"}
    assert set(statement.PROFILE.means.states.values()) == {"paid", "failed", "pending", "refunded"}


def with_profile(profile: bytes, length: int | None = None) -> bytes:
    return b"#truc-profile %d\n" % (len(profile) if length is None else length) + profile + STATEMENT.encode()


@pytest.mark.parametrize("profile", [b"form = ", b'form = "camt054"', b"\xff", b'form = "delimited"'])
def test_a_profile_that_cannot_be_used_refuses_the_file_and_says_what_to_do(profile):
    with pytest.raises(MalformedError, match="correct it and fetch the day again") as caught:
        list(statement.read(with_profile(profile)))
    assert caught.value.reason == "profile_malformed"


def test_a_length_that_is_not_the_profile_s_is_no_statement():
    with pytest.raises(MalformedError):
        list(statement.read(with_profile(b"x = 1", length=999_999)))
