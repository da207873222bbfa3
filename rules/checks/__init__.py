"""One check a file: the file's name is the law it holds. Checks of conditions are listed in `rules.conditions`."""

from collections.abc import Callable

from engine.workspace.models import References
from rules.checks import actions_present, fallback_destination, references, tags_once, unique_names
from rules.document import RulesetDraft
from rules.report import Report


def ruleset_checks(known: References | None) -> tuple[Callable[[RulesetDraft, Report], None], ...]:
    """Return the checks of a whole ruleset, in order; names of a workspace are checked if they are `known`."""
    always = (unique_names.check, actions_present.check, tags_once.check, fallback_destination.check)
    return always if known is None else (*always, references.checker(known))
