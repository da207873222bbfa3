"""What the list of conversations shows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from urllib.parse import urlencode

from engine.core.actions import Priority
from engine.ids import ConversationId, MemberId, QueueId, TeamId
from engine.inbox.models import Conversation, Filter, Status
from engine.workspace.models import Directory
from web.screens import format as fmt
from web.screens.page import Pill

PATH = "/inbox"
EXCERPT_LENGTH = 160
MAX_LENGTH = 200
UNASSIGNED = "unassigned"
MINE = "mine"

STATUS_PILLS = {
    Status.OPEN: Pill(text="Open", icon="circle", tone="info"),
    Status.PENDING: Pill(text="Pending", icon="pause", tone="warn"),
    Status.CLOSED: Pill(text="Closed", icon="check-circle", tone=""),
}
PRIORITY_PILLS = {
    Priority.LOW: Pill(text="Low", icon="down", tone=""),
    Priority.NORMAL: Pill(text="Normal", icon="dash", tone=""),
    Priority.HIGH: Pill(text="High", icon="up", tone="warn"),
    Priority.URGENT: Pill(text="Urgent", icon="up-double", tone="bad"),
}
PENDING_MATCH = Pill(text="Looking up in Stripe", icon="clock", tone="info")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The filters as they stand in the address; what is unknown there was dropped."""

    view: str = ""
    """`mine`, `unassigned`, or nothing."""
    team: str = ""
    queue: str = ""
    status: str = ""
    priority: str = ""
    assignee: str = ""
    tag: str = ""
    q: str = ""
    after: str = ""

    @staticmethod
    def read(query: Mapping[str, str]) -> "Wanted":
        """Return the filters of a query string."""
        values = {name: query.get(name, "").replace("\x00", "").strip()[:MAX_LENGTH] for name in Wanted.names()}
        return Wanted(**values)

    @staticmethod
    def names() -> tuple[str, ...]:
        """Return the names of the filters."""
        return tuple(field.name for field in fields(Wanted))

    def url(self, path: str = PATH, **changes: str) -> str:
        """Return the address of the list with these filters, changed."""
        values = {name: getattr(self, name) for name in Wanted.names()} | changes
        query = urlencode({name: value for name, value in values.items() if value})
        return f"{path}?{query}" if query else path

    @property
    def is_filtered(self) -> bool:
        """Return whether anything narrows the list."""
        return self != Wanted(after=self.after)


