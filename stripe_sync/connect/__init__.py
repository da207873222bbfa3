"""Connecting a Stripe account: kinds of credential, OAuth, the vault, the connections themselves."""
