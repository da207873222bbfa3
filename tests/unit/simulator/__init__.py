"""The simulated Stripe."""
