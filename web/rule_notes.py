"""What is worth knowing about a sound ruleset and no fault of it: conditions that SQL alone can't answer."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from engine.core.facts import JsonValue
from rules.check import CheckedRuleset
from rules.people import is_about_people
from rules.plain_parts import is_comparisons
from rules.tree import Fact, Node, walk

_BEYOND_COMPARISONS = re.compile(r"[-/%*+~$?{]|\.[a-z_]|attributes|=\s*\[|\]\s*[=!]")
"""What a condition holds if it is more than facts compared with values; for a quick no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something about a rule."""

    code: str
    rule: str
    message: str

    def to_json(self) -> dict[str, JsonValue]:
        """Return the note as `ochre rules check` prints it."""
        return asdict(self)


def notes(checked: CheckedRuleset, now: datetime) -> tuple[Note, ...]:
    """Return a note for each condition about people of which SQL can't say exactly whom it is true of.

    Asked of all customers, as in a preview or a segment, it takes longer; the answer is the same.
    """
    asked = [
        (rule.name, rule.tree)
        for rule in checked.rules
        if _BEYOND_COMPARISONS.search(rule.text) is not None
        and not is_comparisons(rule.tree)
        and _is_about_people_only(rule.tree)
    ]
    return tuple(_beyond_sql(asked, now, ZoneInfo(checked.timezone))) if asked else ()


def _is_about_people_only(tree: Node) -> bool:
    return all(node.spec is not None and is_about_people(node.spec) for node in walk(tree) if isinstance(node, Fact))


def _beyond_sql(asked: list[tuple[str, Node]], now: datetime, zone: ZoneInfo) -> Iterator[Note]:
    # Only this needs the tables; most rulesets are checked without.
    from rules.sql import compile_condition
    from web.people import fact_columns

    columns = fact_columns(now)
    for name, tree in asked:
        reasons = {
            compile_condition(tree, columns, dialect, now, zone).residual for dialect in ("postgresql", "sqlite")
        }
        for reason in sorted(reason for reason in reasons if reason is not None)[:1]:
            message = (
                f"SQL can't say {reason} exactly: asked of all customers, it is worked out for one after the other"
            )
            yield Note(code="beyond_sql", rule=name, message=message)
