"""Looks at a party's configured endpoint step by step, each with a verdict; nothing is ever written there."""

import re
from collections.abc import Iterator
from contextlib import closing

from truc import parties
from truc.connections import Connection
from truc.errors import SetupError, TrucError
from truc.kit import party_probe_http, party_probe_sftp, party_probe_smtp
from truc.kit.party_look import Look
from truc.manifest import Manifest

LOOKS = {
    "rest": party_probe_http.looks,
    "soap": party_probe_http.looks,
    "sftp": party_probe_sftp.looks,
    "smtp": party_probe_smtp.looks,
}


def probe(manifest: Manifest, connection: Connection) -> Iterator[Look]:
    """Yield each step in order; after a broken one the steps that need it are not looked at."""
    settings = _settings(manifest, connection)
    yield settings
    if settings.verdict == "broken":
        return
    for look in LOOKS[manifest.transport](manifest.limits, connection):
        yield look
        if look.verdict == "broken":
            return
    yield _credentials(connection)


def _settings(manifest: Manifest, connection: Connection) -> Look:
    missing = [one.name for one in manifest.settings if one.required and not connection.optional(one.name)]
    if missing:
        return Look(step="settings", verdict="broken", seen=f"missing: {', '.join(missing)}")
    given = [(one, connection.optional(one.name)) for one in manifest.settings]
    odd = [one.name for one, text in given if one.pattern and text and re.fullmatch(one.pattern, text) is None]
    if odd:
        return Look(step="settings", verdict="broken", seen=f"not of their form: {', '.join(odd)}")
    return Look(step="settings", verdict="well", seen=f"{len(manifest.settings)} known, none missing")


def _credentials(connection: Connection) -> Look:
    """Make the connector's own read-only call; one that has none says why (SetupError `unsupported`)."""
    try:
        with closing(parties.open_client(connection)) as client:
            said = parties.prober(client)()
            return Look(step="credentials", verdict="well", seen=f"accepted; {said or 'it says nothing of itself'}")
    except SetupError as error:
        if error.reason == "unsupported":
            return Look(step="credentials", verdict="not_looked_at", seen=str(error))
        return Look(step="credentials", verdict="broken", seen=f"{error.reason}: {error}")
    except TrucError as error:
        return Look(step="credentials", verdict="warning", seen=f"{error.reason}: {error}")
