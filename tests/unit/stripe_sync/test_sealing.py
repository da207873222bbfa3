"""Sealed secrets: they open for their purpose under any key of the ring, and not otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_sync.connect.sealing import KeyRing, Purpose, SealError

PURPOSE = Purpose("ws_1", "con_1", "token")
NONCE = b"twelve bytes"


@given(secret=st.text())
def test_what_was_sealed_opens(secret: str) -> None:
    """Any text comes back as it was."""
    ring = KeyRing(["one"])

    assert ring.open(ring.seal(secret, PURPOSE, NONCE), PURPOSE) == secret


def test_an_old_key_opens_and_a_new_one_seals() -> None:
    """After rotation values under the old key open, and new ones are under the new key."""
    old, new = KeyRing(["old"]), KeyRing(["new", "old"])
    sealed = old.seal("secret", PURPOSE, NONCE)

    assert new.open(sealed, PURPOSE) == "secret"
    assert not new.is_current(sealed)
    assert new.is_current(new.seal("secret", PURPOSE, NONCE))
    with pytest.raises(SealError, match="OCHRE_ENCRYPTION_KEYS"):
        old.open(new.seal("secret", PURPOSE, NONCE), PURPOSE)


@pytest.mark.parametrize(
    "other", [Purpose("ws_2", "con_1", "token"), Purpose("ws_1", "con_2", "token"), Purpose("ws_1", "con_1", "x")]
)
def test_moved_elsewhere_it_does_not_open(other: Purpose) -> None:
    """A value copied into another workspace, connection or field is refused."""
    ring = KeyRing(["one"])

    with pytest.raises(SealError, match="something else"):
        ring.open(ring.seal("secret", PURPOSE, NONCE), other)


@given(place=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_any_changed_bit_is_noticed(place: int, bit: int) -> None:
    """Damage anywhere makes a value unreadable, never another value."""
    ring = KeyRing(["one"])
    sealed = bytearray(ring.seal("secret", PURPOSE, NONCE))
    sealed[place % len(sealed)] ^= 1 << bit

    with pytest.raises(SealError):
        ring.open(bytes(sealed), PURPOSE)


def test_ring_shows_no_key() -> None:
    """Neither the ring nor a sealed value shows what it holds."""
    ring = KeyRing(["a very secret key"])

    assert "secret" not in repr(ring)
    assert b"hidden" not in ring.seal("hidden", PURPOSE, NONCE)


def test_no_key_is_an_error() -> None:
    """A ring without keys says which setting is missing."""
    with pytest.raises(ValueError, match="OCHRE_ENCRYPTION_KEYS"):
        KeyRing([])
