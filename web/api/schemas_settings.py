"""The shapes of a workspace's settings and rates, and of the explanation of a number."""

from typing import Any, Literal

from pydantic import Field

from web.api.schemas import In, Out, OutInstant, Query


class SettingsIn(In):
    """Settings to change; those left out stay as they are."""

    reporting_currency: Any = Field(default=None, description="Three letters of ISO 4217, such as `usd`.")
    timezone: Any = Field(default=None, description="A name of the time zone database, such as `Europe/Vienna`.")
    on_ambiguous: Any = Field(default=None, description="`unknown` or `best`.")
    subtract_repeating: Any = Field(default=None, description="true or false.")
    subtract_once: Any = Field(default=None, description="true or false.")
    churn_at: Any = Field(default=None, description="`period_end` or `cancellation`.")
    business_hours: Any = Field(
        default=None, description='Blocks by weekday, such as `{"monday": [["09:00", "17:00"]]}`.'
    )
    retention_payload_days: Any = Field(default=None, description="For how many days webhook payloads are kept.")
    retention_message_days: Any = Field(default=None, description="For how many days messages and facts are kept.")


class RateOut(Out):
    """The rate one currency is converted with."""

    currency: str
    into: str
    rate: str | None = Field(description="What one unit is worth, exactly; null: amounts in it are unknown.")
    date: str | None = Field(description="The day the rate is of.")
    source: Literal["published", "override"] | None
    published: str | None = Field(description="The published rate, also where an own one wins over it.")
    in_use: bool = Field(description="Whether anything at Stripe is in this currency.")


class RenewalOut(Out):
    """Whether facts are being worked out again."""

    renewing: bool
    since: OutInstant | None


class SettingsOut(Out):
    """What a workspace chose."""

    reporting_currency: str
    timezone: str
    on_ambiguous: Literal["unknown", "best"]
    subtract_repeating: bool
    subtract_once: bool
    churn_at: Literal["period_end", "cancellation"]
    business_hours: dict[str, list[list[str]]]
    retention_payload_days: int
    retention_message_days: int
    rates: list[RateOut]
    facts: RenewalOut


class RatePath(Query):
    """Which currency."""

    currency: str = Field(max_length=100, description="Three letters of ISO 4217, such as `kwd`.")


class RateIn(In):
    """A rate of the workspace's own."""

    rate: str = Field(max_length=30, description="What one unit is worth in the reporting currency, such as `1.10`.")
    date: str | None = Field(default=None, max_length=10, description="The day the rate is of; today if left out.")


class RateQuery(Query):
    """Which of a currency's rates."""

    into: str | None = Field(default=None, max_length=3, description="The reporting currency if left out.")


class ExplainQuery(Query):
    """What to explain."""

    fact: Literal["mrr", "ltv", "status", "plan"]


class FactPath(Query):
    """Whose fact to explain, and which."""

    id: str = Field(max_length=100)
    fact: Literal["mrr", "ltv", "status", "plan"]


class ConvertedOut(Out):
    """What every line of an amount says about its conversion."""

    customer: str
    url: str = Field(description="The record at Stripe.")
    currency: str
    rate: str | None = Field(description="What one unit is worth in the reporting currency, exactly.")
    rate_of: str | None = Field(description="The day the rate is of.")
    rate_source: Literal["published", "override", "given"] | None
    amount: str = Field(description="In the reporting currency, exactly: a decimal, or a fraction such as `25/3`.")


class DiscountTakenOut(Out):
    """What one discount took off."""

    name: str
    taken: str


class RevenueLineOut(ConvertedOut):
    """What one subscription item adds to MRR."""

    subscription: str | None
    item: str | None
    price: str | None
    price_url: str | None
    product: str | None
    name: str | None
    quantity: int
    interval: str
    interval_count: int
    gross: str = Field(description="For one billing period, in the line's currency.")
    discounts: list[DiscountTakenOut]
    without_tax: str = Field(description="What part of the amount is not tax.")
    a_month: str = Field(description="What part of a billing period's amount falls on a month.")


class PaymentLineOut(ConvertedOut):
    """What one payment, or all payments in one currency, add to LTV."""

    charge: str | None = Field(description="null where several payments are one line.")
    charges: int = Field(description="How many payments the line is of.")
    created: int | None = Field(description="Unix time of the payment.")
    captured: str
    refunded: str
    lost_in_disputes: str


class StatusLineOut(Out):
    """One live subscription."""

    subscription: str | None
    status: str | None
    customer: str
    url: str
    decides: bool = Field(description="Whether the status is this one's.")


class PlanLineOut(Out):
    """The subscription and item the plan is of."""

    subscription: str | None
    status: str | None
    item: str | None
    price: str | None
    price_url: str | None
    name: str | None
    customer: str
    url: str
    chosen_among: int = Field(description="How many live subscriptions there are.")


class UncountedOut(Out):
    """A live subscription that adds nothing to MRR."""

    subscription: str | None
    status: str | None
    customer: str
    url: str
    why: Literal["status", "cancels", "nothing_recurs"]


class LeftOutOut(Out):
    """A customer that does not count, because another one is live and this one is not."""

    customer: str
    livemode: bool
    url: str


class CountedByOut(Out):
    """The settings that MRR depends on."""

    subtract_repeating: bool
    subtract_once: bool
    churn_at: Literal["period_end", "cancellation"]


class ExplanationOut(Out):
    """How a fact was made; the amounts of the lines add up to `exact`, and with `rounding` to `value`."""

    fact: str
    value: str | None
    reason: str | None = Field(description="Why there is no value.")
    missing: str | None = Field(description='The end of the sentence "no value because …".')
    as_of: OutInstant = Field(description="When the fact was worked out.")
    currency: str | None = Field(default=None, description="Of an amount.")
    exact: str | None = Field(default=None, description="Of an amount: the sum of the lines.")
    rounding: str | None = Field(
        default=None, description="Of an amount: what rounding adds to `exact`; it can be below 0."
    )
    sum: str | None = Field(default=None, description="Of an amount: `exact` and `rounding` together.")
    current: bool = Field(description="Whether the lines make the value; false for a moment while something changes.")
    lines: list[RevenueLineOut | PaymentLineOut | StatusLineOut | PlanLineOut]
    left_out: list[LeftOutOut]
    settings: CountedByOut | None = Field(default=None, description="For mrr: the settings it was counted by.")
    uncounted: list[UncountedOut] = Field(default_factory=list, description="For mrr.")
