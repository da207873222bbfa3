"""Convergence by simulation: random merchant histories and faults against the real pipeline, in one process."""
