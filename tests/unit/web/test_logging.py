"""Logs: what looks like a secret, or is called one, is hidden."""

import pytest

from web.auth.tokens import make_token
from web.logging import HIDDEN, redact

TOKEN = make_token("abcdefghijklmnopqrstuvwxyz")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("authorization", f"Bearer {TOKEN}"),
        ("error", f"bad token {TOKEN} given"),
        ("api_key", "anything"),
        ("password", "hunter2"),
        ("url", "redis://:hunter2secret@127.0.0.1:6379/0"),
        ("note", "key sk_test_51abcdefghijkl was used"),
        ("note", "secret whsec_abcdefghijkl"),
    ],
)
def test_secrets_are_hidden(name: str, value: str) -> None:
    """Neither the name nor the looks of a value let a secret through."""
    shown = redact(None, "info", {"event": "something", name: value})

    assert HIDDEN in shown[name]
    assert all(secret not in shown[name] for secret in (TOKEN, "hunter2", "51abcdefghijkl", "whsec_abc"))


def test_other_values_stay() -> None:
    """Ids and counts are what logs are for."""
    event = {"event": "drained", "topic": "outbox", "done": 3, "conversation": "conv_0123456789"}

    assert redact(None, "info", dict(event)) == event
