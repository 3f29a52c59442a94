"""A member is read as it was written, or refused with a reason that shows no value."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc.domain import members
from truc.domain.text import storable
from truc.errors import MalformedError


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
def test_an_object_is_read_with_its_numbers_as_they_were_written(said: dict[str, object]) -> None:
    read = members.json_object(json.dumps(said))
    assert read == {name: str(value) if isinstance(value, int) else value for name, value in said.items()}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"\xff", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"[]", "not_an_object"),
        ("1", "not_an_object"),
    ],
)
def test_anything_else_is_refused(body: bytes | str, reason: str) -> None:
    with pytest.raises(MalformedError) as caught:
        members.json_object(body)
    assert caught.value.reason == reason


@given(st.text(min_size=1))
def test_a_text_is_given_back_or_refused_without_being_shown(value: str) -> None:
    if storable(value):
        assert members.text({"name": value}, "name") == members.optional({"name": value}, "name") == value
        return
    with pytest.raises(MalformedError) as caught:
        members.text({"name": value}, "name")
    assert caught.value.reason == "text_not_storable"
    assert value not in str(caught.value)


@pytest.mark.parametrize("said", [{}, {"name": None}, {"name": ""}])
def test_only_an_optional_text_may_be_missing(said: dict[str, object]) -> None:
    assert members.optional(said, "name") == ""
    with pytest.raises(MalformedError):
        members.text(said, "name")


@pytest.mark.parametrize("value", [7, ["x"], {"x": "y"}, True])
def test_what_is_no_text_is_refused_everywhere(value: object) -> None:
    for read in (members.text, members.optional):
        with pytest.raises(MalformedError) as caught:
            read({"name": value}, "name")
        assert caught.value.reason == "field_malformed"
