"""One generated case: a customer, an instant and settings; derived, and compared with the slow reference."""

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from engine.core.facts import Reason, to_json
from engine.workspace.models import ChurnAt
from stripe_sync.catalog import STRIPE_FACTS
from stripe_sync.derive import DeriveSettings, GivenRates, at, derive
from stripe_sync.objects import bundle_from_json
from tests.unit.derive import reference
from tests.unit.derive.build import Json, seconds
from tests.unit.derive.customers import Maker

OF_THE_LINK = {"customer", "match", "account", "synced_at", "sync_age"}
COMPARED = tuple(spec.name for spec in STRIPE_FACTS if spec.name not in OF_THE_LINK)
RATES = {"usd": "1", "eur": "1.0845", "jpy": "0.00671", "isk": "0.0072", "kwd": "3.2531", "ugx": "0.00027"}


@dataclass(frozen=True)
class Case:
    """What is derived."""

    document: Json
    question: reference.Question

    @property
    def settings(self) -> DeriveSettings:
        """The same settings, as derivation takes them."""
        asked = self.question
        return DeriveSettings(
            reporting_currency=asked.currency,
            subtract_repeating=asked.repeating,
            subtract_once=asked.once,
            churn_at=ChurnAt.CANCELLATION if asked.at_cancellation else ChurnAt.PERIOD_END,
            rates=GivenRates(into=asked.currency, rates=asked.rates),
        )

    @property
    def now(self) -> datetime:
        """The instant."""
        return datetime.fromtimestamp(self.question.at, UTC)

    def options(self) -> str:
        """Return the options with which `ochre facts derive` asks the same; `--settings` with the file's content."""
        asked = self.question
        rates = " ".join(f"--rate {code}={_decimal(rate)}" for code, rate in sorted(asked.rates.items()))
        chosen = {
            "subtract_repeating": asked.repeating,
            "subtract_once": asked.once,
            "churn_at": self.settings.churn_at.value,
        }
        given = f"--settings <(echo '{json.dumps(chosen)}')"
        return f"--at {reference.when(asked.at)} --currency {asked.currency} {rates} {given}"


def _decimal(rate: Fraction) -> Decimal:
    return Decimal(rate.numerator) / rate.denominator  # exact: the rates below have eight places


def case_of(seed: int) -> Case:
    """Return the case of a seed."""
    chance = random.Random(seed + 1)
    currency = chance.choice(("usd", "usd", "usd", "eur", "jpy", "isk", "kwd"))
    into = Fraction(RATES[currency])
    worth = {code: round(Fraction(rate) / into, 8) for code, rate in RATES.items() if code != currency}
    if chance.random() < 0.1:
        del worth[chance.choice(sorted(worth))]
    question = reference.Question(
        at=seconds() + chance.choice((0, 0, 0, 1, 86_399, 40 * 86_400)),
        currency=currency,
        rates=worth,
        repeating=chance.random() < 0.5,
        once=chance.random() < 0.3,
        at_cancellation=chance.random() < 0.2,
    )
    return Case(document=Maker(seed).customer(), question=question)


def derived(case: Case) -> Json:
    """Return every fact as printed; what may be there and can't be known as UNKNOWN."""
    found = at(derive(bundle_from_json(case.document), case.now, case.settings), case.now)
    return {
        name: to_json(found.values[name])
        if name in found.values
        else None
        if found.reasons.get(name) is Reason.NOT_APPLICABLE
        else reference.UNKNOWN
        for name in COMPARED
    }


@lru_cache(maxsize=1000)
def answered(seed: int) -> tuple[Case, Json]:
    """Return the case of a seed and what the reference says of it."""
    case = case_of(seed)
    return case, reference.facts(case.document, case.question)


def differences(case: Case, theirs: Json) -> dict[str, tuple[Any, Any]]:
    """Return what is derived and what the reference says, for each fact in which they differ."""
    ours = derived(case)
    return {name: (ours[name], theirs[name]) for name in COMPARED if ours[name] != theirs[name]}
