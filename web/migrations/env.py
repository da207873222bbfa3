"""Alembic's entry: runs the migrations on the connection that `web.migrations` hands over."""

from alembic import context

from web.migrations import all_metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=all_metadata(),
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
