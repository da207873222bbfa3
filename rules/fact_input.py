"""Facts from outside as JSON: checked against the catalog, typed, with the key at fault named.

Any missing fact is unknown; `null` is the same as missing; `""` and `[]` are known. Decimals may be strings. Each
fact answers to any of its names. `conversation_id` is an extra key that is no fact.
"""

import decimal
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from engine.core.facts import FactCatalog, Facts, FactSpec, FactType, FactValue, JsonValue
from rules.expression import parse_datetime
from rules.suggestions import did_you_mean

CONVERSATION_KEY = "conversation_id"


class FactInputError(ValueError):
    """Raised for input that is no set of facts; the message names the fact and says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactInput:
    """Facts, and the conversation they belong to if it was named."""

    facts: Facts
    conversation_id: str | None


def parse_facts(line: str, catalog: FactCatalog, as_of: datetime) -> FactInput:
    """Return the facts of one JSON object; raise FactInputError."""
    try:
        found = _DECODER.decode(line)
    except FactInputError:
        raise
    except RecursionError:
        raise FactInputError("not JSON: nested too deep") from None
    except ValueError as fault:
        raise FactInputError(f"not JSON: {fault}") from None
    if not isinstance(found, dict):
        raise FactInputError("not a JSON object of facts")
    return to_facts(found, catalog, as_of)


def to_facts(found: Mapping[str, object], catalog: FactCatalog, as_of: datetime) -> FactInput:
    """Return the facts of a mapping of fact names to JSON values; raise FactInputError."""
    conversation_id = found.get(CONVERSATION_KEY)
    if conversation_id is not None and not isinstance(conversation_id, str):
        raise FactInputError(f"`{CONVERSATION_KEY}`: needs text, not {_spelled(conversation_id)}")
    values: dict[str, FactValue] = {}
    for name, given in found.items():
        if name == CONVERSATION_KEY:
            continue
        spec = catalog.find(name)
        if spec is None:
            hint = did_you_mean(name, catalog.names)
            raise FactInputError(f"`{name}`: there is no such fact" + (f"; {hint}" if hint else ""))
        if given is None:
            continue
        value = _typed(name, given, spec)
        if values.setdefault(spec.name, value) != value:
            raise FactInputError(f"`{name}`: the fact `{spec.name}` is given twice, with different values")
    return FactInput(facts=Facts(as_of=as_of, values=values), conversation_id=conversation_id)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise FactInputError(f"`{twice}`: stands twice in one object")
    return found


def _refuse_constant(name: str) -> JsonValue:
    raise ValueError(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_object)


def _typed(name: str, given: object, spec: FactSpec) -> FactValue:
    value = _convert(given, spec.type)
    if value is None:
        raise FactInputError(f"`{name}`: needs {_NEEDED[spec.type]}, not {_spelled(given)}")
    return value


_NEEDED = {
    FactType.BOOLEAN: "true or false",
    FactType.STRING: "text",
    FactType.NUMBER: "a number",
    FactType.MONEY: "a number",
    FactType.DATETIME: "a date and time (`2026-11-20T12:00:00Z`)",
    FactType.STRINGS: "a list of texts",
    FactType.MAPPING: "an object",
}


def _convert(given: object, type_: FactType) -> FactValue | None:
    match type_:
        case FactType.BOOLEAN:
            return given if isinstance(given, bool) else None
        case FactType.STRING:
            return given if _is_text(given) else None  # type: ignore[return-value]  # _is_text says so
        case FactType.NUMBER | FactType.MONEY:
            return _number(given)
        case FactType.DATETIME:
            return parse_datetime(given, UTC) if isinstance(given, str) else None
        case FactType.STRINGS:
            return tuple(given) if isinstance(given, list) and all(map(_is_text, given)) else None
        case FactType.MAPPING:
            return given if isinstance(given, dict) and _is_sound(given) else None


def _is_text(given: object) -> bool:
    return isinstance(given, str) and _is_sound(given)


def _is_sound(given: object) -> bool:
    """Return whether every text in a JSON value can be written as UTF-8."""
    match given:
        case str():
            return given.isascii() or given.encode("utf-8", "replace").decode() == given
        case list():
            return all(map(_is_sound, given))
        case dict():
            return all(map(_is_sound, (*given, *given.values())))
        case _:
            return True


def _number(given: object) -> Decimal | None:
    if isinstance(given, bool) or not isinstance(given, int | float | Decimal | str):
        return None
    try:
        number = Decimal(repr(given) if isinstance(given, float) else given)
    except (decimal.DecimalException, ValueError):
        return None
    return number if number.is_finite() else None


def _spelled(given: object) -> str:
    text = json.dumps(given, ensure_ascii=True, default=str)
    return text if len(text) <= 60 else text[:59] + "…"  # noqa: PLR2004  # fits on a line
