"""Traces: how each rule came to its verdict, recomputed from a decision's ruleset version and its facts."""

from typing import Any

from sqlalchemy.orm import Session

from engine.core.decide import judge
from engine.core.facts import FactCatalog
from engine.ids import WorkspaceId
from engine.inbox import service
from engine.inbox.models import DecisionRecord
from rules.service import RulesetService


class Traces:
    """Recomputes traces."""

    def __init__(self, rulesets: RulesetService, catalog: FactCatalog) -> None:
        self._rulesets = rulesets
        self._catalog = catalog

    def of_decision(self, workspace_id: WorkspaceId, session: Session, record: DecisionRecord) -> list[dict[str, Any]]:
        """Return the trace of a stored decision: every rule that was reached, in order."""
        active = self._rulesets.at_version(workspace_id, session, record.ruleset_version)
        if active is None:
            return []
        facts = service.facts_of(workspace_id, session, record, self._catalog)
        judged = judge(
            active.ruleset, facts, now=record.created_at, on=record.on, conversation_id=record.conversation_id
        )
        return [
            {
                "rule": one.rule.name,
                "mode": one.rule.mode.value,
                "live": one.is_live,
                "result": one.verdict.result,
                "unknown": list(one.verdict.unknown),
                "errors": [{"code": error.code, "message": error.message} for error in one.verdict.errors],
            }
            for one in judged
        ]
