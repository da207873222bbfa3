"""People picked by a condition over what is known about them, for lists, segments and previews.

Laws of this module
- A condition about people speaks of Stripe's facts and of attributes. What belongs to a conversation is refused: nobody
  is writing in.
- The database answers; the interpreter judges what SQL can't say exactly. Either way the answer is the interpreter's,
  over the facts as they are kept; someone whose facts were never worked out is not there yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, literal
from sqlalchemy.orm import Session

from engine.core.facts import ElapsedSeconds, FactCatalog, Facts, FactSpec, FactType, evaluate_clock
from engine.ids import EndUserId, WorkspaceId
from engine.inbox import end_user_repository
from engine.ports import Clock
from engine.storage import UtcDateTime
from engine.workspace.repository import get_workspace
from rules import sql
from rules.conditions import CheckedCondition
from rules.people import check_people_condition
from rules.sql import Column, Columns, Selected, Source, SqlCondition
from rules.tree import Fact, Node, walk
from stripe_sync.connect.models import Connection
from stripe_sync.connect.repository import connections
from stripe_sync.fact_question_sql import sql_at_least, sql_contains, sql_known
from stripe_sync.fact_service import FactService
from stripe_sync.fact_sql import FACTS, sql_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A condition about the people of one workspace at one instant, ready to run."""

    source: Source
    condition: SqlCondition

    @property
    def evaluated(self) -> str:
        """Return who answers: `sql` alone, or `mixed` if the interpreter judges what SQL has narrowed down."""
        return "sql" if self.condition.is_exact else "mixed"


@dataclass(frozen=True, slots=True)
class People:
    """Picks people by conditions; one instance serves all threads of a process."""

    clock: Clock
    catalog: FactCatalog
    facts: FactService

    def check(self, workspace_id: WorkspaceId, session: Session, text: str) -> CheckedCondition:
        """Return a condition checked; dates without offset are meant in the workspace's zone."""
        return check_people_condition(text, self.catalog, get_workspace(workspace_id, session).settings.zone)

    def prepare(self, workspace_id: WorkspaceId, session: Session, tree: Node) -> Prepared:
        """Return the checked condition `tree` ready to run now."""
        now = self.clock.now()
        columns = fact_columns(now, connections(workspace_id, session))
        zone = get_workspace(workspace_id, session).settings.zone
        dialect = session.get_bind().dialect.name
        return Prepared(
            source=self._source(workspace_id, session, tree, now),
            condition=sql.compile_condition(tree, columns, dialect, now, zone),
        )

    def page(
        self, workspace_id: WorkspaceId, session: Session, tree: Node, *, after: str | None, limit: int
    ) -> tuple[Selected, str]:
        """Return the ids of people who match, newest first, from below `after` on, and who answered.

        Raise TooSlowError if the database gave up.
        """
        prepared = self.prepare(workspace_id, session, tree)
        selected = sql.select_page(session, prepared.source, prepared.condition, after=after, limit=limit)
        return selected, prepared.evaluated

    def _source(self, workspace_id: WorkspaceId, session: Session, tree: Node, now: datetime) -> Source:
        needs_attributes = any(
            isinstance(node, Fact) and node.spec is not None and node.spec.type is FactType.MAPPING
            for node in walk(tree)
        )

        def facts(ids: Sequence[str]) -> dict[str, Facts]:
            kept = self.facts.read_kept(workspace_id, session, [EndUserId(id_) for id_ in ids], now)
            if not needs_attributes:
                return {str(id_): found for id_, found in kept.items()}
            people = end_user_repository.end_users_by_id(workspace_id, session, list(kept))
            return {
                id_: replace(found, values={**found.values, "attributes": people[id_].attributes})
                for id_, found in kept.items()
                if id_ in people
            }

        return Source(
            table=_joined() if needs_attributes else FACTS,
            id=FACTS.c.end_user_id,
            scope=FACTS.c.workspace_id == workspace_id,
            facts=facts,
        )


def fact_columns(now: datetime, known_connections: Sequence[Connection] = ()) -> Columns:
    """Return how each fact of a person stands in the rows of `FACTS` (joined with end users for attributes)."""

    def column(spec: FactSpec) -> Column | None:
        if spec.type is FactType.MAPPING:
            return Column(value=end_user_repository.end_users_table().c.attributes)
        if spec.name == "synced_at" or spec.clock == ElapsedSeconds("synced_at"):
            return _freshness(spec, now, known_connections)
        return Column(
            value=sql_value(spec, now),
            known=sql_known(spec),
            at_least=sql_at_least(spec, now),
            contains=sql_contains(spec, now),
        )

    return column


def _freshness(spec: FactSpec, now: datetime, known_connections: Sequence[Connection]) -> Column | None:
    """Return how fresh facts are: of a linked customer, when the connection was last in contact.

    With several connections that hangs on the customers of each person, which the rows don't say.
    """
    if len(known_connections) > 1:
        return None
    stored = Column(value=sql_value(spec, now), known=sql_known(spec), at_least=sql_at_least(spec, now))
    contact = next((each.last_contact_at for each in known_connections if each.is_active), None)
    if contact is None:
        return stored
    fresh: ColumnElement[Any]
    if spec.clock is None:
        fresh = literal(contact.replace(microsecond=0), UtcDateTime())
    else:
        fresh = literal(evaluate_clock(ElapsedSeconds("synced_at"), contact.replace(microsecond=0), now))
    is_linked = FACTS.c.match.in_(("email", "manual"))
    return Column(
        value=case((and_(sql_known(spec), is_linked), fresh), else_=stored.value),
        known=sql_known(spec),
    )


def _joined() -> FromClause:
    people = end_user_repository.end_users_table()
    is_same = and_(people.c.id == FACTS.c.end_user_id, people.c.workspace_id == FACTS.c.workspace_id)
    return FACTS.join(people, is_same)
