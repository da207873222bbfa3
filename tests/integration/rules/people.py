"""People with generated facts in a real database, and a condition asked of them in SQL and of the interpreter."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import case, false, insert, not_, or_, select
from sqlalchemy.orm import Session

from engine.core.facts import Facts, FactSpec, FactType, Source
from engine.ids import EndUserId, WorkspaceId
from engine.inbox.tables import DbEndUser
from engine.storage import Database
from engine.workspace import repository as workspaces
from engine.workspace.models import Workspace, WorkspaceSettings
from rules import sql
from rules.people import check_people_condition
from rules.sql.compiler import Compiler
from rules.sql.dialects import dialect_of
from rules.tree import Node
from stripe_sync import fact_repository
from stripe_sync.catalog import STORED, STRIPE_FACTS
from stripe_sync.derive import GivenRates
from stripe_sync.fact_changes import StoredFacts
from stripe_sync.fact_service import FactService
from tests.clock import FrozenClock
from tests.unit.rules import fact_generator
from tests.unit.rules.choices import Choices, SeededChoices, pick
from tests.unit.rules.fact_generator import NOW
from tests.unit.rules.generator import Grammar
from web.facts import CATALOG
from web.people import People, Prepared, fact_columns

HERE = WorkspaceId("ws_here")
USABLE: tuple[FactSpec, ...] = (*STRIPE_FACTS, CATALOG.get("attributes"))
GRAMMARS = tuple(Grammar(facts=USABLE, depth=depth) for depth in (0, 1, 1, 2, 3))
_DUE_DATES = ("2026-11-20T11:59:59Z", "2026-11-20T12:00:00Z", "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z")
_STORED = tuple(
    FactSpec(name=each.name, type=each.type, source=Source.STRIPE, definition="", example="") for each in STORED
)


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """Many people in one database, and what the interpreter is told about each."""

    database: Database
    people: People
    facts: Mapping[str, Facts] = field(default_factory=dict)

    def matching(self, session: Session, prepared: Prepared) -> set[str]:
        """Return the ids of those a condition is true of, as it is answered to users."""
        return set(sql.matching(session, prepared.source, prepared.condition))

    def verdicts(self, session: Session, tree: Node, prepared: Prepared) -> dict[str, bool | None] | None:
        """Return what SQL alone makes of each row; rows in doubt are left out. None where SQL can't say it exactly."""
        if not prepared.condition.is_exact:
            return None
        dialect = dialect_of(session.get_bind().dialect.name)
        zone = prepared.condition.interpreted.zone
        compiler = Compiler(columns=fact_columns(NOW), dialect=dialect, now=NOW, zone=zone)
        truth = compiler.truth(tree)
        verdict = case((truth, 1), (not_(truth), 0))
        in_doubt = case((or_(false(), *compiler.doubts), 1), else_=0)
        source = prepared.source
        rows = session.execute(select(source.id, verdict, in_doubt).select_from(source.table).where(source.scope))
        return {id_: None if found is None else bool(found) for id_, found, doubt in rows if not doubt}

    def interpreted(self, prepared: Prepared) -> dict[str, bool | None]:
        """Return what the interpreter makes of each person."""
        condition = prepared.condition.interpreted
        return {id_: condition.evaluate(found, NOW).result for id_, found in self.facts.items()}

    def agree(self, session: Session, text: str, tree: Node) -> str:
        """Assert that both evaluators agree on a condition about everybody; return who answered."""
        prepared = self.people.prepare(HERE, session, tree)
        expected = self.interpreted(prepared)
        verdicts = self.verdicts(session, tree, prepared)
        if verdicts is not None:
            assert verdicts == {id_: expected[id_] for id_ in verdicts}, text
        assert self.matching(session, prepared) == {id_ for id_, result in expected.items() if result is True}, text
        return prepared.evaluated


def check(text: str, zone: str = "UTC") -> Node | None:
    """Return the tree of a condition about people, or None if it is refused."""
    return check_people_condition(text, CATALOG, ZoneInfo(zone)).tree


def gather(database: Database, size: int, seed: int = 1) -> Crowd:
    """Store `size` people with generated facts and attributes, and return them."""
    choices = SeededChoices(seed)
    news = {EndUserId(f"usr_{number:06}"): _stored(choices) for number in range(size)}
    made = Workspace(id=HERE, name="Here", settings=WorkspaceSettings(), created_at=NOW)
    service = FactService(GivenRates(into="usd", rates={}))
    with database.workspace(HERE) as session:
        workspaces.insert_workspace(HERE, session, made)
        if news:
            session.execute(insert(DbEndUser), [_person(id_, choices) for id_ in news])
        fact_repository.store_many(HERE, session, news, NOW)
    people = People(FrozenClock(NOW), CATALOG, service)
    with database.workspace(HERE, readonly=True) as session:
        rows = session.execute(select(DbEndUser.id, DbEndUser.attributes))
        attributes = {row.id: row.attributes for row in rows}
        kept = service.read_kept(HERE, session, list(news), NOW)
    facts = {
        str(id_): Facts(as_of=NOW, values={**found.values, "attributes": attributes[id_]}, reasons=found.reasons)
        for id_, found in kept.items()
    }
    return Crowd(database=database, people=people, facts=facts)


def _stored(choices: Choices) -> StoredFacts:
    known = choices.number(0, 3) * 30 + 10
    generated = fact_generator.facts(choices, known=known, storable=True, specs=_STORED)
    closed = {
        spec.name: fact_generator.value(choices, spec)
        for spec in STRIPE_FACTS
        if spec.type is FactType.STRING and spec.closed_set is not None and spec.name in generated.values
    }
    due = {
        name: tuple(pick(choices, _DUE_DATES) for _ in values)
        for name, values in generated.values.items()
        if isinstance(values, tuple)
    }
    # The store shows money in the decimals of its currency, and never keeps more.
    money = {
        name: value.quantize(Decimal("0.01"), ROUND_DOWN)
        for name, value in generated.values.items()
        if isinstance(value, Decimal)
    }
    return StoredFacts(facts=replace(generated, values={**generated.values, **closed, **due, **money}))


def _person(id_: str, choices: Choices) -> dict[str, object]:
    return {
        "id": id_,
        "workspace_id": HERE,
        "email": None,
        "email_normalized": None,
        "name": None,
        "attributes": dict(fact_generator.attributes(choices)),
        "created_at": NOW,
    }
