"""Imports what the benchmarks' processes need, once, in the server they fork off."""

import importlib

import procrastinate
import psycopg

from sandbox import serve
from truc import parties, steps
from truc.exchange import outbox
from truc.inbound import app
from truc.store import opened

for _party in parties.names():
    importlib.import_module(f"connectors.{_party}.client")
    for _operation in parties.manifest(_party).operations:
        parties.writer(_party, _operation.name)
for _party in serve.parties():
    importlib.import_module(f"sandbox.{_party}.server")

__all__ = ["app", "opened", "outbox", "procrastinate", "psycopg", "serve", "steps"]
