"""Every limit of the rule language in one place."""

MAX_RULESET_BYTES = 8 * 1024 * 1024
MAX_RULES = 10_000
MAX_YAML_DEPTH = 50

MAX_CONDITION_BYTES = 4096
MAX_NODES = 200
MAX_DEPTH = 50
MAX_TEXT_PREDICATES = 32
MAX_TEXT_CHANGES = 16
"""Texts a condition may make of others: joined, split, in another case, read as a number."""
MAX_TEXT_LITERAL = 1000
MAX_DIGITS = 30
MAX_EXPONENT = 30
MAX_HEX_DIGITS = 16

MAX_TEXT_FACT = 4096
"""Text facts are cut to this many characters before a condition sees them."""

MAX_PATTERN_POSITIONS = 600
"""Characters of a regular expression with its repeats written out."""
MAX_PATTERN_STATES = 500
"""States a regular expression may lead through; see rules/pattern_states.py."""
MAX_PATTERN_PLACES = 32
"""Places a text may be at in one that leads through more."""
MAX_PATTERN_PROGRAM = 9_000
"""Instructions a translated regular expression may compile to."""
MAX_PATTERN_MEMORY = 1 << 20
"""Bytes RE2 may use for one regular expression and its cache of states."""
LARGE_PROGRAM = 1_000
LARGE_PROGRAM_MEMORY = 1 << 22
r"""The same for one of more instructions than that, whose states may be as large.

With less RE2 would not even begin with states, and `\w{1,5}$` would take a hundred times as long; it uses little of it.
"""
MAX_SIMULATION_MEMORY = 1 << 18
"""The same for one of more states than there is room for, so that it soon stops looking for room."""
MAX_PATTERNS = 4000
"""Distinct regular expressions in one ruleset."""
MAX_PATTERNS_PROGRAM = 3_000_000
r"""Instructions that all of them may compile to together, about 200 MB with what finds them: 2,200 of `\w+ing`."""
