"""Settings of the generated tests of rules."""

from hypothesis import settings

# How long one example takes says something about the machine's other work, not about the rules.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
