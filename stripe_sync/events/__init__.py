"""Stripe's events: received once, applied in batches, confirmed by a coalesced re-fetch, caught up after an outage."""
