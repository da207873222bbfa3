"""Supervising real child processes."""
