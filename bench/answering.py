"""An HTTP server in a process of its own that answers every request with the same bytes: what a call costs without one.

It does as little as HTTP allows, so that what is measured is the caller.
"""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe


class _Answering(asyncio.Protocol):
    """One kept-alive connection."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to write to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            whole = end + 4 + _length(self._received[:end])
            if len(self._received) < whole:
                return
            self._received = self._received[whole:]
            self._transport.write(self._answer)


@contextmanager
def answering(body: bytes, content_type: str) -> Iterator[str]:
    """Yield the address of the server while it runs."""
    ours, theirs = multiprocessing.Pipe()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(head.encode() + body, theirs), daemon=True
    )
    process.start()
    try:
        assert ours.poll(30), "the server did not start"
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join(10)


def _serve(answer: bytes, ready: Pipe) -> None:
    asyncio.run(_until_terminated(answer, ready))


async def _until_terminated(answer: bytes, ready: Pipe) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Answering(answer), "127.0.0.1", 0)
    ready.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
