"""What text the stores can hold."""

import re

# PostgreSQL keeps no NUL, and UTF-8 no half of a surrogate pair; JSON can spell both.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> bool:
    """Say whether the text has neither a NUL nor a lone surrogate."""
    return UNSTORABLE.search(text) is None
