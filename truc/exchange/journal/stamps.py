"""Asks a time-stamp authority over HTTP, and takes its answer only when it verifies."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from truc.manifest import Limits
from truc.transport.rest import Rest
from truc.trust import stamping

LIMITS = Limits(timeout_s=10.0, body_bytes_max=256 * 1024)


def stamper(url: str, ca_file: Path) -> Callable[[bytes], bytes]:
    """Return what asks the authority at `url` (https) and returns its verified answer.

    `ca_file` holds the authority's root certificates. Each call raises TransientError when the authority does not
    answer, MalformedError when its answer does not verify, and SetupError for a wrong address or file.
    """
    parts = urlsplit(url)
    roots = stamping.read_roots(ca_file)
    rest = Rest("tsa", f"{parts.scheme}://{parts.netloc}", LIMITS)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = {"content-type": stamping.QUERY_TYPE, "accept": stamping.ANSWER_TYPE}

    def stamp(content: bytes) -> bytes:
        query = stamping.query(content)
        answer = rest.call("POST", path, body=query.body, headers=headers, reads=True).body
        stamping.verify(answer, content, roots, nonce=query.nonce)
        return answer

    return stamp
