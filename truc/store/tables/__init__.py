"""Every table of the core stores, one file per store. Migrations are drawn from them (truc/store/migrations)."""

from truc.store.tables import (
    bulk,
    catalogue,
    dossiers,
    exchange,
    journal,
    keys,
    lines,
    money,
    notices,
    people,
    post,
    reconciliation,
    replays,
)
from truc.store.tables.base import METADATA

__all__ = [
    "METADATA",
    "bulk",
    "catalogue",
    "dossiers",
    "exchange",
    "journal",
    "keys",
    "lines",
    "money",
    "notices",
    "people",
    "post",
    "reconciliation",
    "replays",
]
