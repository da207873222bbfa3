"""The engines a user could pick instead, each given the same rules: installed by the benchmark, asked for all matches.

They are installed beside the virtual environment's own packages, never among them. One that cannot be installed or
imported is said so and left out. Each returns the places of the rules that match.
"""

import functools
import importlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import rule_engine

from tests.bench.workload import CATEGORIES, FLAGS, NUMBERS, TEXTS, Leaf, Person, Rule, condition

HOME = Path(sys.prefix) / "bench-peers"
PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

Match = Callable[[Person], list[int]]
Make = Callable[[Sequence[Rule]], Match]


@functools.cache
def install() -> Mapping[str, str]:
    """Install the packages of the extra `bench`; return those that can't be, with the last line of why."""
    wanted = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]["bench"]
    failed: dict[str, str] = {}
    for requirement in wanted:
        if (HOME / f".{requirement}").exists():
            continue
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(HOME), requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            failed[requirement] = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        else:
            (HOME / f".{requirement}").touch()
    if str(HOME) not in sys.path:
        sys.path.append(str(HOME))  # behind ours: what both need is ours
    return failed


def rule_engine_typed(rules: Sequence[Rule]) -> Match:
    """`rule_engine` rule by rule, with declared types; a rule that raises for want of a value does not match."""
    compiled = [rule_engine.Rule(condition(rule), context=_context()) for rule in rules]

    def match(person: Person) -> list[int]:
        found = []
        for number, rule in enumerate(compiled):
            try:
                if rule.matches(person.plain):
                    found.append(number)
            except rule_engine.errors.EngineError:
                continue
        return found

    return match


def lambdas(rules: Sequence[Rule]) -> Match:
    """Python lambdas as a person would write them."""
    compiled = [eval(f"lambda f: {_python(rule)}") for rule in rules]  # our own text

    def match(person: Person) -> list[int]:
        plain = person.plain
        return [number for number, rule in enumerate(compiled) if rule(plain)]

    return match


def cel_rust(rules: Sequence[Rule]) -> Match:
    """CEL in Rust (`common-expression-language`), a program for each rule, one context for each conversation."""
    cel = importlib.import_module("cel")

    programs = [cel.compile(_cel(rule)) for rule in rules]

    def match(person: Person) -> list[int]:
        context = cel.Context(_json(person.plain))
        return [number for number, program in enumerate(programs) if program.execute(context)]

    return match


def cel_cpp(rules: Sequence[Rule]) -> Match:
    """CEL in C++ (`cel-expr-python`)."""
    cel = importlib.import_module("cel_expr_python.cel")

    types = {
        **dict.fromkeys(NUMBERS, cel.Type.DOUBLE),
        **dict.fromkeys((*CATEGORIES, *TEXTS), cel.Type.STRING),
        **dict.fromkeys(FLAGS, cel.Type.BOOL),
        "tags": cel.Type.List(cel.Type.STRING),
    }
    environment = cel.NewEnv(variables=types)
    programs = [environment.compile(_cel(rule)) for rule in rules]

    def match(person: Person) -> list[int]:
        context = environment.Activation({name: person.plain[name] for name in types})
        return [number for number, program in enumerate(programs) if program.eval(context).value()]

    return match


def zen_table(rules: Sequence[Rule]) -> Match:
    """One decision table of ZEN with all rules as rows, every matching row collected."""
    zen = importlib.import_module("zen")

    rows = [{"_id": f"r{number}", "i": _zen(rule), "o": str(number)} for number, rule in enumerate(rules)]
    content = {
        "hitPolicy": "collect",
        "inputs": [{"id": "i", "name": "when"}],
        "outputs": [{"id": "o", "field": "rule", "name": "rule"}],
        "rules": rows,
    }
    at = {"x": 0, "y": 0}
    graph = {
        "nodes": [
            {"id": "in", "type": "inputNode", "name": "in", "position": at},
            {"id": "table", "type": "decisionTableNode", "name": "table", "position": at, "content": content},
            {"id": "out", "type": "outputNode", "name": "out", "position": at},
        ],
        "edges": [
            {"id": "e1", "type": "edge", "sourceId": "in", "targetId": "table"},
            {"id": "e2", "type": "edge", "sourceId": "table", "targetId": "out"},
        ],
    }
    decision = zen.ZenEngine().create_decision(json.dumps(graph))

    def match(person: Person) -> list[int]:
        answer = decision.evaluate(json.dumps(_json(person.plain)))
        return [row["rule"] for row in answer["result"] or ()]

    return match