def to_filter(wanted: Wanted, directory: Directory, viewer: MemberId) -> Filter | None:
    """Return what to ask the inbox for; None if a name in the address is nobody's, so that nothing fits."""
    team = directory.teams_by_name.get(wanted.team)
    queue = directory.queues_by_name.get(wanted.queue)
    assignee = next((member.id for member in directory.members if member.email == wanted.assignee), None)
    missing = (wanted.team and team is None, wanted.queue and queue is None, wanted.assignee and assignee is None)
    if any(missing):
        return None
    return Filter(
        status=Status(wanted.status) if wanted.status in set(Status) else None,
        team_id=TeamId(team.id) if team else None,
        queue_id=QueueId(queue.id) if queue else None,
        assignee_id=viewer if wanted.view == MINE else assignee,
        unassigned=wanted.view == UNASSIGNED,
        tag=wanted.tag or None,
        text=wanted.q or None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a conversation lies: an agent, a team or a queue."""

    icon: str
    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One conversation in the list."""

    id: str
    url: str
    subject: str
    sender: str
    excerpt: str
    pills: tuple[Pill, ...]
    tags: tuple[str, ...]
    places: tuple[Place, ...]
    created_at: datetime
    age: str


def rows(
    conversations: Sequence[Conversation], excerpts: Mapping[ConversationId, str], directory: Directory, now: datetime
) -> tuple[Row, ...]:
    """Return the rows of the list."""
    return tuple(
        _row(conversation, excerpts.get(conversation.id, ""), directory, now) for conversation in conversations
    )


def places(conversation: Conversation, directory: Directory) -> tuple[Place, ...]:
    """Return who and what has the conversation; who is gone is named so."""
    found = []
    if conversation.assignee_id is not None:
        member = directory.members_by_id.get(conversation.assignee_id)
        found.append(Place(icon="user", label="Agent", text=member.name if member else "a former member"))
    if conversation.team_id is not None:
        team = directory.teams_by_id.get(conversation.team_id)
        found.append(Place(icon="users", label="Team", text=team.name if team else "a former team"))
    if conversation.queue_id is not None:
        queue = directory.queues_by_id.get(conversation.queue_id)
        found.append(Place(icon="queue", label="Queue", text=queue.name if queue else "a former queue"))
    return tuple(found)


def sender_of(conversation: Conversation) -> str:
    """Return how the sender is called."""
    return conversation.sender_name or conversation.sender_email or "Unknown sender"


def subject_of(conversation: Conversation) -> str:
    """Return the subject, or words for its absence."""
    return (conversation.subject or "").strip() or "(no subject)"


def excerpt(body: str) -> str:
    """Return the beginning of a message on one line."""
    line = " ".join(body[: EXCERPT_LENGTH * 4].split())
    return line if len(line) <= EXCERPT_LENGTH else line[: EXCERPT_LENGTH - 1].rstrip() + "…"


def _row(conversation: Conversation, body: str, directory: Directory, now: datetime) -> Row:
    pills = [STATUS_PILLS[conversation.status]]
    if conversation.priority is not Priority.NORMAL:
        pills.append(PRIORITY_PILLS[conversation.priority])
    if conversation.match_pending:
        pills.append(PENDING_MATCH)
    return Row(
        id=conversation.id,
        url=f"/conversations/{conversation.id}",
        subject=subject_of(conversation),
        sender=sender_of(conversation),
        excerpt=excerpt(body),
        pills=tuple(pills),
        tags=conversation.tags,
        places=places(conversation, directory),
        created_at=conversation.created_at,
        age=fmt.age(conversation.created_at, now),
    )


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a select."""

    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A select."""

    name: str
    label: str
    selected: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideLink:
    """A link to a way of looking at the list."""

    url: str
    text: str
    icon: str
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxView:
    """The page around the list."""

    heading: str
    view: str
    wanted: Wanted
    choices: tuple[Choice, ...]
    is_filtered: bool
    clear_url: str


def inbox_view(wanted: Wanted, directory: Directory) -> InboxView:
    """Return the page around the list."""
    headings = {MINE: "Mine", UNASSIGNED: "Unassigned"}
    narrowed = Wanted(view=wanted.view, after=wanted.after) != wanted
    return InboxView(
        heading=headings.get(wanted.view) or (wanted.team and f"Team {wanted.team}") or "Inbox",
        view=wanted.view,
        wanted=wanted,
        choices=_choices(wanted, directory),
        is_filtered=narrowed,
        clear_url=Wanted(view=wanted.view).url(),
    )


def side_links(wanted: Wanted | None, directory: Directory) -> tuple[SideLink, ...]:
    """Return the ways of looking at the list; `wanted` is None on other pages."""
    fixed = (
        ("All", "inbox", Wanted()),
        ("Mine", "user", Wanted(view=MINE)),
        ("Unassigned", "circle", Wanted(view=UNASSIGNED)),
    )
    teams = tuple((team.name, "users", Wanted(team=team.name)) for team in directory.teams)
    queues = tuple((queue.name, "queue", Wanted(queue=queue.name)) for queue in directory.queues)
    place = None if wanted is None else (wanted.view, wanted.team, wanted.queue)
    return tuple(
        SideLink(url=to.url(), text=text, icon=icon, current=(to.view, to.team, to.queue) == place)
        for text, icon, to in (*fixed, *teams, *queues)
    )


def _choices(wanted: Wanted, directory: Directory) -> tuple[Choice, ...]:
    agents = tuple(Option(member.email, member.name) for member in directory.members if member.active)
    tables = (
        ("status", "Status", tuple(Option(status.value, STATUS_PILLS[status].text) for status in Status)),
        ("team", "Team", tuple(Option(team.name, team.name) for team in directory.teams)),
        ("queue", "Queue", tuple(Option(queue.name, queue.name) for queue in directory.queues)),
        ("assignee", "Agent", agents),
    )
    return tuple(
        Choice(name=name, label=label, selected=getattr(wanted, name), options=(Option("", "Any"), *options))
        for name, label, options in tables
    )
