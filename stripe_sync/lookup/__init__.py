"""Senders are looked up in Stripe when the mirror can't know them yet."""
