"""Running Ochre's processes as one: children, their logs, their end, and what a crash left behind."""
