"""Delivery and composition: HTTP, screens, the command line, jobs and wiring."""
