"""Authoring: rule texts checked, compiled, versioned and explained."""
