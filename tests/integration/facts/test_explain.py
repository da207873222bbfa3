"""How a number was made: the lines add up to what people see, for one customer and for several."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from engine.faults import NotFound
from engine.workspace.models import ChurnAt, OnAmbiguous, RateOverride, WorkspaceSettings
from stripe_sync.derive import Rate
from stripe_sync.explain_service import ExplainService
from stripe_sync.explanation import MAX_PAYMENTS
from stripe_sync.fact_service import Cause, FactService
from stripe_sync.matching import LinkKind
from stripe_sync.settings import StripeConfig
from tests.integration.facts.test_recompute import of
from tests.integration.facts.world import ADA, HERE, SERVICE, World
from tests.unit.derive.build import charge, customer, item, percent, price, subscription

CONFIG = StripeConfig(public_url="http://localhost")


def explain(world: World, fact: str, facts: FactService = SERVICE) -> dict[str, Any]:
    """Return how a fact of Ada was made."""
    with world.database.workspace(HERE) as session:
        found = ExplainService(CONFIG, facts).explain(HERE, session, ADA, fact, world.clock.now())
    assert not isinstance(found, NotFound)
    return found


def shown(world: World, fact: str) -> object:
    """Return a fact of Ada as the panel writes it."""
    value = world.read().get(fact)
    return str(value) if isinstance(value, Decimal) else value


def total(told: dict[str, Any]) -> Fraction:
    """Return what the lines add up to."""
    return sum((Fraction(line["amount"]) for line in told["lines"]), Fraction(0))


def fill(world: World, name: str = "a", *, livemode: bool = True, **objects: Any) -> None:
    """Connect an account with one customer of Ada's who has these objects."""
    connection = world.connect(name, livemode=livemode)
    customer_id = f"cus_{name}"
    own = {kind: of(customer_id, *found) for kind, found in objects.items() if kind in {"subscriptions", "charges"}}
    rest = {kind: found for kind, found in objects.items() if kind not in own}
    products = [{"id": "prod_a", "object": "product", "name": "Pro"}]
    world.mirror(
        connection, customers=[customer(id=customer_id, livemode=livemode)], products=products, **{**own, **rest}
    )
    world.link(connection, customer_id)


def test_the_lines_of_mrr_add_up_to_it(world: World) -> None:
    """Each line names its subscription, item, price, quantity, discounts, factor and rate, and opens at Stripe."""
    yearly = price(12_500, interval="year", id="price_y", currency="eur")
    fill(
        world,
        prices=[price(), yearly],
        subscriptions=[
            subscription(item(price(), quantity=3), discounts=[percent(10)]),
            subscription(item(yearly, id="si_y"), id="sub_y", currency="eur"),
        ],
    )
    world.recompute()
    told = explain(world, "mrr")
    monthly, in_euros = told["lines"]

    assert told["value"] == told["sum"] == shown(world, "mrr") == "38.46"  # 27.00 + 125.00 / 12 * 1.10
    assert Fraction(told["exact"]) == total(told) == 27 + Fraction(125, 12) * Fraction("1.10")
    assert told["current"]
    assert (monthly["name"], monthly["subscription"], monthly["item"], monthly["price"], monthly["quantity"]) == (
        "Pro", "sub_a", "si_a", "price_a", 3,
    )  # fmt: skip
    assert monthly["discounts"] == [{"name": "coupon_a", "taken": "3"}]
    assert (monthly["gross"], monthly["a_month"], monthly["amount"], monthly["rate"]) == ("30", "1", "27", "1")
    assert monthly["url"] == "https://dashboard.stripe.com/acct_a/subscriptions/sub_a"
    assert monthly["price_url"] == "https://dashboard.stripe.com/acct_a/prices/price_a"
    assert (in_euros["a_month"], in_euros["rate"], in_euros["rate_source"]) == ("1/12", "1.1", "given")


def test_what_does_not_count_says_why(world: World) -> None:
    """A trial, a subscription set to cancel, and one without anything recurring stand apart, each with its reason."""
    world.change_settings(WorkspaceSettings(churn_at=ChurnAt.CANCELLATION))
    metered = price(usage_type="metered", id="price_m")
    fill(
        world,
        prices=[price(), metered],
        subscriptions=[
            subscription(),
            subscription(item(id="si_t"), id="sub_t", status="trialing"),
            subscription(item(id="si_c"), id="sub_c", cancel_at_period_end=True),
            subscription(item(metered, id="si_m", quantity=None), id="sub_m"),
        ],
    )
    world.recompute()
    told = explain(world, "mrr")

    assert [line["subscription"] for line in told["lines"]] == ["sub_a"]
    assert {line["subscription"]: line["why"] for line in told["uncounted"]} == {
        "sub_t": "status",
        "sub_c": "cancels",
        "sub_m": "nothing_recurs",
    }


