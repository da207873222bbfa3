"""End users as other tools take them in: a row a person, Stripe facts named with the prefix `stripe_`. Pure.

A fact without a value is an empty cell. Texts come from customers and may be hostile: one that a spreadsheet would
take for a formula gets an apostrophe before it.
"""

import csv
import io
from collections.abc import Iterable, Mapping

from engine.core.facts import FactCatalog, Facts, FactType, JsonValue, Source, format_instant, to_json
from engine.inbox.models import EndUser

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_OWN = ("id", "email", "name", "created_at")


def exported_facts(catalog: FactCatalog, facts: Facts) -> dict[str, JsonValue]:
    """Return the Stripe facts that have a value, under every name they are exported by."""
    return {
        name: to_json(facts.values[spec.name])
        for spec in catalog.of_source(Source.STRIPE)
        if spec.name in facts.values
        for name in spec.names[1:]
    }


def header(catalog: FactCatalog) -> str:
    """Return the first line of the CSV file."""
    names = [name for spec in catalog.of_source(Source.STRIPE) for name in spec.names[1:]]
    return _line([*_OWN, *names])


def rows(catalog: FactCatalog, people: Iterable[tuple[EndUser, Facts | None]]) -> str:
    """Return a line for each person, whose facts may never have been worked out."""
    specs = catalog.of_source(Source.STRIPE)
    texts = {spec.name for spec in specs if spec.type in {FactType.STRING, FactType.STRINGS}}
    lines = []
    for person, facts in people:
        values: Mapping[str, object] = {} if facts is None else facts.values
        cells = [person.id, _safe(person.email or ""), _safe(person.name or ""), format_instant(person.created_at)]
        for spec in specs:
            value = values.get(spec.name)
            cell = "" if value is None else _text(to_json(value))  # type: ignore[arg-type]  # a fact's value
            cells += [_safe(cell) if spec.name in texts else cell] * len(spec.names[1:])
        lines.append(_line(cells))
    return "".join(lines)


def _text(value: JsonValue) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case list():
            return " ".join(str(item) for item in value)
        case _:
            return str(value)


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(cells: Iterable[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()
