"""Tests of the Stripe side against real databases and the simulator."""
