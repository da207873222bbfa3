"""Tests of the pure half of the Stripe side."""
