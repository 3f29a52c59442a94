"""What handled an exchange: digests over the files of the party's mapping, schema and connector as they lie here."""

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

ROOMS = ("mappings", "schemas", "connectors")  # in the order of truc.exchange.journal.records.Handler


@cache
def handler(party: str) -> bytes:
    """Return the party's mapping, schema and connector digest, 32 bytes each.

    The files are read once in a process. A room without a folder for the party has the digest of nothing.
    """
    return b"".join(content_digest(folder(room, party)) for room in ROOMS)


def folder(room: str, party: str) -> Path:
    """Return where the party's files of a room lie; schemas lie beside the mappings and are no package."""
    spec = find_spec("mappings" if room == "schemas" else room)
    places = list(spec.submodule_search_locations or ()) if spec else []
    place = Path(places[0]) if places else Path(room)
    return (place.parent / room if room == "schemas" else place) / party


def content_digest(place: Path) -> bytes:
    """Return SHA-256 over the folder's files in order of path: of each its path, its size and its bytes.

    What Python compiles, and names with a leading dot, do not count. An absent folder is one without files.
    """
    content = hashlib.sha256()
    for path in sorted(place.rglob("*")):
        inside = path.relative_to(place)
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in inside.parts):
            body = path.read_bytes()
            content.update(f"{inside.as_posix()}\0{len(body)}\0".encode())
            content.update(body)
    return content.digest()
