"""Workspaces and who and what is in them, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from engine.core.business_hours import NINE_TO_FIVE, BusinessHours
from engine.email_address import normalize
from engine.ids import MemberId, QueueId, TeamId, WorkspaceId


class Role(StrEnum):
    """What a member may do; each role includes the ones after it."""

    OWNER = "owner"
    ADMIN = "admin"
    AGENT = "agent"


class OnAmbiguous(StrEnum):
    """What rules see while several Stripe customers fit a sender."""

    UNKNOWN = "unknown"
    BEST = "best"


class ChurnAt(StrEnum):
    """When a subscription set to cancel stops counting."""

    PERIOD_END = "period_end"
    CANCELLATION = "cancellation"


class Distribution(StrEnum):
    """How a team's conversations reach its agents."""

    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateOverride:
    """A workspace's own exchange rate, which wins over the published one."""

    currency: str
    """Lower case."""
    into: str
    rate: Decimal
    """What one unit of `currency` is worth in `into`."""
    since: date
    """The day the rate is of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceSettings:
    """What a workspace can choose."""

    reporting_currency: str = "usd"
    timezone: str = "UTC"
    on_ambiguous: OnAmbiguous = OnAmbiguous.UNKNOWN
    subtract_repeating: bool = False
    subtract_once: bool = False
    churn_at: ChurnAt = ChurnAt.PERIOD_END
    business_hours: BusinessHours = field(default_factory=lambda: NINE_TO_FIVE)
    rate_overrides: tuple[RateOverride, ...] = ()
    """At most one for each pair of currencies."""
    retention_payload_days: int = 30
    """How long what Stripe's events say is kept; their id, type and state stay."""
    retention_message_days: int = 400
    """How long texts of messages and the facts behind decisions are kept."""

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone."""
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A workspace."""

    id: WorkspaceId
    name: str
    settings: WorkspaceSettings
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person who signs in; as an agent, one who can be assigned."""

    id: MemberId
    workspace_id: WorkspaceId
    email: str
    """As written."""
    email_normalized: str
    name: str
    role: Role
    active: bool
    created_at: datetime
    sees_billing: bool = True
    """Whether they may see what customers pay; false only for an agent whom an admin barred from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberChange:
    """What to change of a member; what is None stays."""

    role: Role | None = None
    active: bool | None = None
    sees_billing: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team, with the ids of its members."""

    id: TeamId
    name: str
    distribution: Distribution
    member_ids: frozenset[MemberId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A named place where conversations wait."""

    id: QueueId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The names a ruleset may refer to."""

    teams: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()
    """E-mail addresses in normal form, of active members."""
    queues: frozenset[str] = frozenset()
    endpoints: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Directory:
    """Everyone and everything a conversation can be given to, by id and by name."""

    members: tuple[Member, ...] = ()
    teams: tuple[Team, ...] = ()
    queues: tuple[Queue, ...] = ()

    @cached_property
    def agents_by_email(self) -> Mapping[str, Member]:
        """Return the active members by normalised e-mail address."""
        return {member.email_normalized: member for member in self.members if member.active}

    @cached_property
    def members_by_id(self) -> Mapping[str, Member]:
        """Return every member by id, those who left too."""
        return {member.id: member for member in self.members}

    @cached_property
    def teams_by_name(self) -> Mapping[str, Team]:
        """Return the teams by name."""
        return {team.name: team for team in self.teams}

    @cached_property
    def teams_by_id(self) -> Mapping[str, Team]:
        """Return the teams by id."""
        return {team.id: team for team in self.teams}

    @cached_property
    def queues_by_name(self) -> Mapping[str, Queue]:
        """Return the queues by name."""
        return {queue.name: queue for queue in self.queues}

    @cached_property
    def queues_by_id(self) -> Mapping[str, Queue]:
        """Return the queues by id."""
        return {queue.id: queue for queue in self.queues}

    def find_member_by_email(self, email: str) -> Member | None:
        """Return the member with that address, active or not, or None."""
        normalized = normalize(email)
        return next((member for member in self.members if member.email_normalized == normalized), None)

    @property
    def references(self) -> References:
        """Return the names a ruleset may refer to."""
        return References(
            teams=frozenset(self.teams_by_name),
            agents=frozenset(self.agents_by_email),
            queues=frozenset(self.queues_by_name),
        )
