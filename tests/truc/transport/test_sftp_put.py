"""A file of ours gets its name whole, once, over no other, and what nobody knows is said to be unknown."""

import pytest

from sandbox.treasury.server import start
from truc.errors import OutcomeUnknownError, SetupError, TransientError
from truc.manifest import Limits
from truc.transport.sftp import Endpoint, connected

LIMITS = Limits(timeout_s=5, connect_timeout_s=2)


@pytest.fixture
def server(tmp_path):
    running = start(0, tmp_path, "http://127.0.0.1:1")
    yield running, tmp_path / "files" / "orders"
    running.close()


def session(running):
    value = running.connection
    endpoint = Endpoint(
        host=value["host"],
        port=value["port"],
        login=value["login"],
        password=value["password"],
        host_key=value["extra"]["host_key"],
    )
    return connected("treasury", endpoint, LIMITS)


def test_a_large_file_arrives_byte_for_byte_and_leaves_no_part(server):
    running, folder = server
    body = bytes(range(256)) * 1_024
    with session(running) as sftp:
        sftp.put("/orders", "large.bin", body)
        assert sftp.find("/refused", "large.bin") == body, "the office takes no order from it"
        assert sftp.find("/orders", "large.bin") is None
    assert list(folder.iterdir()) == []


def test_a_part_left_by_a_send_that_broke_off_is_written_over(server):
    running, folder = server
    (folder / "a.txt.part").write_bytes(b"half of something longer")
    with session(running) as sftp:
        sftp.put("/orders", "a.txt", b"whole")
        assert sftp.find("/refused", "a.txt") == b"whole"


def test_no_other_file_is_replaced(server):
    running, folder = server
    (folder / "a.txt").write_bytes(b"other")
    with session(running) as sftp, pytest.raises(OutcomeUnknownError):
        sftp.put("/orders", "a.txt", b"ours")
    assert (folder / "a.txt").read_bytes() == b"other"


def test_a_folder_where_nothing_may_be_written_needs_a_person(server):
    running, _ = server
    with session(running) as sftp, pytest.raises(SetupError) as caught:
        sftp.put("/taken", "a.txt", b"x")
    assert caught.value.reason == "unauthorised"


def test_a_size_that_is_not_ours_keeps_the_file_without_its_name(server, monkeypatch):
    running, folder = server
    with session(running) as sftp:
        real = sftp._session.stat
        monkeypatch.setattr(sftp._session, "stat", lambda path: _smaller(real(path)))
        with pytest.raises(TransientError) as caught:
            sftp.put("/orders", "a.txt", b"whole")
    assert caught.value.reason == "cut_short"
    assert [one.name for one in folder.iterdir()] == ["a.txt.part"]


def _smaller(found):
    found.st_size -= 1
    return found


def test_what_is_asked_for_while_the_server_fails_is_no_absence(server):
    running, _ = server
    with session(running) as sftp:
        sftp._session.get_channel().close()
        with pytest.raises(TransientError) as caught:
            sftp.find("/orders", "a.txt")
    assert caught.value.reason == "no_answer"