def test_the_lines_of_ltv_add_up_to_it(world: World) -> None:
    """Payments come newest first, less refunds and lost disputes, each opening its payment."""
    fill(
        world,
        charges=[
            charge(5000, id="ch_1", created=1, payment_intent="pi_1"),
            charge(3000, id="ch_2", created=2, amount_refunded=1000, currency="eur"),
            charge(900, "failed", id="ch_3", created=3),
        ],
        disputes=[{"id": "du_a", "charge": "ch_1", "status": "lost", "amount": 1000, "currency": "usd"}],
    )
    world.recompute()
    told = explain(world, "ltv")

    assert told["value"] == told["sum"] == shown(world, "ltv") == "62.00"
    assert [line["charge"] for line in told["lines"]] == ["ch_2", "ch_1"]
    assert [line["lost_in_disputes"] for line in told["lines"]] == ["0", "10"]
    assert told["lines"][1]["url"] == "https://dashboard.stripe.com/acct_a/payments/pi_1"


def test_many_payments_are_one_line_for_each_currency(world: World) -> None:
    """Nobody reads thousands of lines; the sums of the lines are the same."""
    charges = [
        charge(333, id=f"ch_{number}", created=number, currency="eur" if number % 3 else "usd")
        for number in range(MAX_PAYMENTS + 10)
    ]
    fill(world, charges=charges)
    world.recompute()
    told = explain(world, "ltv")

    assert [(line["currency"], line["charges"]) for line in told["lines"]] == [("eur", 40), ("usd", 20)]
    assert told["value"] == told["sum"] == "213.12"  # 40 * 3.33 * 1.10 + 20 * 3.33
    assert told["lines"][0]["url"] == "https://dashboard.stripe.com/acct_a/customers/cus_a"


def test_several_customers_are_rounded_once_together(world: World) -> None:
    """Two customers of 8.325 a month make 16.65, not 16.66; the plan is the best one's, the status the worst."""
    for name, status in (("a", "active"), ("b", "past_due")):
        yearly = price(9_990, interval="year", id=f"price_{name}")
        fill(
            world,
            name,
            prices=[yearly],
            subscriptions=[subscription(item(yearly, id=f"si_{name}"), id=f"sub_{name}", status=status)],
        )
    world.recompute()
    mrr, status_, plan = (explain(world, fact) for fact in ("mrr", "status", "plan"))

    assert mrr["value"] == mrr["sum"] == shown(world, "mrr") == "16.65"
    assert [line["customer"] for line in mrr["lines"]] == ["cus_a", "cus_b"]
    assert status_["value"] == "past_due"
    assert [(line["subscription"], line["decides"]) for line in status_["lines"]] == [("sub_a", False), ("sub_b", True)]
    assert [(line["customer"], line["name"]) for line in plan["lines"]] == [("cus_a", "Pro")]


def test_test_money_is_left_out_beside_live_money(world: World) -> None:
    """The explanation names the customer that does not count."""
    fill(world, "a", prices=[price()], subscriptions=[subscription()])
    fill(world, "b", livemode=False, prices=[price(7000)], subscriptions=[subscription(id="sub_b")])
    world.recompute()
    told = explain(world, "mrr")

    assert told["sum"] == shown(world, "mrr") == "10.00"
    assert [(each["customer"], each["livemode"]) for each in told["left_out"]] == [("cus_b", False)]
    assert told["left_out"][0]["url"] == "https://dashboard.stripe.com/acct_b/test/customers/cus_b"


def test_a_currency_without_a_rate_is_named(world: World) -> None:
    """Without a rate there is no sum, and the reason says which rate is missing."""
    fill(world, charges=[charge(5000, currency="kwd")])
    world.recompute()
    told = explain(world, "ltv")

    assert (told["value"], told["sum"], told["exact"], told["reason"]) == (None, None, None, "no_rate")
    assert told["missing"] == "there is no rate from kwd to usd"


def test_what_was_not_read_yet_is_not_explained(world: World) -> None:
    """Of a half-read list no part is shown as if it were all."""
    connection = world.connect(complete=frozenset({"customers"}))
    world.mirror(connection, customers=[customer()], charges=of("cus_a", charge()))
    world.link(connection, "cus_a")
    world.recompute()
    told = explain(world, "ltv")

    assert (told["value"], told["reason"], told["lines"]) == (None, "not_synced", [])


