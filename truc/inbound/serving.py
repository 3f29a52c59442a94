"""Serves the gateway with its limits stated: on connections, headers and idle time.

`h11` parses the calls: it ends one whose head is over the limit with 400; `httptools` has no such limit. Addresses
are read by truc.inbound.addresses, so uvicorn's own reading of X-Forwarded-For, which believes any process of this
machine, is off. A head that drips in slowly holds one of the connections: the proxy before the gateway, which has a
time-out for heads, keeps those away.
"""

import gc
import socket
import sys
from typing import Any

import uvicorn

HEAD_BYTES_MAX = 32 * 1024
CONNECTIONS_MAX = 512  # more are answered 503 at once: late answers help nobody
IDLE_S = 30
STOPS_WITHIN_S = 8  # calls that are under way may end
# After so long a thread that computes (a batch of the internal API) lets another go on. A partner's call takes its turn
# several times, behind every such thread: at Python's own 5 ms that made most of the slowest hundredth.
TURN_S = 0.0005


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 for any."""
    return socket.create_server((host, port), backlog=CONNECTIONS_MAX)


def server(app: Any) -> uvicorn.Server:
    """Return a server of this application, not started yet. No access log: a partner's query belongs in none."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=STOPS_WITHIN_S,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
    )
    return uvicorn.Server(config)


def serve(app: Any, listening: socket.socket) -> None:
    """Serve until a signal ends it."""
    sys.setswitchinterval(TURN_S)
    gc.freeze()  # what is loaded by now stays: a collection that walked through it would hold up every answer
    server(app).run(sockets=[listening])
