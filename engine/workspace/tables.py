"""The tables of workspaces, members, teams and queues."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, true
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from engine.storage import BinaryText, Json, UtcDateTime, new_metadata

metadata = new_metadata()


class Base(DeclarativeBase):
    """Tables of workspaces."""

    metadata = metadata


class DbWorkspace(Base):
    """A workspace; its key is called `workspace_id`, so that the wall between workspaces covers it too."""

    __tablename__ = "workspaces"

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    settings: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DbMember(Base):
    """A person who signs in to a workspace."""

    __tablename__ = "members"
    __table_args__ = (
        UniqueConstraint("workspace_id", "email_normalized"),
        Index("ix_members_email_normalized", "email_normalized"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.workspace_id"))
    email: Mapped[str]
    email_normalized: Mapped[str] = mapped_column(BinaryText)
    name: Mapped[str]
    role: Mapped[str]
    active: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sees_billing: Mapped[bool] = mapped_column(server_default=true())


class DbTeam(Base):
    """A team of members with a policy for distributing what it is assigned."""

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.workspace_id"))
    name: Mapped[str] = mapped_column(BinaryText)
    distribution: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DbTeamMember(Base):
    """One member's place in one team."""

    __tablename__ = "team_members"

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.workspace_id"), primary_key=True)
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id"), primary_key=True)


class DbQueue(Base):
    """A named place where conversations wait."""

    __tablename__ = "queues"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.workspace_id"))
    name: Mapped[str] = mapped_column(BinaryText)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
