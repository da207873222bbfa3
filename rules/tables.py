"""The tables of rulesets: one draft a workspace, and every version that was ever published."""

from datetime import datetime

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from engine.storage import UtcDateTime, new_metadata

metadata = new_metadata()


class Base(DeclarativeBase):
    """Tables of rulesets."""

    metadata = metadata


class DbRulesetDraft(Base):
    """The text being worked on."""

    __tablename__ = "ruleset_drafts"

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    etag: Mapped[str]
    updated_by: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DbRulesetVersion(Base):
    """A published text; rows are never changed."""

    __tablename__ = "ruleset_versions"

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]
    etag: Mapped[str]
    rules: Mapped[int]
    language: Mapped[str]
    """Which version of the rule language it was checked with."""
    published_by: Mapped[str]
    published_at: Mapped[datetime] = mapped_column(UtcDateTime)
