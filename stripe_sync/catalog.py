"""The facts that Stripe gives, each declared once.

Laws of this module
- A fact's name, type, meaning, combination and reasons stand here and nowhere else; columns, documentation, type
  checks, SQL and exported names are generated from this table.
- A fact that moves with the clock names the stored instants it is computed from. Instants that are no facts themselves
  stand in `HIDDEN`; they are stored like facts and never shown. Where nothing is there they hold `FIRST` or `LAST`,
  so that the same comparison serves Python and SQL: a trial that never was ended long ago.
- `NEEDS` says which kinds of objects must be complete before a fact may speak.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType

from engine.core.facts import (
    ClockForm,
    Combine,
    CountPassed,
    ElapsedDays,
    ElapsedSeconds,
    FactSpec,
    FactType,
    FactValue,
    HasPassed,
    IsAhead,
    Reason,
    RecentNames,
    RemainingDays,
    Source,
)

FIRST = datetime(1000, 1, 1, tzinfo=UTC)
"""An instant before everything: what never held has ended by now."""
LAST = datetime(9999, 12, 31, tzinfo=UTC)
"""An instant after everything: what has no end has not ended yet."""

STATUSES = ("unpaid", "past_due", "incomplete", "paused", "trialing", "active", "canceled", "none")
"""The values of `status`, worst first."""
SUBSCRIPTION_STATUSES = (
    "active",
    "past_due",
    "trialing",
    "unpaid",
    "paused",
    "incomplete",
    "incomplete_expired",
    "canceled",
)
INTERVALS = ("day", "week", "month", "year")
INVOICE_STATUSES = ("draft", "open", "paid", "uncollectible", "void")
MATCHES = ("email", "manual", "ambiguous", "none")
RECENT_DAYS = 30

SHARED_REASONS = (
    Reason.NOT_CONNECTED,
    Reason.NO_CUSTOMER,
    Reason.AMBIGUOUS,
    Reason.NOT_SYNCED,
    Reason.UNSUPPORTED,
    Reason.STALE,
)
"""Reasons every fact but `customer` and `match` can be missing for."""

_APPLICABLE = (Reason.NOT_APPLICABLE,)
_RATE = (Reason.NO_RATE,)
_RATE_OR_NOTHING = (Reason.NO_RATE, Reason.NOT_APPLICABLE)
_AT = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)


def _fact(  # noqa: PLR0913 - one argument for each column of the table below
    name: str,
    type_: FactType,
    combine: Combine,
    example: FactValue,
    definition: str,
    *,
    unit: str | None = None,
    closed: tuple[str, ...] | None = None,
    reasons: tuple[Reason, ...] = (),
    clock: ClockForm | None = None,
    exported_as: str | None = None,
    minimum: int | None = None,
) -> FactSpec:
    return FactSpec(
        name=name,
        type=type_,
        source=Source.STRIPE,
        definition=definition,
        example=example,
        combine=combine,
        unit="currency" if type_ is FactType.MONEY else unit,
        closed_set=closed,
        reasons=reasons,
        clock=clock,
        exported_as=exported_as,
        minimum=minimum,
    )


def _text(
    name: str, combine: Combine, example: str, definition: str, *, closed: tuple[str, ...] | None = None
) -> FactSpec:
    return _fact(name, FactType.STRING, combine, example, definition, closed=closed, reasons=_APPLICABLE)


def _flag(name: str, combine: Combine, definition: str, *, clock: ClockForm | None = None) -> FactSpec:
    return _fact(name, FactType.BOOLEAN, combine, True, definition, clock=clock)


def _count(name: str, combine: Combine, example: int, definition: str, *, clock: ClockForm | None = None) -> FactSpec:
    return _fact(name, FactType.NUMBER, combine, example, definition, clock=clock, minimum=0)


def _number(
    name: str, combine: Combine, example: int, definition: str, *, unit: str, clock: ClockForm | None = None
) -> FactSpec:
    return _fact(
        name, FactType.NUMBER, combine, example, definition, unit=unit, reasons=_APPLICABLE, clock=clock, minimum=0
    )


def _money(
    name: str, combine: Combine, example: str, definition: str, *, always: bool = True, minimum: int | None = None
) -> FactSpec:
    reasons = _RATE if always else _RATE_OR_NOTHING
    return _fact(name, FactType.MONEY, combine, Decimal(example), definition, reasons=reasons, minimum=minimum)


def _instant(name: str, combine: Combine, definition: str) -> FactSpec:
    return _fact(name, FactType.DATETIME, combine, _AT, definition, reasons=_APPLICABLE)


_ANY, _BEST, _SUM = Combine.ANY, Combine.BEST, Combine.SUM
_LATEST, _LEAST, _OLDEST = Combine.LATEST, Combine.LEAST, Combine.OLDEST

_TIMELINE = (
    ("invoice_created", "an invoice was created"),
    ("subscription_created", "a subscription was created"),
    ("charged", "a charge succeeded"),
    ("charge_refunded", "money was last refunded"),
    ("subscription_deleted", "a subscription last ended"),
)

STRIPE_FACTS: tuple[FactSpec, ...] = (
    # Who the customer is.
    _flag("customer", _ANY, "Whether a Stripe customer is linked."),
    _fact(
        "match",
        FactType.STRING,
        Combine.NONE,
        "email",
        "How the customer was found: by e-mail, by hand, several fit, or none.",
        closed=MATCHES,
    ),
    _text("account", _BEST, "acct_1Mq8Za", "Id of the Stripe account the customer belongs to."),
    _fact(
        "customer_id",
        FactType.STRING,
        _BEST,
        "cus_P9fQ2",
        "Id of the customer in Stripe.",
        reasons=_APPLICABLE,
        exported_as="stripe_id",
    ),
    _text("email", _BEST, "ada@example.com", "E-mail address of the customer as Stripe has it."),
    _text("country", _BEST, "DE", "Country of the customer's address, two letters in upper case."),
    _text("currency", _BEST, "eur", "Currency the customer is billed in, three letters in lower case."),
    _instant("customer_since", Combine.EARLIEST, "When the customer was created in Stripe."),
    _flag("livemode", Combine.NONE, "Whether the customer is a live one; test and live money never add up."),
    # What they subscribe to.
    _text("plan", _BEST, "Pro", "Name of the primary item's product, else its price's nickname, else the price's id."),
    _text("product_id", _BEST, "prod_N3x", "Id of the primary item's product."),
    _text("price_id", _BEST, "price_1Nq", "Id of the primary item's price."),
    _text("last_plan", _LATEST, "Starter", "Plan of the subscription that ended last, when none is live."),
    _text("plan_interval", _BEST, "month", "Billing interval of the primary item.", closed=INTERVALS),
    _number("plan_interval_count", _BEST, 1, "Number of intervals in a billing period.", unit="intervals"),
    _number("quantity", _BEST, 5, "Quantity of the primary item.", unit="units"),
    _money(
        "plan_price",
        _BEST,
        "49.00",
        "Price of the primary item for one billing period at quantity 1, before discounts; none if tiered, metered or "
        "chosen by the customer.",
        always=False,
        minimum=0,
    ),
    _money(
        "mrr",
        _SUM,
        "1250.00",
        "Monthly recurring revenue: licensed items of active and past-due subscriptions, brought to a month, after "
        "permanent discounts.",
        minimum=0,
    ),
    _money(
        "arr", _SUM, "15000.00", "Annual recurring revenue: twelve times the monthly one before rounding.", minimum=0
    ),
    _money(
        "ltv",
        _SUM,
        "8400.00",
        "Total revenue collected: captured charges less refunds and lost disputes.",
    ),
    _money(
        "ltv_off_stripe",
        _SUM,
        "0.00",
        "Paid outside Stripe, as the customer's invoices record, less what credit notes gave back there.",
    ),
    # How it stands.
    _text("status", Combine.WORST, "past_due", "Worst status of the live subscriptions.", closed=STATUSES),
    _text("subscription_status", _BEST, "active", "Status of the primary subscription.", closed=SUBSCRIPTION_STATUSES),
    _text("subscription_id", _BEST, "sub_1Nq", "Id of the primary subscription."),
    _count("subscriptions", _SUM, 1, "How many subscriptions are live, neither canceled nor expired."),
    _flag("on_trial", _BEST, "Whether the primary subscription is on trial now.", clock=IsAhead("on_trial_until")),
    _instant("trial_ends_at", _BEST, "When the trial of the primary subscription ends or ended."),
    _number(
        "trial_days_left",
        _BEST,
        9,
        "Days until the trial of the primary subscription ends; 0 when it has.",
        unit="days",
        clock=RemainingDays("trial_ends_at"),
    ),
    _instant("period_start", _BEST, "Start of the primary item's billing period."),
    _instant("period_end", _BEST, "End of the primary item's billing period."),
    _flag("cancels", _BEST, "Whether the primary subscription is set to end."),
    _instant("cancels_at", _BEST, "When the primary subscription is set to end."),
    _flag(
        "collection_paused",
        _BEST,
        "Whether collection of payments is paused on the primary subscription.",
        clock=IsAhead("collection_paused_until"),
    ),
    _instant("ended_at", _LATEST, "When the last subscription ended, when none is live."),
    _flag(
        "discounted",
        _ANY,
        "Whether a discount is in force on the customer, the primary subscription or one of its items.",
        clock=IsAhead("discounted_until"),
    ),
    # What they owe.
    _flag("delinquent", _ANY, "Stripe's own flag for a customer whose latest invoice failed or went past due."),
    _money("balance", _SUM, "-25.00", "Balance of the customer at Stripe; negative is credit in their favour."),
    _count("open_invoices", _SUM, 1, "How many invoices are open."),
    _count(
        "overdue_invoices",
        _SUM,
        1,
        "How many open invoices are past their due date or, without one, were tried and not paid.",
        clock=CountPassed("invoice_due_dates"),
    ),
    _money("amount_due", _SUM, "98.00", "What remains to be paid on open invoices.", minimum=0),
    _fact(
        "days_overdue",
        FactType.NUMBER,
        Combine.GREATEST,
        12,
        "Days since the oldest overdue invoice was due; 0 if none is overdue.",
        unit="days",
        clock=ElapsedDays("overdue_since"),
        minimum=0,
    ),
    _text("last_invoice_status", _LATEST, "open", "Status of the latest invoice.", closed=INVOICE_STATUSES),
    _instant("last_invoice_at", _LATEST, "When the latest invoice was finalized, or created if it never was."),
    _money("last_invoice_amount", _LATEST, "49.00", "Total of the latest invoice.", always=False),
    # What they paid.
    _flag("charge_failed", _ANY, "Whether the latest attempt to charge failed."),
    _instant("charge_failed_at", _LATEST, "When the latest attempt to charge failed, if it did."),
    _text("failure_code", _LATEST, "card_declined", "Stripe's code for why the latest attempt to charge failed."),
    _count("payments", _SUM, 14, "How many charges succeeded and were captured."),
    _instant("last_payment_at", _LATEST, "When the latest such charge was made."),
    _money("last_payment_amount", _LATEST, "49.00", "Amount of the latest such charge.", always=False),
    _money("refunded", _SUM, "0.00", "Total refunded.", minimum=0),
    _instant("last_refund_at", _LATEST, "When money was last refunded."),
    _count("disputes", _SUM, 0, "How many charges were disputed; inquiries and prevented disputes do not count."),
    _count("open_disputes", _SUM, 0, "How many disputes await an answer or a ruling."),
    # What they pay with.
    _text("card_brand", _BEST, "visa", "Brand of the default card."),
    _text("card_last4", _BEST, "4242", "Last four digits of the default card."),
    _instant("card_expires_at", _BEST, "When the default card expires, the end of its month."),
    _flag("card_expired", _BEST, "Whether the default card has expired.", clock=HasPassed("card_good_until")),
    _number(
        "card_days_left",
        _BEST,
        40,
        "Days until the default card expires; 0 when it has.",
        unit="days",
        clock=RemainingDays("card_expires_at"),
    ),
    # What happened lately.
    *(
        _number(
            f"days_since_{event}",
            _LEAST,
            3,
            f"Days since {words}.",
            unit="days",
            clock=ElapsedDays(f"{event}_at"),
        )
        for event, words in _TIMELINE
    ),
    _fact(
        "recent_events",
        FactType.STRINGS,
        Combine.UNION,
        ("invoice_created", "charged"),
        f"What happened in the last {RECENT_DAYS} days: {', '.join(event for event, _ in _TIMELINE)}.",
        clock=RecentNames(RECENT_DAYS, tuple((event, f"{event}_at") for event, _ in _TIMELINE)),
    ),
    # How fresh all this is.
    _instant("synced_at", _OLDEST, "When the customer's data was last known to equal Stripe's."),
    _number(
        "sync_age",
        _OLDEST,
        4,
        "Seconds since the customer's data was last known to equal Stripe's.",
        unit="seconds",
        clock=ElapsedSeconds("synced_at"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A value that is kept: a fact that does not move with the clock, or a hidden instant."""

    name: str
    type: FactType
    combine: Combine


