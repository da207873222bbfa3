"""Hypothesis strategies for customers: what the properties hold for."""

from hypothesis import strategies as st

from tests.unit.derive.build import (
    Json,
    amount_off,
    charge,
    customer,
    item,
    percent,
    price,
    seconds,
    subscription,
    tiered,
)

cents_ = st.integers(0, 50_000)
durations = st.sampled_from(["forever", "forever", "repeating", "once"])
ends = st.sampled_from([None, None, seconds(-1), seconds(1)])
products = st.sampled_from([None, {"products": ["prod_a"]}, {"products": ["prod_b", "prod_c"]}])
discounts = st.one_of(
    st.builds(
        lambda value, duration, end, to: percent(value, duration, end, applies_to=to),
        st.sampled_from([5, 12.5, 33.3, 50, 100]),
        durations,
        ends,
        products,
    ),
    st.builds(
        lambda value, duration, currency, to: amount_off(value, duration, currency, applies_to=to),
        st.integers(1, 20_000),
        durations,
        st.sampled_from(["usd", "usd", "eur"]),
        products,
    ),
)
recurring = {
    "interval": st.sampled_from(["day", "week", "month", "year"]),
    "count": st.integers(1, 3),
    "product": st.sampled_from(["prod_a", "prod_b", "prod_c"]),
}
packages = st.builds(
    lambda size, way: {"divide_by": size, "round": way}, st.integers(1, 7), st.sampled_from(["up", "down"])
)
tiers = st.builds(
    lambda mode, a, b, units, flats, **more: tiered(
        mode, [(a, units[0], flats[0]), (a + b, units[1], flats[1]), (None, units[2], flats[2])], **more
    ),
    st.sampled_from(["graduated", "volume"]),
    st.integers(1, 5),
    st.integers(1, 5),
    st.tuples(cents_, cents_, cents_),
    st.tuples(cents_, cents_, cents_),
    **recurring,
)
prices = st.one_of(
    st.builds(price, cents_, **recurring),
    st.builds(price, st.sampled_from(["0.5", "12.345", "99.999999"]), **recurring),
    st.builds(price, cents_, transform_quantity=packages, **recurring),
    st.builds(price, cents_, usage_type=st.just("metered"), **recurring),
    tiers,
)
trials = st.sampled_from([None, None, None, {"end_date": seconds(1)}, {"end_date": seconds(-1)}])
items = st.builds(item, prices, st.integers(0, 20), discounts=st.lists(discounts, max_size=2), current_trial=trials)
statuses = st.sampled_from(["active", "active", "past_due", "trialing", "unpaid", "canceled", "paused", "incomplete"])
subscriptions = st.lists(
    st.builds(
        lambda of, **more: subscription(*of, **more),
        st.lists(items, min_size=1, max_size=4),
        status=statuses,
        discounts=st.lists(discounts, max_size=3),
    ),
    max_size=4,
).map(lambda made: [{**each, "id": f"sub_{position}"} for position, each in enumerate(made)])


@st.composite
def _charges(draw: st.DrawFn) -> Json:
    captured = draw(st.integers(0, 9000))
    status = draw(st.sampled_from(["succeeded", "succeeded", "failed", "pending"]))
    refunded = draw(st.integers(0, captured)) if status == "succeeded" else 0
    return charge(captured, status, amount_refunded=refunded)


charges = st.lists(_charges(), max_size=5).map(
    lambda made: [{**each, "id": f"ch_{position}"} for position, each in enumerate(made)]
)
disputes = st.lists(
    st.builds(
        lambda position, status, amount: {
            "charge": f"ch_{position}",
            "status": status,
            "amount": amount,
            "currency": "usd",
        },
        st.integers(0, 5),
        st.sampled_from(["lost", "won", "under_review", "prevented"]),
        st.integers(0, 9000),
    ),
    max_size=3,
)
customers = st.fixed_dictionaries(
    {
        "customer": st.builds(customer, discount=st.one_of(st.none(), discounts)),
        "subscriptions": subscriptions,
        "charges": charges,
        "disputes": disputes,
    }
)
"""Bundles as JSON documents."""
