"""Where a member lands after signing in."""

import pytest

from web.screens.sign_in import HOME, safe_target


@pytest.mark.parametrize("target", ["/rules", "/inbox?team=billing", "/conversations/c_1"])
def test_a_page_of_ours_is_a_target(target: str) -> None:
    """Signing in leads back to the page that was asked for."""
    assert safe_target(target) == target


@pytest.mark.parametrize(
    "target",
    [
        "",
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil",
        "evil",
        "/sign-out",
    ],
)
def test_another_sites_page_is_not_a_target(target: str) -> None:
    """Nothing that a stranger puts into the link leads away from here."""
    assert safe_target(target) == HOME
