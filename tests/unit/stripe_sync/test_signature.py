"""Stripe's signature: what holds, what does not, and that the library agrees."""

from datetime import UTC, datetime, timedelta

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from stripe_sync.events.signature import fault_of, sign

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SECRETS = ("whsec_new", "whsec_old")


@given(body=st.binary(), secret=st.sampled_from(SECRETS))
def test_what_was_signed_holds(body: bytes, secret: str) -> None:
    """Any bytes signed with any active secret are trusted."""
    assert fault_of(body, sign(body, secret, NOW), SECRETS, NOW) is None


@given(body=st.binary(min_size=1), flip=st.integers(min_value=0))
def test_any_changed_byte_is_noticed(body: bytes, flip: int) -> None:
    """A body that differs in one bit is not trusted."""
    changed = bytearray(body)
    changed[flip % len(body)] ^= 1

    assert fault_of(bytes(changed), sign(body, SECRETS[0], NOW), SECRETS, NOW) == "mismatch"


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        (None, "missing"),
        ("", "missing"),
        ("t=1", "unreadable"),
        ("v1=ab", "unreadable"),
        ("t=,v1=ab", "unreadable"),
        ("t=-5,v1=ab", "unreadable"),
        ("t=٣,v1=ab", "unreadable"),
        ("t=1,t=2,v1=ab", "unreadable"),
        ("nonsense", "unreadable"),
        ("t=1,v0=ab", "unreadable"),  # the fake scheme of test events
        ("t=1,v1=ä", "mismatch"),
        ("t=" + "9" * 4000 + ",v1=ab", "mismatch"),
    ],
)
def test_headers_that_prove_nothing(header: str | None, fault: str) -> None:
    """Every malformed header is a fault with a name, never an exception."""
    assert fault_of(b"{}", header, SECRETS, NOW) == fault


@pytest.mark.parametrize(
    ("age", "fault"), [(300, None), (301, "stale"), (-300, None), (-301, "future"), (86_400 * 365, "stale")]
)
def test_tolerance_has_two_ends(age: int, fault: str | None) -> None:
    """Five minutes into the past and into the future, and no more."""
    header = sign(b"{}", SECRETS[0], NOW - timedelta(seconds=age))

    assert fault_of(b"{}", header, SECRETS, NOW) == fault


def test_a_rolled_secret_signs_twice() -> None:
    """While a secret is rolled a delivery has a signature of each; one that we know is enough."""
    ours = sign(b"{}", "whsec_old", NOW).partition("v1=")[2]
    theirs = sign(b"{}", "whsec_newer_still", NOW)

    assert fault_of(b"{}", f"{theirs},v1={ours}", ["whsec_old"], NOW) is None


def test_no_secret_means_no_trust() -> None:
    """Without secrets, or with an empty one, nothing holds."""
    assert fault_of(b"{}", sign(b"{}", "", NOW), ["", ""], NOW) == "mismatch"


def test_library_signs_and_verifies_the_same() -> None:
    """Headers of the library hold here, and ours hold there."""
    body = '{"name": "Zoë"}'
    theirs = stripe.WebhookSignature.generate_signature_header(body, SECRETS[0], int(NOW.timestamp()))

    assert theirs == sign(body.encode(), SECRETS[0], NOW)
    assert fault_of(body.encode(), theirs, SECRETS, NOW) is None
