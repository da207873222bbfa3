"""The pure half of engine."""
