"""Tests of Ochre."""
