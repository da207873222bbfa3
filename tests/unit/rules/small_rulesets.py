"""Rulesets over so few values that all of them can be tried: what the analysis proves is compared with everything.

text = ruleset(SeededChoices(seed))
assert_agrees(text)                     raises AssertionError where a verdict and the interpreter differ
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal

from engine.core.decide import decide
from engine.core.facts import Facts, FactValue
from rules.analysis.analyze import MakeProver, analyze
from rules.analysis.findings import AnalysisFinding, Code, Verdict
from rules.check import CheckedRuleset, check
from rules.compile import compile_ruleset
from rules.fact_input import to_facts
from tests.unit.rules.choices import Choices, is_rare, pick
from tests.unit.rules.facts import NOW
from web.facts import CATALOG

LEAVES = (
    "mrr > 100", "mrr <= 100", "mrr == 0", "mrr < 0", "mrr != 100", "mrr in [0, 100]", "(mrr ?? 0) < 50", "mrr == null",
    "hour >= 12", "hour != null", "hour < 12",
    'plan == "Pro"', 'plan in ["Pro", "Team"]', 'plan =~ "Pr"', 'plan != "Pro"',
    'plan.ends_with("o")', "delinquent", "not delinquent", "delinquent == null", "delinquent ?? true",
    'plan_interval == "month"', 'plan_interval in ["day", "week"]', 'plan_interval != "year"',
    'plan_interval == "year"', "mrr > hour", "mrr <= hour",
)  # fmt: skip
VALUES: Mapping[str, tuple[FactValue | None, ...]] = {
    "mrr": (None, *map(Decimal, ("-1", "0", "25", "75", "100", "150"))),
    "hour": (None, Decimal(-2), Decimal(5), Decimal(12), Decimal(80)),
    "plan": (None, "Pro", "Pre", "Piano", "Team", "Zed"),
    "delinquent": (None, False, True),
    "plan_interval": (None, "day", "week", "month", "year"),
}
_ACTIONS = ("{assign_team: a}", "{assign_team: b}", "{priority: high}", "{assign_team: a, priority: low}", "{note: n}")
_FACTS = tuple(VALUES)


def ruleset(choices: Choices) -> str:
    """Return the text of a ruleset of a few rules over three of the facts."""
    dropped = {pick(choices, _FACTS), pick(choices, _FACTS)}
    leaves = [leaf for leaf in LEAVES if not any(name in leaf.replace("plan_interval", "@") for name in dropped)]
    rules = []
    for number in range(choices.number(1, 6)):
        rule = (
            f"  - {{name: r{number}, when: {json.dumps(_condition(choices, leaves))}, then: {pick(choices, _ACTIONS)}"
        )
        if choices.number(0, 1):
            rule += ", stop: true"
        if is_rare(choices, 6):
            rule += pick(choices, (", mode: shadow", ", canary: 50", ", mode: draft"))
        if is_rare(choices, 5):
            rule += pick(choices, (", on: [message]", ", on: [created, message]"))
        rules.append(rule + "}\n")
    return f"version: 1\nrules:\n{''.join(rules)}fallback: {{assign_team: s}}\n"


def _condition(choices: Choices, leaves: list[str]) -> str:
    parts = [pick(choices, leaves) for _ in range(choices.number(1, 3))]
    parts = [f"not ({part})" if is_rare(choices, 5) else f"({part})" for part in parts]
    if len(parts) == 3 and is_rare(choices, 6):
        return f"({parts[0]}) ? ({parts[1]}) : ({parts[2]})"
    return pick(choices, (" and ", " or ")).join(parts)


def assert_agrees(text: str, make_prover: MakeProver | None = None) -> None:
    """Compare every finding with what the interpreter makes of all facts there are."""
    checked = check(text, CATALOG).ruleset
    assert checked is not None, text
    findings = analyze(checked, now=NOW, make_prover=make_prover)
    world = _World(checked)
    for finding in findings:
        if finding.verdict is Verdict.PROVED:
            assert world.bears_out(finding), (text, finding)
        if finding.example is not None:
            assert world.shows(finding), (text, finding)
    # Amounts and hours compared with each other: too few are tried to expect proofs. An ending: it counts as a
    # question of its own, so that not every text which answers it is seen to.
    if "hour)" in text or "ends_with" in text:
        return
    told = {(one.rule, one.code) for one in findings}
    for rule in checked.rules:
        for code in world.expected(rule.name):
            assert (rule.name, code) in told, (text, rule.name, code)


class _World:
    """What every rule comes to for all facts there are."""

    def __init__(self, checked: CheckedRuleset) -> None:
        self.checked = checked
        self.compiled = {rule.name: rule for rule in compile_ruleset(checked).rules}
        names = [name for name in _FACTS if any(name in rule.text for rule in checked.rules)]
        self.facts = [Facts(as_of=NOW, values=values) for values in _assignments(names)]
        self.results = {
            name: [rule.condition.evaluate(facts, NOW).result for facts in self.facts]
            for name, rule in self.compiled.items()
        }

    def expected(self, name: str) -> Iterator[Code]:
        """Yield what has to be found about a rule."""
        rule = self.compiled[name]
        if rule.mode == "draft":
            return
        if True not in self.results[name]:
            yield Code.ALWAYS_UNKNOWN if False not in self.results[name] else Code.NEVER_TRUE
        elif all(self.results[name]):
            yield Code.ALWAYS_TRUE
        if True in self.results[name] and self._is_covered(name, stops_only=True):
            yield Code.UNREACHABLE

    def bears_out(self, finding: AnalysisFinding) -> bool:  # noqa: PLR0911  # one line for each code
        """Return whether what was proved holds for all facts."""
        results = self.results[finding.rule]
        match finding.code:
            case Code.NEVER_TRUE:
                return True not in results
            case Code.ALWAYS_UNKNOWN:
                return set(results) == {None}
            case Code.ALWAYS_TRUE:
                return set(results) == {True}
            case Code.TRUE_WHEN_KNOWN:
                return all(
                    result is True
                    for result, facts in zip(results, self.facts, strict=True)
                    if all(name in facts.values for name in _FACTS if _mentions(self._text(finding.rule), name))
                )
            case Code.OUT_OF_REACH:
                return "mrr" in finding.message or "no value" in finding.message or "hour" in finding.message
            case Code.UNREACHABLE:
                return self._is_covered(finding.rule, stops_only=True)
            case Code.SLOT_TAKEN:
                return self._is_covered(finding.rule, stops_only=False, slots=finding.message)
            case Code.DUPLICATE:
                twins = [one is True for one in self.results[finding.others[0]]]
                return [one is True for one in results] == twins
            case _:
                return True

    def shows(self, finding: AnalysisFinding) -> bool:
        """Return whether an example shows what it is given for."""
        facts = to_facts(finding.example or {}, CATALOG, NOW).facts
        result = self.compiled[finding.rule].condition.evaluate(facts, NOW).result
        if finding.code is Code.TRUE_WHEN_KNOWN:
            return result is not True
        if finding.code is Code.OVERLAP:
            return result is True and self.compiled[finding.others[0]].condition.evaluate(facts, NOW).result is True
        if finding.code is Code.UNREACHABLE and finding.verdict is Verdict.REFUTED:
            (trigger,) = self.compiled[finding.rule].on
            decision = decide(compile_ruleset(self.checked), facts, now=NOW, on=trigger)
            return finding.rule in (*decision.matched, *decision.shadow)
        return True

    def _is_covered(self, name: str, *, stops_only: bool, slots: str = "") -> bool:
        rule = self.compiled[name]
        names = list(self.compiled)
        above = [self.compiled[one] for one in names[: names.index(name)]]
        above = [one for one in above if one.mode == "live" and one.canary == 100]
        if stops_only:
            groups = [[one for one in above if one.stop]]
        else:
            lost = [slot for slot in ("assign_team", "priority") if f"`{slot}`" in slots]
            groups = [[one for one in above if getattr(one.actions, slot) is not None] for slot in lost]
        return all(
            any(self.results[one.name][place] is True for one in group if trigger in one.on)
            for group in groups
            for trigger in rule.on
            for place, result in enumerate(self.results[name])
            if result is True
        )

    def _text(self, name: str) -> str:
        return next(rule.text for rule in self.checked.rules if rule.name == name)


def _mentions(text: str, name: str) -> bool:
    return name in (text.replace("plan_interval", "@") if name == "plan" else text)


def _assignments(names: list[str]) -> Iterator[dict[str, FactValue]]:
    for values in itertools.product(*(VALUES[name] for name in names)):
        yield {name: value for name, value in zip(names, values, strict=True) if value is not None}
