"""How Alembic reaches the hub's database: over the connection truc.store.migrate opened."""

from alembic import context

from truc.store.tables import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, compare_server_default=False)
with context.begin_transaction():
    context.run_migrations()