def test_nobody_to_explain(world: World) -> None:
    """Without a customer there is a reason and nothing else, whatever is asked for."""
    world.connect()
    for fact in ("mrr", "ltv", "status", "plan"):
        told = explain(world, fact)
        assert (told["value"], told["reason"], told["lines"]) == (None, "no_customer", [])


def test_a_guess_is_explained_by_the_best_candidate(world: World) -> None:
    """Where a workspace lets the best candidate speak, the lines are that one's alone."""
    world.change_settings(WorkspaceSettings(on_ambiguous=OnAmbiguous.BEST))
    for name, status in (("a", "past_due"), ("b", "active")):
        connection = world.connect(name)
        own = subscription(item(id=f"si_{name}"), id=f"sub_{name}", status=status)
        world.mirror(
            connection,
            customers=[customer(id=f"cus_{name}")],
            prices=[price()],
            subscriptions=of(f"cus_{name}", own),
        )
        world.link(connection, f"cus_{name}", kind=LinkKind.CANDIDATE)
    world.recompute()
    told = explain(world, "mrr")

    assert told["sum"] == shown(world, "mrr") == "10.00"
    assert [line["subscription"] for line in told["lines"]] == ["sub_b"]


class Moving:
    """Published rates that a test moves."""

    def __init__(self, value: str) -> None:
        self.value = Fraction(value)

    def rate(self, currency: str, into: str, now: datetime) -> Rate | None:  # noqa: ARG002 - one rate for all
        """Return the rate of the day."""
        return Rate(self.value, date(2026, 11, 19)) if currency == "eur" else None


def test_the_rates_of_then_explain_the_number_of_then(world: World) -> None:
    """When the published rate moves nothing is told, and the explanation still makes the number that stands there."""
    rates = Moving("1.10")
    facts = FactService(rates)
    fill(world, charges=[charge(5000, currency="eur")])
    _recompute(world, facts)
    world.told()
    rates.value = Fraction("1.20")
    world.clock.advance(timedelta(days=3))
    told = explain(world, "ltv", facts)

    assert told["value"] == told["sum"] == "55.00"
    assert (told["lines"][0]["rate"], told["lines"][0]["rate_of"]) == ("1.1", "2026-11-19")
    _recompute(world, facts)
    assert world.told() == []
    assert explain(world, "ltv", facts)["sum"] == "60.00"


def test_an_own_rate_wins_is_kept_and_tells_nobody(world: World) -> None:
    """A workspace's own rate replaces the published one, is named as such, and its change alone tells nothing."""
    facts = FactService(Moving("1.10"))
    fill(world, charges=[charge(5000, currency="eur")])
    _recompute(world, facts)
    world.told()
    own = RateOverride(currency="eur", into="usd", rate=Decimal("2.00"), since=date(2026, 11, 1))
    world.change_settings(replace(WorkspaceSettings(), rate_overrides=(own,)))
    _recompute(world, facts)
    told = explain(world, "ltv", facts)
    (line,) = told["lines"]

    assert told["value"] == told["sum"] == "100.00"
    assert (line["rate"], line["rate_of"], line["rate_source"]) == ("2", "2026-11-01", "override")
    assert world.told() == []
    world.change_settings(WorkspaceSettings())
    _recompute(world, facts)
    assert explain(world, "ltv", facts)["lines"][0]["rate_source"] == "published"
    assert world.told() == []


def test_an_own_rate_makes_an_unknown_amount_known(world: World) -> None:
    """For a currency that nobody quotes, an admin's rate gives the fact a value, and rules are told."""
    fill(world, charges=[charge(1000, currency="kwd")])
    world.recompute()
    world.told()
    own = RateOverride(currency="kwd", into="usd", rate=Decimal("3.25"), since=date(2026, 11, 1))
    world.change_settings(replace(WorkspaceSettings(), rate_overrides=(own,)))
    world.recompute(cause=Cause.SETTING)

    assert explain(world, "ltv")["sum"] == shown(world, "ltv") == "3.25"
    assert ("ltv", None, "3.25", "setting") in [
        (each["fact"], each["old"], each["new"], each["cause"]) for each in world.told()
    ]


def test_a_rate_into_another_currency_waits(world: World) -> None:
    """An own rate counts only while its target is the reporting currency."""
    own = RateOverride(currency="eur", into="gbp", rate=Decimal(9), since=date(2026, 11, 1))
    world.change_settings(WorkspaceSettings(rate_overrides=(own,)))
    fill(world, charges=[charge(1000, currency="eur")])
    world.recompute()
    assert explain(world, "ltv")["sum"] == "11.00"


def _recompute(world: World, facts: FactService) -> None:
    with world.database.workspace(HERE) as session:
        facts.recompute(HERE, session, [ADA], world.clock.now(), Cause.EVENT)
