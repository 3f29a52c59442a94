"""A webhook event of Zalo: it is kept, and books nothing, since the core has no word for a message that arrived."""

import json
from collections.abc import Iterator

from truc.errors import MalformedError
from truc.messages import Inbound


def read(body: bytes) -> Iterator[Inbound]:
    """Yield nothing for an event; raise MalformedError for what is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedError("the event is not JSON", reason="not_json") from error
    name = found.get("event_name") if isinstance(found, dict) else None
    if not isinstance(name, str) or not name:
        raise MalformedError("event_name: missing", reason="field_missing")
    yield from ()