def _hidden(name: str, combine: Combine, type_: FactType = FactType.DATETIME) -> Stored:
    return Stored(name=name, type=type_, combine=combine)


HIDDEN: tuple[Stored, ...] = (
    _hidden("on_trial_until", _BEST),
    _hidden("collection_paused_until", _BEST),
    _hidden("discounted_until", _LATEST),  # the latest end of all says whether any is still in force
    _hidden("invoice_due_dates", _SUM, FactType.STRINGS),  # several customers: one list behind the other
    _hidden("overdue_since", Combine.EARLIEST),
    _hidden("card_good_until", _BEST),
    *(_hidden(f"{event}_at", _LATEST) for event, _ in _TIMELINE),
    _hidden("valid_until", Combine.EARLIEST),  # when stored values change without an event: a coupon runs out
)

STORED: tuple[Stored, ...] = (
    *(Stored(name=spec.name, type=spec.type, combine=spec.combine) for spec in STRIPE_FACTS if spec.clock is None),
    *HIDDEN,
)
"""Everything that is kept for an end user, in the order of the table's columns."""

_CUSTOMERS = frozenset({"customers"})
_PRIMARY = frozenset({"customers", "subscriptions", "prices", "coupons"})
_INVOICES = _CUSTOMERS | {"invoices"}
_CHARGES = _CUSTOMERS | {"charges"}


