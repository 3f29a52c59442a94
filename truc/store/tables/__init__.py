"""Every table of the core stores, one file per store. Migrations are drawn from them (truc/store/migrations)."""

from truc.store.tables import (
    breaks,
    bulk,
    catalogue,
    dossiers,
    exchange,
    gate,
    journal,
    keys,
    lines,
    money,
    notices,
    people,
    post,
    reconciliation,
    remittance,
    replays,
    taken,
)
from truc.store.tables.base import METADATA

__all__ = [
    "METADATA",
    "breaks",
    "bulk",
    "catalogue",
    "dossiers",
    "exchange",
    "gate",
    "journal",
    "keys",
    "lines",
    "money",
    "notices",
    "people",
    "post",
    "reconciliation",
    "remittance",
    "replays",
    "taken",
]
