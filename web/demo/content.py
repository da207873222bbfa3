"""What the demonstration is made of: people, teams, rules, and the sort of thing customers write."""

from dataclasses import dataclass

from engine.workspace.models import Role

WORKSPACE = "Demo"
TEAMS = ("billing", "senior", "support")
QUEUES = ("onboarding",)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoMember:
    """Somebody who signs in to the demonstration."""

    name: str
    email: str
    role: Role
    teams: tuple[str, ...] = ()


MEMBERS = (
    DemoMember(name="Olive Owner", email="owner@ochre.example", role=Role.OWNER),
    DemoMember(name="Ada Admin", email="admin@ochre.example", role=Role.ADMIN),
    DemoMember(name="Bea Billing", email="bea@ochre.example", role=Role.AGENT, teams=("billing",)),
    DemoMember(name="Sam Senior", email="sam@ochre.example", role=Role.AGENT, teams=("senior", "support")),
    DemoMember(name="Toni Support", email="toni@ochre.example", role=Role.AGENT, teams=("support",)),
)

RULESET = """\
version: 1
rules:
  - name: Past due to billing
    description: A payment failed or is late; billing can settle it in one conversation.
    when: status == "past_due"
    then: {priority: high, add_tags: [billing], assign_team: billing}
  - name: Large accounts to senior agents
    when: mrr > 1000
    then: {assign_team: senior, add_tags: [large-account]}
  - name: Trials to onboarding
    when: on_trial
    then: {route_to: onboarding, add_tags: [trial]}
fallback: {assign_team: support}
"""

MESSAGES = (
    ("My invoice looks wrong", "Hello, the last invoice is higher than I expected. Can you tell me why?"),
    ("How do I add a colleague?", "I'd like to invite somebody from my team, but can't find where."),
    ("Card was declined", "My card was declined this morning, but it works elsewhere. What can I do?"),
    ("Export takes for ever", "The CSV export has been spinning for half an hour. Is something down?"),
    ("Switching to yearly", "What would I save by paying yearly, and would I lose anything?"),
    ("Can't sign in", "The link in the e-mail says it has expired, and a new one never arrives."),
    ("Feature question", "Is there an API for the reports? We'd like them in our own dashboard."),
    ("Please cancel my plan", "We are closing the project at the end of the month. How do I cancel?"),
)
