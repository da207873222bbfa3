"""Tests of the derivation of facts."""
