"""The SQL of what was erased and must not come back, whatever Stripe sends of it later.

An object is remembered by a hash of its kind and id under a key of the workspace's own. What belongs to an erased
object (a charge of an erased customer, a dispute of that charge) is held back with it, and remembered in turn.

The key stands in the database. Its purpose is that hashes of two workspaces, or of two installations, can't be
compared; nobody finds an id by guessing, because Stripe makes them at random (more than 80 bits). A key made
from the keys in the environment would be lost with their rotation, and every hash with it: the person would come back.
"""

import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from engine.ids import WorkspaceId
from engine.storage import upsert
from stripe_sync.kinds import KIND_OF_OBJECT, Kind, StripeJson, reference
from stripe_sync.tables import DbErasedObject, DbErasureKey, DbStripeEvent

CHUNK = 500
_OWNERS = {"customer_id": "customers", "charge_id": "charges", "invoice_id": "invoices"}
"""The extracted columns that say what an object belongs to, and that one's kind."""
_KEY = select(DbErasureKey.key).where(DbErasureKey.workspace_id == bindparam("workspace"))


def remember(
    workspace_id: WorkspaceId, session: Session, objects: Iterable[tuple[str, str]], new_key: str, now: datetime
) -> None:
    """Remember objects by kind and id as erased; `new_key` becomes the workspace's key if it has none yet."""
    statement = upsert(session, DbErasureKey.__table__)  # type: ignore[arg-type]  # is a Table
    session.execute(statement.values(workspace_id=workspace_id, key=new_key).on_conflict_do_nothing())
    key = _key(workspace_id, session)
    assert key is not None
    _remember(workspace_id, session, {_digest(key, kind, object_id) for kind, object_id in objects}, now)


def without_erased(
    workspace_id: WorkspaceId, session: Session, kind: Kind, objects: Sequence[StripeJson], now: datetime
) -> Sequence[StripeJson]:
    """Return those of the objects that may be kept; the others are remembered as erased, too."""
    key = _key(workspace_id, session) if objects else None
    if key is None:
        return objects
    own = [_digest(key, kind.name, payload["id"]) for payload in objects]
    owners = [_owners(key, kind, payload) for payload in objects]
    erased = _known(workspace_id, session, {*own, *(digest for digests in owners for digest in digests)})
    if not erased:
        return objects
    held_back = [own[place] for place in range(len(objects)) if erased & {own[place], *owners[place]}]
    _remember(workspace_id, session, set(held_back) - erased, now)
    gone = set(held_back)
    return [payload for payload, digest in zip(objects, own, strict=True) if digest not in gone]


def blank_events(workspace_id: WorkspaceId, session: Session, events: Mapping[int, StripeJson]) -> None:
    """Empty those of the events, by row, whose object was erased or belongs to one that was."""
    key = _key(workspace_id, session) if events else None
    if key is None:
        return
    named = {row_id: _named(key, payload) for row_id, payload in events.items()}
    erased = _known(workspace_id, session, {digest for digests in named.values() for digest in digests})
    rows = [row_id for row_id, digests in named.items() if erased & digests]
    if rows:
        session.execute(
            update(DbStripeEvent)
            .where(DbStripeEvent.workspace_id == workspace_id, DbStripeEvent.id.in_(rows))
            .values(payload="", object_id=None)
        )


def _named(key: str, payload: StripeJson) -> set[str]:
    """Return the digests of an object as Stripe shows it, mirrored or not, and of what it belongs to."""
    kind = KIND_OF_OBJECT.get(str(payload.get("object")))
    names = {(field.removesuffix("_id"), owner) for field, owner in _OWNERS.items()}
    found = {(owner, reference(payload, field)) for field, owner in names}
    if kind is not None:
        found.add((kind.name, reference(payload, "id")))
    return {_digest(key, name, object_id) for name, object_id in found if object_id is not None}


def _owners(key: str, kind: Kind, payload: StripeJson) -> list[str]:
    found = []
    for column in kind.columns:
        owner = _OWNERS.get(column.name)
        object_id = column.read(payload) if owner else None
        if owner and isinstance(object_id, str):
            found.append(_digest(key, owner, object_id))
    return found


def _digest(key: str, kind: str, object_id: str) -> str:
    return hmac.new(key.encode(), f"{kind}:{object_id}".encode(), hashlib.sha256).hexdigest()


def _key(workspace_id: WorkspaceId, session: Session) -> str | None:
    return session.scalar(_KEY, {"workspace": workspace_id})


def _known(workspace_id: WorkspaceId, session: Session, digests: Collection[str]) -> set[str]:
    found: set[str] = set()
    ordered = sorted(digests)
    for start in range(0, len(ordered), CHUNK):
        query = select(DbErasedObject.digest).where(
            DbErasedObject.workspace_id == workspace_id, DbErasedObject.digest.in_(ordered[start : start + CHUNK])
        )
        found.update(session.scalars(query))
    return found


def _remember(workspace_id: WorkspaceId, session: Session, digests: Collection[str], now: datetime) -> None:
    rows = [{"workspace_id": workspace_id, "digest": digest, "erased_at": now} for digest in sorted(digests)]
    for start in range(0, len(rows), CHUNK):
        statement = upsert(session, DbErasedObject.__table__)  # type: ignore[arg-type]  # is a Table
        session.execute(statement.on_conflict_do_nothing(), rows[start : start + CHUNK])
