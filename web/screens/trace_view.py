"""What the page of one decision shows: how every rule was checked, and what it came to. Pure."""


def url_of(conversation_id: str, number: int) -> str:
    """Return the address of a decision's page."""
    return f"/conversations/{conversation_id}/decisions/{number}"
