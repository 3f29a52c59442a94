"""A webhook event books nothing, and what is no event says so."""

import pytest

from mappings.zalo.event import read
from truc.errors import MalformedError


def test_an_event_books_nothing() -> None:
    assert list(read(b'{"event_name": "user_received_message", "timestamp": "1764000000000"}')) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"\xff", "not_json"),
        (b"[]", "field_missing"),
        (b"{}", "field_missing"),
        (b'{"event_name": 7}', "field_missing"),
    ],
)
def test_what_is_no_event_is_malformed(body: bytes, reason: str) -> None:
    with pytest.raises(MalformedError) as raised:
        list(read(body))
    assert raised.value.reason == reason
