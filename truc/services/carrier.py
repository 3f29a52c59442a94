"""Says which party carries this province's parcels: one, so that no parcel is ordered twice."""

import os
from collections.abc import Mapping

from truc import connections, parties
from truc.errors import SetupError
from truc.manifest import Capability

CARRIER = "TRUC_POSTAL_PARTY"


def chosen(environ: Mapping[str, str] = os.environ) -> str:
    """Return the party of `TRUC_POSTAL_PARTY`, else the only one that carries, else the only one with a connection.

    Raise SetupError where the setting names no carrier, and where it is needed and missing.
    """
    able = tuple(one.party for one in parties.with_capability(Capability.SHIP))
    if wanted := environ.get(CARRIER, ""):
        if wanted not in able:
            text = f"{CARRIER}: {wanted!r} carries no parcels; known: {', '.join(able)}"
            raise SetupError(text, reason="setting_malformed")
        return wanted
    left = able if len(able) == 1 else tuple(one for one in able if connections.has(one))
    if len(left) != 1:
        text = f"{CARRIER}: say which party carries the parcels: {', '.join(left or able) or 'there is none'}"
        raise SetupError(text, reason="setting_missing")
    return left[0]
