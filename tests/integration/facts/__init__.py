"""Tests of facts in real databases."""
