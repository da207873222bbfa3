"""The topics of work that requests leave behind, and how often each is woken in case a wake-up was lost."""

from datetime import timedelta

EVERY = {
    "stripe_events": timedelta(seconds=10),
    "stripe_refetches": timedelta(seconds=10),
    "outbox": timedelta(seconds=15),
    "backfill": timedelta(seconds=10),
    "catch_up": timedelta(minutes=1),
    "reconcile": timedelta(minutes=10),
    "facts": timedelta(minutes=1),
    "housekeeping": timedelta(hours=1),
}
SLOW = frozenset({"stripe_refetches", "backfill", "catch_up", "reconcile", "facts", "housekeeping"})
"""These may work for long; they have a queue of their own, so that nothing waits behind them."""
LASTING = frozenset({"stripe_events", "stripe_refetches"})
"""These come without end while a merchant is busy: their job stays a while, see `web.jobs`."""
