"""The tables of passwords, sign-ins and API tokens."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from engine.storage import Json, UtcDateTime, new_metadata

metadata = new_metadata()


class Base(DeclarativeBase):
    """Tables of the web edge."""

    metadata = metadata


class DbPassword(Base):
    """The password of one member."""

    __tablename__ = "passwords"

    member_id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    password_hash: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DbSignIn(Base):
    """A member's sign-in on one browser; the cookie itself is not kept, only its digest."""

    __tablename__ = "sign_ins"
    __table_args__ = (Index("ix_sign_ins_member", "workspace_id", "member_id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    member_id: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class DbApiToken(Base):
    """An API token; the token itself is not kept, only its digest."""

    __tablename__ = "api_tokens"
    __table_args__ = (Index("ix_api_tokens_member", "workspace_id", "member_id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    member_id: Mapped[str]
    name: Mapped[str]
    hint: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