def clips(rules: Sequence[Rule]) -> Match:
    """CLIPS (`clipspy`): Rete in C, a fact for each fact, the agenda read without firing."""
    library = importlib.import_module("clips")

    environment = library.Environment()
    for number, rule in enumerate(rules):
        for part, clause in enumerate(rule):
            patterns = " ".join(_clips(leaf) for leaf in clause)
            environment.build(f"(defrule r{number}-{part} {patterns} => )")

    def match(person: Person) -> list[int]:
        environment.reset()
        for name, value in person.plain.items():
            for one in value if isinstance(value, list) else (value,):
                written = _clips_value(one)
                if written is not None:
                    environment.assert_string(f"({name} {written})")
        return sorted({int(one.name[1:].partition("-")[0]) for one in environment.activations()})

    return match


def json_logic_python(rules: Sequence[Rule]) -> Match:
    """json-logic for Python (`json-logic-qubit`)."""
    json_logic = importlib.import_module("json_logic").jsonLogic

    compiled = [_json_logic(rule) for rule in rules]

    def match(person: Person) -> list[int]:
        plain = person.plain
        return [number for number, rule in enumerate(compiled) if json_logic(rule, plain)]

    return match


PEERS: Mapping[str, Make] = {
    "rule_engine, typed": rule_engine_typed,
    "hand-written lambdas": lambdas,
    "CEL in Rust": cel_rust,
    "ZEN's table": zen_table,
    "CLIPS": clips,
    "CEL in C++": cel_cpp,
    "json-logic": json_logic_python,
}


def chain(rules: Sequence[Rule]) -> Callable[[Person], int | None]:
    """`rule_engine`'s own `Chain`: the place of the first rule that matches."""
    context = _context()
    links = rule_engine.Chain(
        [(rule_engine.Rule(condition(rule), context=context), number) for number, rule in enumerate(rules)],
        context=context,
        default_value=-1,
    )

    def first(person: Person) -> int | None:
        number: int = links.evaluate(person.plain)
        return None if number < 0 else number

    return first


@functools.cache
def _context() -> Any:
    types = rule_engine.DataType
    known: dict[str, Any] = {
        **dict.fromkeys(NUMBERS, types.FLOAT),
        **dict.fromkeys((*CATEGORIES, *TEXTS), types.STRING),
        **dict.fromkeys(FLAGS, types.BOOLEAN),
        "tags": types.ARRAY(types.STRING),
    }
    return rule_engine.Context(type_resolver=rule_engine.type_resolver_from_dict(known), default_timezone="utc")


def _joined(rule: Rule, leaf: Callable[[Leaf], str], both: str, either: str) -> str:
    return either.join(f"({both.join(leaf(one) for one in clause)})" for clause in rule)


def _python(rule: Rule) -> str:
    return _joined(rule, _python_leaf, " and ", " or ")


def _python_leaf(leaf: Leaf) -> str:
    kind, fact, value = leaf
    target = f'f["{fact}"]'
    return {
        "gt": lambda: f"{target} > {value}",
        "lt": lambda: f"{target} < {value}",
        "eq": lambda: f'{target} == "{value}"',
        "flag": lambda: target if value else f"not {target}",
        "has": lambda: f'"{value}" in {target}',
        "contains": lambda: f'"{value}" in {target}',
        "prefix": lambda: f'{target}.startswith("{value}")',
        "suffix": lambda: f'{target}.endswith("{value}")',
        "search": lambda: "(" + " or ".join(f'"{one}" in {target}' for one in value) + ")",
    }[kind]()


