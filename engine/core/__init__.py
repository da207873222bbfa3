"""The pure heart: facts, rulesets, decisions. Standard library and re2 only."""
