"""What a history is made of: steps, drawn from a seed, that mean something in any order and however many are left out.

A step names its targets by numbers that are taken modulo what is there, so that a history can be shrunk by leaving
steps out.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from typing_extensions import override

from tests.convergence.merchant import OFTEN, WEIGHTS

WAITS_S = (0, 0, 0.2, 0.4, 0.7, 1, 2, 4, 6, 15, 61, 130, 700, 4000, 90_000)
TRAVELS_S = (0, 0.4, 7, 15)
AWAY_S = 3_000_000
"""Longer than Stripe's event log remembers."""
TROUBLES = ("429", "429", "500", "503", "timeout", "timeout-late", "truncated")
TOPICS = ("stripe_events", "stripe_events", "stripe_events", "woken", "catch_up", "backfill", "facts", "everything")
DELIVERIES = ("next", "next", "last", "any", "any", "all", "all", "again", "old")
DEATHS = ("before", "before", "after", "after", "lost")
LISTS = 12
"""How many answers the lists of a small account take."""
SKEWS_S = (-120, -60, -3, 0, 3, 60, 120)
LONGEST = 14
SYNCED = 0.93
"""How many histories begin with accounts that are read; in the others a run is all there is."""
OVERTAKEN = 0.08
"""How many histories have a page of a sweep that is overtaken by an event and its confirmation, beside what chance
brings."""
LATE = 0.1
"""How many have an update that comes when the deletion after it was worked off, beside what chance brings."""
BROKEN = 0.2
"""How many die, or lose the database, while events are worked off, beside what chance brings."""
DELETED = ("customer", "product", "price", "coupon")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens."""

    name: str
    what: str = ""
    number: int = 0
    seconds: float = 0.0
    inside: tuple["Step", ...] = ()
    """What happens in between, for a race."""

    @override
    def __str__(self) -> str:
        words = [
            self.name,
            self.what,
            f"#{self.number}" if self.number else "",
            f"{self.seconds:g}s" * bool(self.seconds),
        ]
        inside = f" [{'; '.join(map(str, self.inside))}]" if self.inside else ""
        return " ".join(word for word in words if word) + inside


@dataclass(frozen=True, slots=True)
class History:
    """What happens to two merchants and to us, before it is quiet."""

    seed: int
    is_synced: bool
    """Whether it begins with accounts that are read already, or with none connected."""
    steps: tuple[Step, ...]

    @override
    def __str__(self) -> str:
        begin = "accounts connected and read" if self.is_synced else "nothing connected"
        return "\n".join([f"history {self.seed}: {begin}", *(f"  {step}" for step in self.steps), "  quiet"])


def history(seed: int) -> History:
    """Return the history of a seed."""
    rng = random.Random(seed)
    is_synced = rng.random() < SYNCED
    steps = [_step(rng) for _ in range(rng.randint(3, LONGEST))]
    for share, make in ((OVERTAKEN, _overtaken), (LATE, _late), (BROKEN, _broken)):
        if rng.random() < share:
            place = rng.randint(0, len(steps))
            steps[place:place] = make(rng)
    if any(step.name == "skew" for step in steps):
        # Which of two connections a withdrawal meant is only told by a clock that was not set meanwhile.
        steps = [step for step in steps if step.name not in {"disconnect", "reconnect"}]
    if not is_synced:
        steps.insert(rng.randrange(1 + min(6, len(steps))), Step("connect"))
    return History(seed, is_synced, tuple(steps))


def _step(rng: random.Random) -> Step:
    (name,) = rng.choices(list(_CHANCES), list(_CHANCES.values()))
    make = _MAKE.get(name)
    return Step(name, number=rng.randrange(1, 10_000)) if make is None else make(rng)


def _of_merchant(name: str) -> Callable[[random.Random], Step]:
    def make(rng: random.Random) -> Step:
        (what,) = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))
        return Step(name, what, rng.randrange(1, 10_000))

    return make


def _race(rng: random.Random) -> Step:
    inside = tuple(_inner(rng) for _ in range(rng.randint(1, 4)))
    door = rng.choice(("answer", "answer", "transaction"))
    return Step("race", door, rng.choice((1, 1, 2, 3, 5, 8, 13)), inside=inside)


def _overtaken(rng: random.Random) -> list[Step]:
    inside = (
        Step("merchant", rng.choice(OFTEN), rng.randrange(1, 10_000)),
        Step("deliver", "all"),
        Step("work", "stripe_events"),
        Step("wait", seconds=rng.choice(TRAVELS_S)),
    )
    return [
        Step("race", "answer", rng.randint(1, LISTS), inside=inside),
        Step("resync"),
        Step("work", "backfill"),
    ]


def _late(rng: random.Random) -> list[Step]:
    kind, number = rng.choice(DELETED), rng.randrange(1, 10_000)
    return [
        Step("merchant", f"update_{kind}", number),
        Step("wait", seconds=rng.choice(WAITS_S[:9])),
        Step("merchant", f"delete_{kind}", number),
        Step("deliver", "last"),
        Step("work", "stripe_events"),
    ]


def _broken(rng: random.Random) -> list[Step]:
    death = Step("crash", rng.choice(DEATHS), rng.randint(1, 6))
    return [
        Step("merchant", rng.choice(OFTEN), rng.randrange(1, 10_000)),
        Step("deliver", "all"),
        rng.choice((death, Step("cut", number=rng.randint(1, 40)))),
        Step("work", "stripe_events"),
    ]


def _inner(rng: random.Random) -> Step:
    while True:
        step = _step(rng)
        if step.name in {"merchant", "deliver", "work", "wait", "drop"}:
            return step


_MAKE: dict[str, Callable[[random.Random], Step]] = {
    "merchant": _of_merchant("merchant"),
    "other-merchant": _of_merchant("other-merchant"),
    "wait": lambda rng: Step("wait", seconds=rng.choice(WAITS_S)),
    "away": lambda _: Step("wait", seconds=AWAY_S),
    "deliver": lambda rng: Step("deliver", rng.choice(DELIVERIES), rng.randrange(1, 10_000)),
    "work": lambda rng: Step("work", rng.choice(TOPICS)),
    "trouble": lambda rng: Step("trouble", rng.choice(TROUBLES), rng.choice((1, 1, 2, 3, 6, 20))),
    "crash": lambda rng: Step("crash", rng.choice(DEATHS), rng.choice((1, 1, 2, 3, 5, 8, 13, 25))),
    "cut": lambda rng: Step("cut", number=rng.choice((1, 3, 9, 27, 80, 200))),
    "sever": lambda rng: Step("sever", rng.choice(("before", "after"))),
    "race": _race,
    "skew": lambda rng: Step("skew", seconds=rng.choice(SKEWS_S)),
}

_CHANCES = {
    "merchant": 44,
    "other-merchant": 3,
    "wait": 14,
    "deliver": 16,
    "drop": 4,
    "work": 16,
    "trouble": 6,
    "crash": 5,
    "cut": 3,
    "sever": 2,
    "race": 9,
    "skew": 3,
    "flush": 2,
    "resync": 0.7,
    "away": 0.3,
    "reconnect": 0.3,
    "disconnect": 0.5,
}
