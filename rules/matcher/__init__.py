"""Conditions in the form that the core matches with."""
