"""Stripe: connections, the mirror, its sync, and the facts derived from it."""
