"""The demonstration: a simulated merchant, a workspace with people in it, and a trickle of life."""
