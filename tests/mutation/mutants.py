"""Every small change to a module, one at a time.

Laws of this module
- A mutant is named by its function and by what it changes, never by its line, so that the name outlives other edits.
- What only people read is left alone: docstrings, annotations, the wording of messages (texts with a space in them).
"""

import ast
import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

TOP = "<module>"

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change to one function, or to one constant of a module."""

    key: str
    path: Path
    function: str
    """Its qualified name; `<module>` for a constant."""
    name: str
    """Of the constant or class that is set again; empty for a function."""
    tree: ast.Module
    node: ast.AST
    variant: ast.AST

    def compiled(self) -> CodeType:
        """Return the code of the whole changed module."""
        changed = copy.deepcopy(self.tree, {id(self.node): ast.copy_location(copy.deepcopy(self.variant), self.node)})
        return compile(ast.fix_missing_locations(changed), str(self.path), "exec")


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Yield every mutant of a module."""
    tree = ast.parse(path.read_text())
    seen: Counter[str] = Counter()
    for function, name, scope in _scopes(tree):
        for node in _nodes(scope):
            for variant in _variants(node):
                label = f"{path.name} {function}{name and ' ' + name}: {_short(node)} -> {_short(variant)}"
                seen[label] += 1
                yield Mutant(
                    key=label if seen[label] == 1 else f"{label} #{seen[label]}",
                    path=path,
                    function=function,
                    name=name,
                    tree=tree,
                    node=node,
                    variant=variant,
                )


def _short(node: ast.AST) -> str:
    """Return the source of a node in a line; of a statement with a body, its condition."""
    return " ".join(ast.unparse(node.test if isinstance(node, ast.If) else node).split())


def _scopes(tree: ast.Module) -> Iterator[tuple[str, str, ast.AST]]:
    for statement in tree.body:
        match statement:
            case ast.FunctionDef(name=name):
                yield name, "", statement
            case ast.ClassDef(name=name, body=body):
                for inner in body:
                    if isinstance(inner, ast.FunctionDef):
                        yield f"{name}.{inner.name}", "", inner
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name != "__all__":
                yield TOP, name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield TOP, name, value
            case _:
                pass


def _nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that may change, outermost first."""
    if isinstance(scope, ast.FunctionDef):
        for statement in scope.body:
            yield from _nodes(statement)
        return
    if isinstance(scope, ast.JoinedStr | ast.Assert | ast.Import | ast.ImportFrom | ast.arguments):
        return
    if isinstance(scope, ast.Expr) and isinstance(scope.value, ast.Constant):
        return
    yield scope
    for field, value in ast.iter_fields(scope):
        if field in {"annotation", "returns", "decorator_list", "ctx"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, ast.cmpop | ast.operator | ast.boolop):
                yield from _nodes(child)


def _variants(node: ast.AST) -> Sequence[ast.AST]:  # noqa: C901, PLR0911, PLR0912 - a line for each kind of node
    match node:
        case ast.Compare(ops=ops):
            return [
                _with_operator(node, position) for position in range(len(ops)) if type(ops[position]) in _COMPARISONS
            ]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return [ast.BinOp(left=left, op=_OPERATORS[type(op)](), right=right)]
        case ast.AugAssign(target=target, op=op, value=value) if type(op) in _OPERATORS:
            return [ast.AugAssign(target=target, op=_OPERATORS[type(op)](), value=value)]
        case ast.BoolOp(op=op, values=values):
            return [ast.BoolOp(op=ast.Or() if isinstance(op, ast.And) else ast.And(), values=values)]
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            return [operand]
        case ast.Constant(value=bool() as value):
            return [ast.Constant(value=not value)]
        case ast.Constant(value=int() as value):
            return [ast.Constant(value=value + 1)]
        case ast.Constant(value=str() as value) if " " not in value:
            return [ast.Constant(value=f"{value}~")]
        case ast.If(test=test) | ast.IfExp(test=test) if not isinstance(test, ast.Compare | ast.UnaryOp):
            changed = copy.copy(node)
            changed.test = ast.UnaryOp(op=ast.Not(), operand=test)
            return [changed]
        case ast.comprehension(ifs=[_, *_]):
            return [ast.comprehension(target=node.target, iter=node.iter, ifs=[], is_async=0)]
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            return [ast.Return(value=ast.Constant(value=None))]
        case ast.Expr(value=ast.Call()):
            return [ast.Pass()]
        case ast.Break():
            return [ast.Continue()]
        case ast.Continue():
            return [ast.Break()]
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name in _CALLS:
            return [ast.Call(func=ast.Name(id=_CALLS[name], ctx=ast.Load()), args=args, keywords=keywords)]
        case _:
            return []


def _with_operator(node: ast.Compare, position: int) -> ast.Compare:
    ops = list(node.ops)
    ops[position] = _COMPARISONS[type(ops[position])]()
    return ast.Compare(left=node.left, ops=ops, comparators=node.comparators)
