"""How Alembic reaches the hub's database: over the connection truc.store.migrate opened."""

from typing import Any

from alembic import context
from sqlalchemy import text

from truc.store.tables import METADATA

connection = context.config.attributes["connection"]
# Drawers (truc.store.drawers) come and go with the months: no migration makes them all.
DRAWERS = {
    row.name
    for row in connection.execute(
        text("SELECT relname AS name FROM pg_class WHERE relispartition AND relnamespace = 'public'::regnamespace")
    )
}


def of_the_metadata(thing: Any, name: str | None, kind: str, *_: Any) -> bool:
    """Tell whether a table or index is one that the metadata must know."""
    table = name if kind == "table" else getattr(getattr(thing, "table", None), "name", None)
    return table not in DRAWERS


context.configure(
    connection=connection, target_metadata=METADATA, compare_server_default=False, include_object=of_the_metadata
)
with context.begin_transaction():
    context.run_migrations()
