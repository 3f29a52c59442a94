"""A message is known by its bytes."""

import hashlib
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc.envelope import Answer, Arrival, Envelope, digest_of


@given(body=st.binary(max_size=200))
def test_the_digest_is_sha256_in_lower_case_hex(body: bytes) -> None:
    assert Envelope("p", "k", "1", body).digest == digest_of(body) == hashlib.sha256(body).hexdigest()


def test_a_published_vector() -> None:
    # FIPS 180-2, appendix B.1
    assert digest_of(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_an_envelope_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Envelope("p", "k", "1", b"").body = b"other"  # type: ignore[misc]  # the point of the test


def test_an_answer_without_receipt_has_none() -> None:
    assert Answer(Arrival.ABSENT).receipt is None
    assert set(Arrival) == {"arrived", "absent", "not_said"}
