"""The parts of `make torture`, by name; a new part is a function and a line here."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tests.torture import (
    analysis,
    convergence,
    evaluation,
    facts,
    hostile,
    language,
    matcher,
    planted,
    processes,
    sql,
    totality,
)

Part = Callable[[int, float], bool]
"""Takes a seed and how much larger or smaller than usual it is to be; prints its figures; true if all held."""

PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "facts": facts.run,
        "totality": totality.run,
        "sql": sql.run,
        "matcher": matcher.run,
        "analysis": analysis.run,
        "convergence": convergence.run,
        "planted": planted.run,
        "processes": processes.run,
        "library": language.library,
        "slowest": language.slowest,
        "hostile": hostile.run,
        "evaluation": evaluation.run,
    }
)
