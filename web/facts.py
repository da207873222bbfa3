"""The whole catalog of facts, and how it is shown: as JSON for programs, as a page for people."""

from collections.abc import Iterable

from engine.core.conversation_facts import CONVERSATION_FACTS
from engine.core.facts import Combine, FactCatalog, FactSpec, JsonValue, Source, to_json
from stripe_sync.catalog import SHARED_REASONS, STRIPE_FACTS

CATALOG = FactCatalog((*STRIPE_FACTS, *CONVERSATION_FACTS))
"""Every fact a condition may name."""

_COMBINED = {
    Combine.NONE: "-",
    Combine.ANY: "any",
    Combine.SUM: "sum",
    Combine.BEST: "the best customer's",
    Combine.WORST: "worst",
    Combine.EARLIEST: "earliest",
    Combine.LATEST: "latest",
    Combine.GREATEST: "greatest",
    Combine.LEAST: "least",
    Combine.OLDEST: "oldest",
    Combine.UNION: "union",
}
_HEADINGS = {
    Source.STRIPE: (
        "From Stripe",
        (
            "Each also answers to its name with `stripe_` before it, and is exported under that name. Without a linked "
            "customer all but `customer` and `match` are unknown. *Several customers* says how the facts of several "
            "customers of one person become one."
        ),
    ),
    Source.CONVERSATION: ("From the conversation", "As they are before the first rule acts."),
}


def describe(spec: FactSpec) -> dict[str, JsonValue]:
    """Return the declaration of a fact as JSON."""
    always: tuple[str, ...] = ()
    if spec.source is Source.STRIPE and spec.name not in {"customer", "match"}:
        always = SHARED_REASONS
    return {
        "name": spec.name,
        "names": list(spec.names),
        "type": spec.type.value,
        "unit": spec.unit,
        "source": spec.source.value,
        "definition": spec.definition,
        "values": None if spec.closed_set is None else list(spec.closed_set),
        "several_customers": spec.combine.value if spec.source is Source.STRIPE else None,
        "moves_with_clock": spec.clock is not None,
        "reasons": [str(reason) for reason in (*always, *spec.reasons)],
        "example": to_json(spec.example),
    }


def as_markdown(specs: Iterable[FactSpec]) -> str:
    """Return the page of all facts, as it stands in `docs/facts.md`."""
    listed = list(specs)
    lines = [
        "# Facts",
        "",
        "What rules, segments and the panel know. This page is written by `ochre facts catalog --format markdown`.",
        "",
        (
            "A fact without value is unknown, never zero: a comparison with it is neither true nor false, and the "
            "panel says why it is missing."
        ),
    ]
    for source, (heading, introduction) in _HEADINGS.items():
        lines += ["", f"## {heading}", "", introduction, ""]
        lines += _table([spec for spec in listed if spec.source is source], source)
    return "\n".join(lines) + "\n"


def _table(specs: Iterable[FactSpec], source: Source) -> list[str]:
    several = source is Source.STRIPE
    head = "| fact | type | meaning |" + (" several customers |" if several else "")
    rule = "|---|---|---|" + ("---|" if several else "")
    return [head, rule, *(_line(spec, several=several) for spec in specs)]


def _line(spec: FactSpec, *, several: bool) -> str:
    values = "" if spec.closed_set is None else " One of " + ", ".join(f"`{each}`" for each in spec.closed_set) + "."
    unit = f" ({spec.unit})" if spec.unit and spec.unit != "currency" else ""
    line = f"| `{spec.name}` | {spec.type.value}{unit} | {spec.definition}{values} |"
    return line + (f" {_COMBINED[spec.combine]} |" if several else "")
