"""Routing: facts and rulesets in, decisions and their effects out."""
