"""Time-stamps of a real authority verify, and nothing else does."""

import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.truc.trust.authority import Authority
from truc.errors import MalformedError, SetupError
from truc.trust import stamping

CONTENT = "what was decided today: 5.000 đồng".encode()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with closing(Authority.start(tmp_path_factory.mktemp("one") / "tsa")) as started:
        yield started


@pytest.fixture(scope="module")
def answer(authority: Authority) -> bytes:
    return authority.answer(stamping.query(CONTENT).body)


def test_an_answer_proves_the_time_of_the_bytes(authority: Authority, answer: bytes) -> None:
    stamped_at = stamping.verify(answer, CONTENT, stamping.read_roots(authority.root))
    assert timedelta() <= datetime.now(UTC) - stamped_at < timedelta(minutes=5)


def test_openssl_reads_the_same_answer(authority: Authority, answer: bytes, tmp_path: Path) -> None:
    kept = tmp_path / "answer.tsr"
    kept.write_bytes(answer)
    words = ["-digest", hashlib.sha256(CONTENT).hexdigest(), "-in", str(kept), "-CAfile", str(authority.root)]
    done = subprocess.run(["openssl", "ts", "-verify", *words], capture_output=True, check=False, timeout=30)
    assert b"Verification: OK" in done.stdout + done.stderr


def test_other_bytes_are_not_proved(authority: Authority, answer: bytes) -> None:
    with pytest.raises(MalformedError, match="time-stamp"):
        stamping.verify(answer, CONTENT + b"!", stamping.read_roots(authority.root))


def test_another_root_is_not_believed(answer: bytes, tmp_path: Path) -> None:
    with closing(Authority.start(tmp_path / "other")) as other, pytest.raises(MalformedError, match="time-stamp"):
        stamping.verify(answer, CONTENT, stamping.read_roots(other.root))


def test_an_answer_must_repeat_the_nonce(authority: Authority) -> None:
    asked, roots = stamping.query(CONTENT), stamping.read_roots(authority.root)
    answer = authority.answer(asked.body)
    assert stamping.verify(answer, CONTENT, roots, nonce=asked.nonce) is not None
    with pytest.raises(MalformedError, match="once"):
        stamping.verify(answer, CONTENT, roots, nonce=asked.nonce + 1)


def test_two_queries_do_not_share_a_nonce() -> None:
    assert stamping.query(CONTENT).nonce != stamping.query(CONTENT).nonce


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_altered_answer_never_verifies_as_something_else(
    authority: Authority, answer: bytes, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(answer) - 1))
    altered = bytearray(answer)
    altered[place] ^= data.draw(st.integers(1, 255))
    roots = stamping.read_roots(authority.root)
    try:
        said = stamping.verify(bytes(altered), CONTENT, roots)
    except MalformedError:
        return
    # What is outside the signature may change (an unsigned certificate, the form of a length), the proof may not.
    assert said == stamping.verify(answer, CONTENT, roots)


@pytest.mark.parametrize("text", ["signature", "token"])
def test_an_altered_signature_or_time_is_refused(authority: Authority, answer: bytes, text: str) -> None:
    place = len(answer) - 1 if text == "signature" else answer.index(hashlib.sha256(CONTENT).digest()) + 60
    altered = bytearray(answer)
    altered[place] ^= 1
    with pytest.raises(MalformedError, match="time-stamp"):
        stamping.verify(bytes(altered), CONTENT, stamping.read_roots(authority.root))


@pytest.mark.parametrize("words", [b"", b"no answer", b"\x30\x03\x02\x01\x02", b"\x30\x05\x30\x03\x02\x01\x02"])
def test_what_is_no_answer_is_refused(authority: Authority, words: bytes) -> None:
    with pytest.raises(MalformedError, match="time-stamp"):
        stamping.verify(words, CONTENT, stamping.read_roots(authority.root))


@pytest.mark.parametrize("words", [None, "", "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n"])
def test_a_file_without_certificates_is_a_matter_of_setup(tmp_path: Path, words: str | None) -> None:
    file = tmp_path / "roots.pem"
    if words is not None:
        file.write_text(words)
    with pytest.raises(SetupError, match="roots"):
        stamping.read_roots(file)
