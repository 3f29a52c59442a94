"""How the gateway's process is set before it serves."""

import gc
import sys
from functools import partial
from types import SimpleNamespace

from truc.inbound import serving


def _note(seen, sockets):
    seen.append((sockets, sys.getswitchinterval(), gc.get_freeze_count()))


def test_while_it_serves_threads_take_short_turns_and_what_was_loaded_is_not_collected(monkeypatch):
    before, seen = sys.getswitchinterval(), []
    run = partial(_note, seen)
    monkeypatch.setattr(serving, "server", lambda _app: SimpleNamespace(run=run))
    try:
        serving.serve(object(), "socket")
    finally:
        sys.setswitchinterval(before)
        gc.unfreeze()
    [(sockets, turn_s, frozen)] = seen
    assert sockets == ["socket"]
    assert turn_s <= 0.001
    assert frozen > 0
