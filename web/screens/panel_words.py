"""The words, icons and tones of the Stripe panel: for states without facts, statuses, invoices, matches and events."""

from dataclasses import dataclass

from web.screens.page import Pill


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty:
    """Why there is nothing to show, and the one thing to do about it."""

    icon: str
    title: str
    text: str
    action: str = ""
    """`search`, `connect`, or nothing."""


EMPTY = {
    "not_connected": Empty(
        icon="plug",
        title="Stripe is not connected",
        text="Connect the account, and the customer's plan, revenue and invoices stand here.",
        action="connect",
    ),
    "not_found": Empty(
        icon="user",
        title="No Stripe customer found",
        text="No customer has this sender's e-mail address. If you know who it is, link them; it is remembered.",
        action="search",
    ),
    "ambiguous": Empty(
        icon="users",
        title="Several customers found",
        text="More than one Stripe customer has this address. Choose the right one; it is remembered for this sender.",
        action="search",
    ),
    "forbidden": Empty(
        icon="lock",
        title="Billing is closed to you",
        text="Your membership does not include billing data. An admin can change that.",
    ),
    "unreachable": Empty(
        icon="cross-circle",
        title="Stripe was not reached lately",
        text="No customer known so far has this sender's e-mail address, and Stripe has not been heard of for a while.",
        action="search",
    ),
    "reading": Empty(
        icon="clock",
        title="Reading the account",
        text="Ochre is still reading this Stripe account. A customer with this address shows here once they are read.",
        action="search",
    ),
}
STATUS_WORDS = {
    "active": ("Active", "check-circle", "good"),
    "trialing": ("Trial", "clock", "info"),
    "past_due": ("Past due", "alert", "bad"),
    "unpaid": ("Unpaid", "alert", "bad"),
    "incomplete": ("Incomplete", "dash", "warn"),
    "incomplete_expired": ("Never started", "cross-circle", "neutral"),
    "paused": ("Paused", "pause", "warn"),
    "canceled": ("Canceled", "cross-circle", "neutral"),
    "none": ("No subscription", "circle", "neutral"),
}
INVOICE_PILLS = {
    "paid": Pill(text="Paid", icon="check", tone="good"),
    "open": Pill(text="Open", icon="circle", tone="info"),
    "draft": Pill(text="Draft", icon="dash"),
    "void": Pill(text="Void", icon="cross"),
    "uncollectible": Pill(text="Uncollectible", icon="cross", tone="bad"),
}
FAILED = Pill(text="Failed", icon="cross-circle", tone="bad")
OVERDUE = Pill(text="Overdue", icon="alert", tone="warn")
MATCHED = {
    "email": Pill(text="By e-mail", icon="check", tone="line"),
    "manual": Pill(text="Linked by hand", icon="link", tone="line"),
    "id": Pill(text="By ID", icon="check", tone="line"),
    "ambiguous": Pill(text="Only a guess", icon="question", tone="warn"),
}
BEST = Pill(text="Best guess", icon="question", tone="warn")
LIVE = Pill(text="Live", icon="dot", tone="line")
TEST = Pill(text="Test mode", icon="alert", tone="warn")
EVENTS = {
    "invoice_created": ("Invoice created", "card"),
    "subscription_created": ("Subscription started", "check-circle"),
    "subscription_deleted": ("Subscription ended", "cross-circle"),
    "charged": ("Payment succeeded", "check"),
    "charge_failed": ("Payment failed", "alert"),
    "charge_refunded": ("Refunded", "refresh"),
    "plan_changed": ("Plan", "refresh"),
    "status_changed": ("Status", "refresh"),
    "mrr_changed": ("MRR", "refresh"),
    "cancels_changed": ("Set to cancel", "refresh"),
    "collection_paused_changed": ("Collection paused", "refresh"),
}
MISSING = {
    None: "Unknown",
    "not_applicable": "None",
    "not_synced": "Not synced yet",
    "no_rate": "No exchange rate",
    "unsupported": "Not supported yet",
    "stale": "Stale",
    "ambiguous": "Several customers",
    "no_customer": "None",
    "not_connected": "Not connected",
}
