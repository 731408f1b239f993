"""Alembic's entry: runs on the connection that `domain.migrations` opened."""

from alembic import context

from domain.models import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
