"""Workspaces, their members, teams, queues and settings."""
