"""A workspace to route in: real database, rules made of Python conditions, billing facts a test sets by hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from engine.core.actions import Actions
from engine.core.facts import Facts, FactValue, Reason
from engine.core.ruleset import CompiledRule, Mode, Ruleset, Verdict
from engine.faults import Invalid, NotFound
from engine.ids import EndUserId, MemberId, WorkspaceId
from engine.inbox.models import AuthorKind, NewConversation, NewMessage
from engine.ports import ActiveRuleset, BillingFacts
from engine.router import Appended, Routed, Router
from engine.storage import Database
from engine.workspace import service
from engine.workspace.models import Member, Role, Team, Workspace
from tests.clock import FrozenClock

Test = Callable[[Facts], bool | None]


@dataclass(frozen=True, slots=True)
class When:
    """A condition that is a Python function; None from it means unknown for want of `mrr`."""

    test: Test

    def evaluate(self, facts: Facts, now: datetime) -> Verdict:  # noqa: ARG002  the protocol's
        """Return the verdict."""
        result = self.test(facts)
        return Verdict(result=result, unknown=("mrr",) if result is None else ())


def rule(  # the parts of a rule
    name: str,
    test: Test,
    then: Actions,
    *,
    on: tuple[str, ...] = ("created",),
    stop: bool = False,
    override: bool = False,
    mode: Mode = Mode.LIVE,
) -> CompiledRule:
    """Return a rule that can be run."""
    return CompiledRule(
        name=name, condition=When(test), actions=then, stop=stop, mode=mode, on=frozenset(on), override=override
    )


def is_past_due(facts: Facts) -> bool | None:
    """Return whether the customer is past due; unknown without a status."""
    status = facts.get("status")
    return None if status is None else status == "past_due"


def always(_facts: Facts) -> bool:
    """Match every conversation."""
    return True


@dataclass
class FixedRulesets:
    """Satisfies `RulesetSource`: what a test published."""

    published: dict[WorkspaceId, ActiveRuleset] = field(default_factory=dict)

    def active(self, workspace_id: WorkspaceId, session: Session) -> ActiveRuleset | None:  # noqa: ARG002  the protocol's
        """Return what was published."""
        return self.published.get(workspace_id)


@dataclass
class FixedFacts:
    """Satisfies `FactSource`: what a test says Stripe knows, the same for everybody."""

    values: Mapping[str, FactValue] = field(default_factory=dict)
    match_pending: bool = False
    asked: list[EndUserId] = field(default_factory=list)
    before_answer: Callable[[], object] = lambda: None
    looked_up: list[str] = field(default_factory=list)

    def look_up(self, workspace_id: WorkspaceId, email: str) -> None:  # noqa: ARG002  the protocol's
        """Remember who was looked up."""
        self.looked_up.append(email)

    def match_and_read(
        self,
        workspace_id: WorkspaceId,  # noqa: ARG002  the protocol's
        session: Session,  # noqa: ARG002  the protocol's
        end_user_id: EndUserId,
        now: datetime,
    ) -> BillingFacts:
        """Return what the test said; `mrr` and `status` have a reason where they have no value."""
        self.asked.append(end_user_id)
        self.before_answer()
        reasons = {name: Reason.NO_CUSTOMER for name in ("mrr", "status") if name not in self.values}
        facts = Facts(as_of=now, values=self.values, reasons=reasons)
        return BillingFacts(facts=facts, match_pending=self.match_pending)


@dataclass
class CountingWaker:
    """Satisfies `Waker`: remembers what it was asked to wake."""

    woken: list[str] = field(default_factory=list)

    def wake(self, topic: str) -> None:
        """Remember the topic."""
        self.woken.append(topic)


@dataclass
class World:
    """One workspace with teams, a queue, an agent, and a router."""

    database: Database
    clock: FrozenClock
    workspace: Workspace
    owner: Member
    agent: Member
    teams: Mapping[str, Team]
    rulesets: FixedRulesets
    facts: FixedFacts
    waker: CountingWaker
    router: Router

    @property
    def id(self) -> WorkspaceId:
        """Return the workspace's id."""
        return self.workspace.id

    def publish(self, *rules: CompiledRule, fallback: str = "support") -> None:
        """Publish rules as the next version, with a team to fall back to."""
        known = self.rulesets.published.get(self.id)
        ruleset = Ruleset(rules=rules, fallback=Actions(assign_team=fallback))
        version = 1 if known is None else known.version + 1
        self.rulesets.published[self.id] = ActiveRuleset(version=version, ruleset=ruleset)

    def receive(self, draft: NewConversation) -> Routed:
        """Hand a conversation in that must be accepted."""
        routed = self.router.receive(self.id, draft)
        assert isinstance(routed, Routed), routed
        return routed

    def write(
        self, routed: Routed, body: str, author: AuthorKind = AuthorKind.CUSTOMER, external_id: str | None = None
    ) -> Appended:
        """Add a message that must be accepted."""
        message = NewMessage(body=body, author_kind=author, external_id=external_id)
        appended = self.router.append(self.id, routed.conversation.id, message)
        assert isinstance(appended, Appended), appended
        return appended


def make_world(database: Database, clock: FrozenClock, name: str = "Alice") -> World:
    """Make a workspace called `name` with an owner of that first name, an agent, three teams and a queue."""
    made = service.create_workspace(database, clock, name, f"{name.partition(' ')[0]}@acme.com")
    assert not isinstance(made, Invalid | NotFound)
    assert isinstance(made, tuple)
    workspace, owner = made
    teams = {}
    with database.workspace(workspace.id) as session:
        agent = service.add_member(workspace.id, session, clock, "Grace@Acme.com", "Grace", Role.AGENT, actor=owner.id)
        assert isinstance(agent, Member)
        for team in ("billing", "senior", "support"):
            teams[team] = made_team = service.create_team(
                workspace.id, session, clock, team, [MemberId(agent.id)], actor=owner.id
            )
            assert isinstance(made_team, Team)
        service.create_queue(workspace.id, session, clock, "onboarding", actor=owner.id)
    rulesets, facts, waker = FixedRulesets(), FixedFacts(), CountingWaker()
    return World(
        database=database,
        clock=clock,
        workspace=workspace,
        owner=owner,
        agent=agent,
        teams={name: team for name, team in teams.items() if isinstance(team, Team)},
        rulesets=rulesets,
        facts=facts,
        waker=waker,
        router=Router(database, clock, rulesets, facts, waker),
    )
