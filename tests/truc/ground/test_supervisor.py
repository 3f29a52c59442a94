"""Services come up, stay up, and go without a trace, also when the supervisor is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from truc.errors import SetupError
from truc.ground.processes import survivors
from truc.ground.supervisor import Service, Supervisor, running_pid, stop_running

ROOT = Path(__file__).parents[3]
# A service with a child in its group and one that left for a session of its own, both deaf to SIGTERM.
FAMILY = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
for apart in (False, True):
    subprocess.Popen([sys.executable, "-c", deaf], start_new_session=apart)
open(sys.argv[1], "w").write("ready")
time.sleep(600)
"""
KEEPER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from truc.ground.supervisor import Service, Supervisor
here = Path(sys.argv[1])
family = Service(name="family", argv=[sys.executable, "-c", sys.argv[3], str(here / "up")],
                 ready=(here / "up").exists, grace_s=2)
with Supervisor(here / "run", here / "log") as keeper:
    keeper.start(family)
    (here / "all-up").touch()
    time.sleep(600)
"""


def family(here, name="family", **more):
    up = here / f"{name}-up"
    up.unlink(missing_ok=True)
    return Service(name=name, argv=[sys.executable, "-c", FAMILY, str(up)], ready=up.exists, grace_s=2, **more)


def soon(question, within_s=15.0):
    until = time.monotonic() + within_s
    while not question():
        assert time.monotonic() < until, "did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def keeper(tmp_path):
    """A supervisor in a process of its own, with one family of three running below a launcher."""
    process = subprocess.Popen([sys.executable, "-c", KEEPER, str(tmp_path), str(ROOT), FAMILY])
    soon((tmp_path / "all-up").exists)
    soon(lambda: len(survivors(tmp_path / "run")) == 4)
    yield process
    process.kill()
    process.wait()
    stop_running(tmp_path / "run")


def test_the_block_leaves_no_process_behind(tmp_path):
    with Supervisor(tmp_path / "run", tmp_path / "log") as supervisor:
        took = supervisor.start(family(tmp_path, "one"), family(tmp_path, "two"))
        assert set(took) == {"one", "two"}
        soon(lambda: len(survivors(tmp_path / "run")) == 8)
        assert running_pid(tmp_path / "run") == os.getpid()
    assert survivors(tmp_path / "run") == []
    assert running_pid(tmp_path / "run") is None


def test_nothing_survives_kill_9_of_the_supervisor(keeper, tmp_path):
    keeper.kill()
    keeper.wait()
    soon(lambda: survivors(tmp_path / "run") == [])


def test_nothing_survives_kill_9_of_a_launcher(keeper, tmp_path):
    launcher = next(pid for pid in survivors(tmp_path / "run") if os.getsid(pid) == pid and _parent(pid) == keeper.pid)
    members = set(survivors(tmp_path / "run"))
    (tmp_path / "up").unlink()
    os.kill(launcher, signal.SIGKILL)
    # The supervisor starts the family again; of the first one only who left its session may remain, until the stop.
    soon((tmp_path / "up").exists)
    assert len(members & set(survivors(tmp_path / "run"))) <= 1
    keeper.send_signal(signal.SIGTERM)
    keeper.wait(20)
    assert survivors(tmp_path / "run") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_everything_in_order(keeper, tmp_path, number):
    keeper.send_signal(number)
    keeper.wait(20)
    assert survivors(tmp_path / "run") == []


def test_stop_from_another_terminal(keeper, tmp_path):
    assert running_pid(tmp_path / "run") == keeper.pid
    # This process waits for the keeper's end as its parent, as a shell would.
    assert stop_running(tmp_path / "run")
    keeper.wait(20)
    assert survivors(tmp_path / "run") == []
    assert not stop_running(tmp_path / "run")


def test_a_second_supervisor_of_the_same_installation_is_refused(keeper, tmp_path):
    with (
        pytest.raises(SetupError, match=f"already running as process {keeper.pid}"),
        Supervisor(tmp_path / "run", tmp_path / "log"),
    ):
        pass
    assert keeper.poll() is None
    assert len(survivors(tmp_path / "run")) == 4, "the refused one touched nothing"


def test_a_dead_service_is_started_again(tmp_path):
    with Supervisor(tmp_path / "run", tmp_path / "log") as supervisor:
        one = family(tmp_path)
        supervisor.start(one)
        (tmp_path / "family-up").unlink()
        for pid in survivors(tmp_path / "run"):
            if FAMILY in Path(f"/proc/{pid}/cmdline").read_text() and "launch.py" not in _command(pid):
                os.kill(pid, signal.SIGKILL)
        soon((tmp_path / "family-up").exists)
        assert supervisor.failed() == []


def test_a_service_that_keeps_dying_is_given_up_and_named(tmp_path):
    one = Service(name="weak", argv=["false"], ready=lambda: False, restarts=1)
    with (
        Supervisor(tmp_path / "run", tmp_path / "log") as supervisor,
        pytest.raises(SetupError, match=r"weak ended: see .*weak\.log"),
    ):
        supervisor.start(one)


def test_one_failure_does_not_wait_for_the_others(tmp_path):
    slow = Service(name="slow", argv=["sleep", "600"], ready=lambda: False, ready_within_s=300)
    weak = Service(name="weak", argv=["false"], ready=lambda: False, restarts=0)
    begun = time.monotonic()
    with Supervisor(tmp_path / "run", tmp_path / "log") as supervisor, pytest.raises(SetupError, match="weak"):
        supervisor.start(slow, weak)
    assert time.monotonic() - begun < 20
    assert survivors(tmp_path / "run") == []


TELLER = """
import signal, sys, time
diary, word = sys.argv[1:]
def tell(*_):
    with open(diary, "a") as file:
        file.write(word)
    sys.exit(0)
signal.signal(signal.SIGTERM, tell)
open(diary + word, "w").close()
time.sleep(600)
"""


def test_services_started_last_stop_first(tmp_path):
    diary = tmp_path / "diary"

    def teller(word, stop_order=0):
        up, argv = Path(f"{diary}{word}"), [sys.executable, "-c", TELLER, str(diary), word]
        return Service(name=word, argv=argv, ready=up.exists, stop_order=stop_order)

    with Supervisor(tmp_path / "run", tmp_path / "log") as supervisor:
        for word in "abc":
            supervisor.start(teller(word))
        supervisor.start(teller("e", stop_order=1), teller("d"))
    assert diary.read_text() == "decba"


def test_a_stop_that_was_lost_is_repeated_before_the_kill(tmp_path):
    heard, up = tmp_path / "heard", tmp_path / "up"
    slow = (
        "import signal, sys, time; heard = []\n"
        "def hear(*_):\n heard.append(1)\n if len(heard) == 2: open(sys.argv[1], 'w'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, hear); open(sys.argv[2], 'w')\n"
        "while True: time.sleep(1)"
    )
    argv = [sys.executable, "-c", slow, str(heard), str(up)]
    with Supervisor(tmp_path / "run", tmp_path / "log") as supervisor:
        supervisor.start(Service(name="slow", argv=argv, ready=up.exists, grace_s=2))
    assert heard.exists()


def test_output_goes_to_the_services_log(tmp_path):
    one = Service(name="talker", argv=["sh", "-c", "echo hello; sleep 600"], ready=lambda: True)
    with Supervisor(tmp_path / "run", tmp_path / "log") as supervisor:
        supervisor.start(one)
        soon(lambda: "hello" in (tmp_path / "log" / "talker.log").read_text())


def _parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _command(pid):
    return Path(f"/proc/{pid}/cmdline").read_text()
