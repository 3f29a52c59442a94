"""What is sealed opens with its key in its place and in no other way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc.errors import MalformedError
from truc.trust.sealing import Sealer

SEALER = Sealer(seal_key=bytes(32), index_key=bytes(range(32)))
OTHER = Sealer(seal_key=bytes([9] * 32), index_key=bytes([9] * 32))


@given(value=st.binary(max_size=300))
def test_sealed_bytes_come_back(value: bytes) -> None:
    assert SEALER.unseal(SEALER.seal(value, context="t.c"), context="t.c") == value


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_text_comes_back_and_empty_text_is_null(text: str) -> None:
    sealed = SEALER.seal_text(text, context="t.c")
    assert (sealed is None) == (text == "")
    assert SEALER.unseal_text(sealed, context="t.c") == text


def test_two_seals_of_one_value_differ() -> None:
    assert len({SEALER.seal(b"056123456789", context="t.c") for _ in range(50)}) == 50


@given(value=st.binary(min_size=4, max_size=60))
def test_the_sealed_form_does_not_hold_the_value(value: bytes) -> None:
    assert value not in SEALER.seal(value, context="t.c")


@given(value=st.binary(max_size=60), data=st.data())
def test_any_changed_byte_is_noticed(value: bytes, data: st.DataObject) -> None:
    sealed = bytearray(SEALER.seal(value, context="t.c"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    _refused(bytes(sealed))


@given(value=st.binary(max_size=60), data=st.data())
def test_any_cut_is_noticed_however_short_what_is_left(value: bytes, data: st.DataObject) -> None:
    sealed = SEALER.seal(value, context="t.c")
    _refused(sealed[: data.draw(st.integers(0, len(sealed) - 1))])
    _refused(sealed + b"\0")


def test_another_key_or_another_place_does_not_open() -> None:
    sealed = SEALER.seal(b"secret", context="customers.phone")
    for sealer, context in ((OTHER, "customers.phone"), (SEALER, "customers.email")):
        with pytest.raises(MalformedError) as caught:
            sealer.unseal(sealed, context=context)
        assert caught.value.reason == "seal_broken"
        assert "secret" not in str(caught.value)


@given(value=st.text(max_size=30), other=st.text(max_size=30))
def test_the_blind_index_finds_the_same_value_and_no_other(value: str, other: str) -> None:
    index = SEALER.blind_index(value, context="a")
    assert index == SEALER.blind_index(value, context="a")
    assert len(index) == 64
    assert (index == SEALER.blind_index(other, context="a")) == (value == other)


def test_the_blind_index_hangs_on_key_and_context() -> None:
    indexes = {
        SEALER.blind_index("056123456789", context="a"),
        SEALER.blind_index("056123456789", context="b"),
        OTHER.blind_index("056123456789", context="a"),
    }
    assert len(indexes) == 3


def test_keys_never_show() -> None:
    shown = repr(Sealer(seal_key=b"K" * 32, index_key=b"I" * 32))
    assert "KKK" not in shown
    assert "III" not in shown


def _refused(sealed: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        SEALER.unseal(sealed, context="t.c")
    assert caught.value.reason == "seal_broken"