def _cel(rule: Rule) -> str:
    return _joined(rule, _cel_leaf, " && ", " || ")


def _cel_leaf(leaf: Leaf) -> str:
    kind, fact, value = leaf
    return {
        "gt": lambda: f"{fact} > {float(value)!r}",
        "lt": lambda: f"{fact} < {float(value)!r}",
        "eq": lambda: f'{fact} == "{value}"',
        "flag": lambda: fact if value else f"!{fact}",
        "has": lambda: f'"{value}" in {fact}',
        "contains": lambda: f'{fact}.contains("{value}")',
        "prefix": lambda: f'{fact}.startsWith("{value}")',
        "suffix": lambda: f'{fact}.endsWith("{value}")',
        "search": lambda: f'{fact}.matches("{"|".join(value)}")',
    }[kind]()


def _zen(rule: Rule) -> str:
    return _joined(rule, _zen_leaf, " and ", " or ")


def _zen_leaf(leaf: Leaf) -> str:
    kind, fact, value = leaf
    return {
        "flag": lambda: fact if value else f"not {fact}",
        "contains": lambda: f'contains({fact}, "{value}")',
        "prefix": lambda: f'startsWith({fact}, "{value}")',
        "suffix": lambda: f'endsWith({fact}, "{value}")',
        "search": lambda: f'matches({fact}, "{"|".join(value)}")',
    }.get(kind, lambda: _cel_leaf(leaf))()


def _clips(leaf: Leaf) -> str:
    kind, fact, value = leaf
    size = len(value) if isinstance(value, str) else 0
    end = f"(sub-string (- (str-length ?v) {size - 1}) (str-length ?v) ?v)"
    return {
        "gt": lambda: f"({fact} ?v&:(> ?v {float(value)!r}))",
        "lt": lambda: f"({fact} ?v&:(< ?v {float(value)!r}))",
        "eq": lambda: f'({fact} "{value}")',
        "flag": lambda: f"({fact} {'TRUE' if value else 'FALSE'})",
        "has": lambda: f'({fact} "{value}")',
        "contains": lambda: f'({fact} ?v&:(str-index "{value}" ?v))',
        "prefix": lambda: f'({fact} ?v&:(eq (sub-string 1 {size} ?v) "{value}"))',
        "suffix": lambda: f'({fact} ?v&:(eq {end} "{value}"))',
        "search": lambda: f'({fact} ?v&:(or {" ".join(f"""(str-index "{one}" ?v)""" for one in value)}))',
    }[kind]().replace("?v", f"?{fact}")


def _clips_value(value: object) -> str | None:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return repr(value)
    return f'"{value}"' if isinstance(value, str) else None


def _json_logic(rule: Rule) -> Any:
    clauses = [{"and": [_json_logic_leaf(leaf) for leaf in clause]} for clause in rule]
    return clauses[0] if len(clauses) == 1 else {"or": clauses}


def _json_logic_leaf(leaf: Leaf) -> Any:
    kind, fact, value = leaf
    target = {"var": fact}
    forms: Mapping[str, Callable[[], Any]] = {
        "gt": lambda: {">": [target, float(value)]},
        "lt": lambda: {"<": [target, float(value)]},
        "eq": lambda: {"==": [target, value]},
        "flag": lambda: target if value else {"!": [target]},
        "has": lambda: {"in": [value, target]},
        "contains": lambda: {"in": [value, target]},
        "prefix": lambda: {"==": [{"substr": [target, 0, len(value)]}, value]},
        "suffix": lambda: {"==": [{"substr": [target, -len(value)]}, value]},
        "search": lambda: {"or": [{"in": [one, target]} for one in value]},
    }
    return forms[kind]()


def _json(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts as JSON has them; the datetime is asked for by no rule."""
    return {name: value for name, value in _items(plain) if name != "created_at"}


def _items(plain: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    return plain.items()
