"""Traces: how each rule came to its outcome, recomputed from a decision's ruleset version and its facts."""

import threading
from collections import OrderedDict
from dataclasses import replace

from sqlalchemy.orm import Session

from engine.core.facts import FactCatalog, Facts, JsonValue
from engine.ids import WorkspaceId
from engine.inbox import service
from engine.inbox.models import DecisionRecord
from engine.routing import Gathered
from engine.storage import Database
from engine.workspace import repository as workspaces
from rules.check import CheckedRuleset, check
from rules.explain import trace
from rules.models import PublishedVersion
from rules.service import RulesetService

MOST_CHECKED = 16
"""Versions that are kept checked; a large one takes seconds to check and never changes."""
BRIEF_ABOVE = 100
"""A brief trace of a ruleset with more rules than this shows those that matched."""


class Traces:
    """Recomputes traces. One instance serves all threads of a process."""

    def __init__(self, rulesets: RulesetService, catalog: FactCatalog) -> None:
        self._rulesets = rulesets
        self._catalog = catalog
        self._checked: OrderedDict[tuple[WorkspaceId, int], CheckedRuleset] = OrderedDict()
        self._lock = threading.Lock()

    def of_decision(
        self, workspace_id: WorkspaceId, session: Session, record: DecisionRecord, *, brief: bool = False
    ) -> list[JsonValue]:
        """Return the trace of a stored decision, rule by rule in order.

        It is empty if no ruleset was published then, or if its text no longer passes the check. A `brief` one is
        what whoever waits for an answer can be given: of a long ruleset only the rules that matched.
        """
        checked = self._find(workspace_id, session, record.ruleset_version)
        if checked is None:
            return []
        if brief:
            checked = _brief(checked, record)
        facts = service.facts_of(workspace_id, session, record, self._catalog)
        return trace(
            checked,
            facts,
            now=record.created_at,
            on=record.on,
            conversation_id=record.conversation_id,
            currency=_currency(workspace_id, session),
        )

    def of_fresh(
        self, database: Database, workspace_id: WorkspaceId, record: DecisionRecord, made_from: Gathered
    ) -> list[JsonValue]:
        """Return the brief trace of a decision that was made just now, from the facts it was made from."""
        checked = self._kept((workspace_id, record.ruleset_version))
        if checked is None:
            with database.workspace(workspace_id, readonly=True) as session:
                checked = self._find(workspace_id, session, record.ruleset_version)
        if checked is None:
            return []
        return trace(
            _brief(checked, record),
            made_from.facts,
            now=record.created_at,
            on=record.on,
            conversation_id=record.conversation_id,
            currency=made_from.settings.reporting_currency,
        )

    def of_facts(
        self,
        workspace_id: WorkspaceId,
        session: Session,
        checked: CheckedRuleset,
        facts: Facts,
        *,
        on: str,
        conversation_id: str | None,
    ) -> list[JsonValue]:
        """Return the trace of what `checked` makes of facts that were given."""
        currency = _currency(workspace_id, session)
        return trace(checked, facts, now=facts.as_of, on=on, conversation_id=conversation_id, currency=currency)

    def published(self, workspace_id: WorkspaceId, session: Session, number: int) -> CheckedRuleset | None:
        """Return a published version, checked, or None if there is none of that number or it is no longer sound."""
        return self._find(workspace_id, session, number)

    def _find(self, workspace_id: WorkspaceId, session: Session, number: int) -> CheckedRuleset | None:
        key = (workspace_id, number)
        kept = self._kept(key)
        if kept is not None:
            return kept
        version = self._rulesets.get_version(workspace_id, session, number)
        if not isinstance(version, PublishedVersion):
            return None
        # Names are not looked up again: a team may be gone that was there when it was decided.
        checked = check(version.text, self._catalog).ruleset
        if checked is None:
            return None
        with self._lock:
            self._checked[key] = checked
            while len(self._checked) > MOST_CHECKED:
                self._checked.popitem(last=False)
        return checked

    def _kept(self, key: tuple[WorkspaceId, int]) -> CheckedRuleset | None:
        with self._lock:
            if key in self._checked:
                self._checked.move_to_end(key)
            return self._checked.get(key)


def _brief(checked: CheckedRuleset, record: DecisionRecord) -> CheckedRuleset:
    """Return the rules that a brief trace tells of."""
    if len(checked.rules) <= BRIEF_ABOVE:
        return checked
    telling = {*record.decision.matched, *record.decision.shadow}
    return replace(checked, rules=tuple(rule for rule in checked.rules if rule.name in telling))


def _currency(workspace_id: WorkspaceId, session: Session) -> str:
    return workspaces.get_workspace(workspace_id, session).settings.reporting_currency
