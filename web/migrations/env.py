"""Alembic's entry: runs the migrations on the connection that `web.migrations` hands over."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from engine import storage
from web.migrations import all_metadata

_NAMED = {"Json": storage.Json, "BigId": storage.BigId, "BinaryText": storage.BinaryText}


def _render(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our own column types by their names in `engine.storage`."""
    if kind != "type":
        return False
    found = next((name for name, known in _NAMED.items() if item is known), None)
    if isinstance(item, storage.UtcDateTime | storage.Money):
        found = f"{type(item).__name__}()"
    if found is None:
        return False
    autogen.imports.add(f"from engine.storage import {found.removesuffix('()')}")
    return found


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=all_metadata(),
    render_item=_render,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
