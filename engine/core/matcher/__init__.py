"""The matcher: a whole ruleset judged at once. See `docs` at the end of this session."""
