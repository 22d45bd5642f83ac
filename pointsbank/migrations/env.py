"""Alembic's entry point; run by `pointsbank.database.migrate`, which hands over its connection."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
