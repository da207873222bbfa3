"""How a number was made, as people read it: steps with amounts, and a last line that is the number. Pure.

Amounts are written exactly, or cut with an ellipsis, so that what is shown never seems to add up to another sum.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Context, Decimal
from fractions import Fraction
from functools import partial
from typing import Any

from stripe_sync.currencies import shown_decimals
from web.screens import format as fmt
from web.screens.page import Pill
from web.screens.panel_words import MISSING, STATUS_WORDS

NAMES = {"mrr": "MRR", "ltv": "LTV", "status": "Status", "plan": "Plan"}
MAX_DECIMALS = 4
"""So many are shown of an amount that has more than its currency."""
RATE_DIGITS = 7
ELLIPSIS = "…"
TIMES = "\N{MULTIPLICATION SIGN}"
INTROS = {
    "mrr": "What active and past due subscriptions bring in a month, without tax and without usage.",
    "ltv": "Every payment that was collected, less refunds and lost disputes.",
    "status": "The worst status of all live subscriptions: unpaid, past due, incomplete, paused, trial, active.",
    "plan": "What the primary subscription sells most of: best status first, then highest MRR, then newest.",
}
DISCOUNTS = {
    (False, False): " Of discounts only lasting ones are subtracted.",
    (True, False): " Lasting and repeating discounts are subtracted.",
    (False, True): " Lasting and one-time discounts are subtracted.",
    (True, True): " All discounts are subtracted.",
}
"""By whether repeating and one-time ones count."""
WHY_NOT = {
    "cancels": "is set to cancel, which counts at once in this workspace",
    "nothing_recurs": "has nothing that recurs: only usage, one-off prices or items on trial",
}
SOURCES = {"published": "European Central Bank", "override": "set by an admin", "given": "given"}

_PAIR = re.compile(r"\bfrom ([a-z]{3}) to ([a-z]{3})\b")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step on the way to a line's amount."""

    text: str
    amount: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A record at Stripe."""

    text: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line; the amounts of all make the number."""

    title: str
    url: str = ""
    """The record; empty where the links below name it."""
    amount: str = ""
    pill: Pill | None = None
    links: tuple[Link, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainView:
    """How one number was made."""

    fact: str
    name: str
    intro: str
    lines: tuple[Line, ...]
    total: str
    """The number; empty if there is none."""
    rounded_from: str = ""
    missing: str = ""
    """Why there is no number."""
    wants_rate: str = ""
    """The currency for which a rate is missing."""
    asides: tuple[Line, ...] = ()
    """What does not count, and why."""
    is_current: bool = True


def explain_view(told: Json, zone: tzinfo = UTC) -> ExplainView:
    """Return what to show of an explanation, as the API gives it."""
    fact = told["fact"]
    currency = told.get("currency")
    is_money = currency is not None
    write = partial(_payment_line, zone=zone) if fact == "ltv" else _LINES[fact]
    lines = tuple(write(line, currency) for line in told["lines"]) + _rounding(told)
    value = told["value"]
    return ExplainView(
        fact=fact,
        name=NAMES[fact],
        intro=INTROS[fact] + _counted_by(told.get("settings")),
        lines=lines,
        total=_total(fact, value, currency),
        rounded_from=_rounded_from(told) if is_money else "",
        missing=_missing(told) or _nothing(fact, value, lines),
        wants_rate=_wanted_rate(told),
        asides=(*_uncounted(told), *_left_out(told["left_out"])),
        is_current=told["current"],
    )


def exact_money(amount: Fraction, currency: str | None) -> str:
    """Return an amount exactly, or cut after a few decimals with an ellipsis."""
    decimals = shown_decimals((currency or "").lower())
    while decimals < MAX_DECIMALS and (amount * 10**decimals).denominator != 1:
        decimals += 1
    scaled = abs(amount) * 10**decimals
    cut = Decimal(scaled.numerator // scaled.denominator).scaleb(-decimals)
    text = fmt.money(-cut if amount < 0 else cut, currency, decimals=decimals) or ""
    if scaled.denominator == 1:
        return text
    head = text.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    return head + ELLIPSIS + text[len(head) :]


def rate_text(rate: Fraction) -> str:
    """Return a rate with as many digits as people compare."""
    context = Context(prec=RATE_DIGITS)
    value = context.divide(Decimal(rate.numerator), Decimal(rate.denominator))
    return f"{value.normalize(context):f}" + ("" if Fraction(value) == rate else ELLIPSIS)


def _total(fact: str, value: str | None, currency: str | None) -> str:
    if value is None:
        return ""
    if fact == "status":
        return STATUS_WORDS.get(value, (value, "", ""))[0]
    return value if currency is None else fmt.money(value, currency) or ""


def _rounding(told: Json) -> tuple[Line, ...]:
    """Return the line with which the others make the number; none where they do so by themselves."""
    added = Fraction(told.get("rounding") or 0)
    return (Line(title="Rounding", amount=exact_money(added, told["currency"])),) if added else ()


def _rounded_from(told: Json) -> str:
    exact = told["exact"]
    if exact is None or Fraction(exact) == Fraction(told["value"]):
        return ""
    return exact_money(Fraction(exact), told["currency"])


def _missing(told: Json) -> str:
    if told["value"] is not None or told["reason"] in {None, "not_applicable"}:
        return ""
    if told["missing"]:
        message = _PAIR.sub(lambda pair: f"from {pair[1].upper()} to {pair[2].upper()}", told["missing"])
        return f"There is no value, because {message}."
    return f"There is no value: {MISSING.get(told['reason'], 'unknown').lower()}."


def _wanted_rate(told: Json) -> str:
    pair = _PAIR.search(told["missing"] or "") if told["reason"] == "no_rate" else None
    return "" if pair is None else pair[1].upper()


def _counted_by(settings: Json | None) -> str:
    return "" if settings is None else DISCOUNTS[settings["subtract_repeating"], settings["subtract_once"]]


def _nothing(fact: str, value: str | None, lines: Sequence[Line]) -> str:
    """Return what to say where there is nothing to list."""
    if lines:
        return ""
    return {
        "mrr": "No subscription counts at present.",
        "ltv": "Nothing was collected yet.",
        "status": "All subscriptions have ended." if value == "canceled" else "There never was a subscription.",
        "plan": "No subscription is live.",
    }[fact]


def _revenue_line(line: Json, currency: str | None) -> Line:
    own = line["currency"]
    left = Fraction(line["gross"])
    every = _every(line["interval"], line["interval_count"])
    steps = [Step(text=f"Quantity {line['quantity']:,}, {every}", amount=exact_money(left, own))]
    for discount in line["discounts"]:
        taken = Fraction(discount["taken"])
        left -= taken
        steps.append(Step(text=f"Less {discount['name']}", amount=exact_money(-taken, own)))
    for factor, words in ((line["without_tax"], "Without tax"), (line["a_month"], "In a month")):
        if Fraction(factor) != 1:
            left *= Fraction(factor)
            steps.append(Step(text=f"{words} ({TIMES} {_factor(factor)})", amount=exact_money(left, own)))
    links = [Link(text=str(line["subscription"]), url=line["url"])]
    if line["price_url"]:
        links.append(Link(text=line["price"], url=line["price_url"]))
    return Line(
        title=line["name"] or line["price"] or line["item"] or "Item",
        amount=exact_money(Fraction(line["amount"]), currency),
        links=tuple(links),
        steps=(*steps, *_converted(line, currency)),
    )


def _payment_line(line: Json, currency: str | None, zone: tzinfo = UTC) -> Line:
    own = line["currency"]
    steps = [Step(text="Captured", amount=exact_money(Fraction(line["captured"]), own))]
    for name, words in (("refunded", "Less refunds"), ("lost_in_disputes", "Less lost disputes")):
        if Fraction(line[name]):
            steps.append(Step(text=words, amount=exact_money(-Fraction(line[name]), own)))
    steps += _converted(line, currency)
    created = line["created"]
    if line["charge"] is None:
        title = f"{fmt.plural(line['charges'], 'payment')} in {own.upper()}"
    else:
        title = fmt.date(datetime.fromtimestamp(created, UTC), zone) if created else line["charge"]
    return Line(
        title=title,
        url=line["url"],
        amount=exact_money(Fraction(line["amount"]), currency),
        steps=tuple(steps) if len(steps) > 1 else (),
    )


def _status_line(line: Json, currency: str | None) -> Line:  # noqa: ARG001 - all kinds of line are made alike
    decides = (Step(text="This one decides"),) if line["decides"] else ()
    return Line(title=str(line["subscription"]), url=line["url"], pill=_status_pill(line["status"]), steps=decides)


def _plan_line(line: Json, currency: str | None) -> Line:  # noqa: ARG001 - all kinds of line are made alike
    among = line["chosen_among"]
    steps = (Step(text=f"Chosen among {among:,} live subscriptions"),) if among > 1 else ()
    price = (Link(text=line["price"], url=line["price_url"]),) if line["price_url"] else ()
    return Line(
        title=line["name"] or line["price"] or "Item",
        pill=_status_pill(line["status"]),
        links=(Link(text=str(line["subscription"]), url=line["url"]), *price),
        steps=steps,
    )


_LINES = {"mrr": _revenue_line, "ltv": _payment_line, "status": _status_line, "plan": _plan_line}


def _status_pill(status: str | None) -> Pill:
    word, icon, tone = STATUS_WORDS.get(status or "", (str(status), "question", "neutral"))
    return Pill(text=word, icon=icon, tone=tone)


def _every(interval: str, count: int) -> str:
    return f"for one {interval}" if count == 1 else f"for {count} {interval}s"


def _factor(written: str) -> str:
    value = Fraction(written)
    return written if "/" in written else rate_text(value)


def _converted(line: Json, currency: str | None) -> tuple[Step, ...]:
    rate, own = line["rate"], line["currency"]
    if rate is None or own == currency:
        return ()
    into = str(currency).upper()
    told = f"1 {own.upper()} = {rate_text(Fraction(rate))} {into}"
    day = fmt.date(date.fromisoformat(line["rate_of"])) if line["rate_of"] else ""
    source = SOURCES.get(line["rate_source"], "")
    return (
        Step(
            text=", ".join(filter(None, (told, source, day))),
            amount=exact_money(Fraction(line["amount"]), currency),
        ),
    )


def _uncounted(told: Json) -> tuple[Line, ...]:
    return tuple(
        Line(
            title=str(each["subscription"]),
            url=each["url"],
            pill=_status_pill(each["status"]),
            steps=(Step(text=WHY_NOT[each["why"]].capitalize()),) if each["why"] in WHY_NOT else (),
        )
        for each in told.get("uncounted", ())
    )


def _left_out(customers: Sequence[Json]) -> tuple[Line, ...]:
    return tuple(
        Line(title=each["customer"], url=each["url"], steps=(Step(text=_why_left_out(each)),)) for each in customers
    )


def _why_left_out(customer: Json) -> str:
    return "Another candidate fits better" if customer["livemode"] else "Test mode: never added to live money"
