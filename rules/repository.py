"""Drafts and versions in the database. SQL only."""

from collections.abc import Sequence
from typing import cast

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session, load_only

from engine.ids import MemberId, WorkspaceId
from engine.storage import upsert
from rules.models import Draft, PublishedVersion, VersionInfo, VersionKey, etag_of
from rules.tables import DbRulesetDraft, DbRulesetVersion

_VERSIONS = cast("Table", DbRulesetVersion.__table__)
_KEY = select(_VERSIONS.c.number, _VERSIONS.c.etag).where(_VERSIONS.c.workspace_id == bindparam("workspace_id"))
_NEWEST = _KEY.order_by(_VERSIONS.c.number.desc()).limit(1)
_NUMBERED = _KEY.where(_VERSIONS.c.number == bindparam("number"))


def find_draft(workspace_id: WorkspaceId, session: Session, *, for_update: bool = False) -> Draft | None:
    """Return the draft, or None if none was ever saved; `for_update` makes others who ask so wait their turn."""
    query = select(DbRulesetDraft).where(DbRulesetDraft.workspace_id == workspace_id)
    db_draft = session.scalar(query.with_for_update() if for_update else query)
    return None if db_draft is None else _draft(db_draft)


def insert_draft(workspace_id: WorkspaceId, session: Session, draft: Draft) -> bool:
    """Store the first draft; return False if there already is one."""
    table = DbRulesetDraft.__table__
    statement = upsert(session, table).values(workspace_id=workspace_id, **_columns(draft))  # type: ignore[arg-type]  # a Table
    inserted = session.execute(statement.on_conflict_do_nothing().returning(table.c.workspace_id))
    return inserted.first() is not None


def replace_draft(workspace_id: WorkspaceId, session: Session, draft: Draft, *, if_etag: str | None) -> bool:
    """Replace the draft; return False if there is none, or if its etag is not `if_etag` (None takes any)."""
    statement = update(DbRulesetDraft).where(DbRulesetDraft.workspace_id == workspace_id).values(**_columns(draft))
    if if_etag is not None:
        statement = statement.where(DbRulesetDraft.etag == if_etag)
    replaced = session.execute(statement.returning(DbRulesetDraft.workspace_id))
    return replaced.first() is not None


def find_key(workspace_id: WorkspaceId, session: Session, number: int | None = None) -> VersionKey | None:
    """Return the key of a version, of the newest if `number` is None; None if there is no such version."""
    asked = {"workspace_id": workspace_id}
    if number is None:
        found = session.execute(_NEWEST, asked).first()
    else:
        found = session.execute(_NUMBERED, {**asked, "number": number}).first()
    return None if found is None else VersionKey(number=found.number, etag=found.etag)


def find_version(workspace_id: WorkspaceId, session: Session, number: int) -> PublishedVersion | None:
    """Return a version, or None if there is none of that number."""
    db_version = session.get(DbRulesetVersion, (workspace_id, number))
    if db_version is None:
        return None
    return PublishedVersion(
        number=db_version.number,
        rules=db_version.rules,
        text=db_version.text,
        language=db_version.language,
        published_by=MemberId(db_version.published_by),
        published_at=db_version.published_at,
    )


def list_versions(
    workspace_id: WorkspaceId, session: Session, *, limit: int, before: int | None = None
) -> Sequence[VersionInfo]:
    """Return the newest versions, newest first, of those with a number below `before`."""
    query = (
        select(DbRulesetVersion)
        .where(DbRulesetVersion.workspace_id == workspace_id)
        .order_by(DbRulesetVersion.number.desc())
        .limit(limit)
        .options(
            load_only(
                DbRulesetVersion.number,
                DbRulesetVersion.rules,
                DbRulesetVersion.published_by,
                DbRulesetVersion.published_at,
            )
        )
    )
    if before is not None:
        query = query.where(DbRulesetVersion.number < before)
    return [
        VersionInfo(
            number=db_version.number,
            rules=db_version.rules,
            published_by=MemberId(db_version.published_by),
            published_at=db_version.published_at,
        )
        for db_version in session.scalars(query)
    ]


def insert_version(workspace_id: WorkspaceId, session: Session, version: PublishedVersion) -> None:
    """Store a new version; the caller holds the draft's row, so that its number is free."""
    session.execute(
        insert(DbRulesetVersion).values(
            workspace_id=workspace_id,
            number=version.number,
            rules=version.rules,
            text=version.text,
            etag=etag_of(version.text),
            language=version.language,
            published_by=version.published_by,
            published_at=version.published_at,
        )
    )


def _columns(draft: Draft) -> dict[str, object]:
    return {
        "text": draft.text,
        "etag": draft.etag,
        "updated_by": draft.updated_by,
        "updated_at": draft.updated_at,
    }


def _draft(db_draft: DbRulesetDraft) -> Draft:
    return Draft(
        text=db_draft.text,
        etag=db_draft.etag,
        updated_by=MemberId(db_draft.updated_by),
        updated_at=db_draft.updated_at,
    )
