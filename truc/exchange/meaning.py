"""From our words to a partner's bytes and back, through the party's mapping; a mapping's bug is told by its kind only.

A bug sets its own message aside and the party's others go on. Of the error only the kind is told: its text, or the
last line of a traceback, may hold a citizen's data.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from truc import parties
from truc.errors import MalformedError, TrucError
from truc.messages import Inbound, Outbound

log = logging.getLogger(__name__)


def written(party: str, operation: str, message: Outbound) -> bytes:
    """Return the partner's bytes; raise MalformedError `mapping_failed`, or what the mapping raises of ours."""
    with _told(party, operation):
        return parties.writer(party, operation)(message)


def read(party: str, kind: str, body: bytes) -> Iterator[Inbound]:
    """Yield what the bytes mean, item by item; raise as `written` does."""
    with _told(party, kind):
        yield from parties.reader(party, kind)(body)


@contextmanager
def _told(party: str, kind: str) -> Iterator[None]:
    try:
        yield
    except TrucError:
        raise
    except Exception as error:
        name = type(error).__name__
        log.error("%s %s: the mapping failed: %s", party, kind, name)  # noqa: TRY400  (a traceback would tell more)
        raise MalformedError(f"the mapping failed: {name}; mend it, then replay it", reason="mapping_failed") from error
