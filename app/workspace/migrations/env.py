"""Alembic's way in: runs the migrations on the connection that `app.workspace.schema` hands over."""

from alembic import context

from app.workspace.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=True,  # the caller's transaction holds the whole upgrade: all of it or nothing
    transaction_per_migration=False,
)
context.run_migrations()
