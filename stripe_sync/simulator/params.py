"""Stripe's way of writing parameters: `a=1`, `a[b]=1`, `a[]=1`, `a[0]=1`, in queries and form bodies."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from stripe_sync.simulator.answers import invalid

Params = dict[str, str | list[str] | dict[str, str]]

_TOO_LARGE = 10**15
_BOUNDS = {"gt", "gte", "lt", "lte"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A half-open range of whole seconds."""

    start: int = 0
    end: int = _TOO_LARGE


def parse(text: str) -> Params:
    """Parse a query string or form body into nested parameters."""
    return nest(parse_qsl(text, keep_blank_values=True))


def nest(pairs: Iterable[tuple[str, str]]) -> Params:
    """Group pairs such as `created[gt]` and `expand[]` under their first name; the last of a name wins."""
    params: Params = {}
    for name, value in pairs:
        head, bracket, rest = name.partition("[")
        if not bracket:
            params[head] = value
            continue
        key = rest.partition("]")[0]
        if key == "" or key.isdigit():
            _append(params, head, value)
        else:
            _set(params, head, key, value)
    return params


def _append(params: Params, head: str, value: str) -> None:
    present = params.get(head)
    if isinstance(present, list):
        present.append(value)
    else:
        params[head] = [value]


def _set(params: Params, head: str, key: str, value: str) -> None:
    present = params.get(head)
    if isinstance(present, dict):
        present[key] = value
    else:
        params[head] = {key: value}


def text(params: Params, name: str) -> str | None:
    """Return a plain parameter, or None if it was not given; raises Stripe's 400 for a nested one."""
    value = params.get(name)
    if value is None or isinstance(value, str):
        return value
    raise invalid(name, f"Invalid string: {name}")


def items(params: Params, name: str) -> list[str]:
    """Return a list parameter; a plain value counts as a list of one."""
    value = params.get(name, [])
    if isinstance(value, str):
        return [value]
    return list(value.values()) if isinstance(value, dict) else value


def mapping(params: Params, name: str) -> dict[str, str]:
    """Return a nested parameter, empty if it was not given."""
    value = params.get(name, {})
    if isinstance(value, dict):
        return value
    raise invalid(name, f"Invalid object: {name}")


def boolean(params: Params, name: str) -> bool | None:
    """Return a boolean parameter, or None if it was not given."""
    value = text(params, name)
    if value is None:
        return None
    if value in {"true", "false"}:
        return value == "true"
    raise invalid(name, f"Invalid boolean: {value}")


def integer(name: str, value: str) -> int:
    """Return a whole number; raises Stripe's 400 for anything else."""
    if value.lstrip("-").isascii() and value.lstrip("-").isdigit():
        return int(value)
    raise invalid(name, f"Invalid integer: {value}", code="parameter_invalid_integer")


def span(params: Params, name: str) -> Span | None:
    """Return the range of a time filter (`created=5`, `created[gte]=5`), or None if it was not given."""
    value = params.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        second = integer(name, value)
        return Span(start=second, end=second + 1)
    if not isinstance(value, dict) or not set(value) <= _BOUNDS:
        raise invalid(name, f"Invalid object: {name}")
    start, end = 0, _TOO_LARGE
    for bound, given in value.items():
        second = integer(f"{name}[{bound}]", given)
        if bound.startswith("g"):
            start = max(start, second + (bound == "gt"))
        else:
            end = min(end, second + (bound == "lte"))
    return Span(start=start, end=end)