def _needs() -> Mapping[str, frozenset[str]]:
    needs: dict[str, frozenset[str]] = {}
    for kinds, names in (
        (
            _CUSTOMERS,
            "account customer_id email country currency customer_since livemode delinquent balance synced_at",
        ),
        (_PRIMARY | {"products"}, "plan last_plan"),
        (
            _PRIMARY,
            (
                "product_id price_id plan_interval plan_interval_count quantity plan_price mrr arr subscription_status "
                "subscription_id on_trial_until trial_ends_at period_start period_end cancels cancels_at "
                "collection_paused_until discounted_until"
            ),
        ),
        (
            _CUSTOMERS | {"subscriptions"},
            "status subscriptions ended_at subscription_created_at subscription_deleted_at",
        ),
        (
            _INVOICES,
            (
                "open_invoices invoice_due_dates amount_due overdue_since last_invoice_status "
                "last_invoice_at last_invoice_amount invoice_created_at"
            ),
        ),
        (_INVOICES | {"credit_notes"}, "ltv_off_stripe"),
        (_CHARGES | {"refunds", "disputes"}, "ltv"),
        (_CHARGES | {"invoices"}, "charge_failed charge_failed_at failure_code"),
        (_CHARGES, "payments last_payment_at last_payment_amount charged_at"),
        (_CHARGES | {"refunds"}, "refunded last_refund_at charge_refunded_at"),
        (_CHARGES | {"disputes"}, "disputes open_disputes"),
        (_PRIMARY | {"charges"}, "card_brand card_last4 card_expires_at card_good_until"),
    ):
        needs.update(dict.fromkeys(names.split(), kinds))
    return MappingProxyType(needs)


NEEDS: Mapping[str, frozenset[str]] = _needs()
"""The kinds of objects each stored value is made of; `customer` and `match` need none."""


def inputs_of(form: ClockForm) -> tuple[str, ...]:
    """Return the names of the stored values a clock fact is computed from."""
    match form:
        case ElapsedDays(name) | ElapsedSeconds(name) | RemainingDays(name) | HasPassed(name) | IsAhead(name):
            return (name,)
        case CountPassed(name):
            return (name,)
        case RecentNames():
            return tuple(instant for _, instant in form.instants)
