"""One check a file: the file's name is the law it holds. Checks of conditions are listed in `rules.conditions`."""

from collections.abc import Callable

from engine.workspace.models import References
from rules.checks import actions_present, fallback_destination, references, tags_once, unique_names
from rules.document import RuleDraft, RulesetDraft
from rules.report import Report

RULE_CHECKS: tuple[Callable[[RuleDraft, Report], None], ...] = (actions_present.check, tags_once.check)
"""Those of one rule, whatever the others are."""


def ruleset_checks(known: References | None) -> tuple[Callable[[RulesetDraft, Report], None], ...]:
    """Return the checks of a whole ruleset, in order; names of a workspace are checked if they are `known`."""
    always = (unique_names.check, tags_once.check_fallback, fallback_destination.check)
    return always if known is None else (*always, references.checker(known))
