"""The benchmarks of one call run, and compare calls that do the same."""

import socket
from urllib.parse import urlsplit

import pytest

from bench import rest, soap
from bench.answering import answering
from bench.turns import compared


def test_rest_is_measured_beside_a_bare_session() -> None:
    figures = rest.run(calls=3, rounds=2)
    assert [one.floor_name for one in figures] == ["requests.Session"] * 2
    assert all(min(one.ours_s, one.floor_s) > 0 for one in figures)


def test_soap_is_measured_beside_bare_zeep_and_signed_beside_unsigned() -> None:
    plain, signed = soap.run(calls=4, rounds=2)
    assert min(plain.ours_s, plain.floor_s, signed.ours_s, signed.floor_s) > 0
    assert "0.9" in plain.note


def test_calls_that_do_not_do_the_same_are_not_compared() -> None:
    with pytest.raises(AssertionError, match="do not do the same"):
        compared("x", lambda: 1, lambda: 2, floor_name="y", bar=None, calls=1, rounds=1)


def test_the_server_answers_a_body_that_comes_in_parts() -> None:
    with answering(b"answer", "text/plain") as url:
        address = ("127.0.0.1", urlsplit(url).port or 0)
        with socket.create_connection(address, timeout=10) as line:
            for part in (b"POST / HTTP/1.1\r\ncontent-len", b"gth: 4\r\n\r\nab", b"cd"):
                line.sendall(part)
            assert line.recv(1000).endswith(b"\r\n\r\nanswer")
