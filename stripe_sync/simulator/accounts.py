"""The merchants of a simulated Stripe, and the shape of their account."""

from dataclasses import dataclass

from stripe_sync.simulator.records import Record
from stripe_sync.simulator.world import World


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountPlan:
    """A merchant to be generated: how many customers it has in live and in test mode."""

    customers: int
    test_customers: int = 0
    name: str = "Northwind Traders"


@dataclass(frozen=True, kw_only=True)
class Account:
    """One merchant: an id, and a world for each mode."""

    id: str
    name: str
    worlds: dict[bool, World]
    keys: dict[bool, str]
    """Its own read-only API key for each mode."""


_NOTHING_DUE: Record = {
    "alternatives": [],
    "current_deadline": None,
    "currently_due": [],
    "disabled_reason": None,
    "errors": [],
    "eventually_due": [],
    "past_due": [],
    "pending_verification": [],
}


def shape(world: World) -> Record:
    """Return the account as the API shows it."""
    return {
        "id": world.account,
        "object": "account",
        "business_profile": {"mcc": None, "name": world.account_name, "url": None},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": "US",
        "created": world.created,
        "default_currency": "usd",
        "details_submitted": True,
        "email": f"owner@{world.account[5:13].lower()}.example",
        "external_accounts": {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"/v1/accounts/{world.account}/external_accounts",
        },
        "future_requirements": _NOTHING_DUE,
        "metadata": {},
        "payouts_enabled": True,
        "requirements": _NOTHING_DUE,
        "settings": {
            "bacs_debit_payments": {"display_name": None, "service_user_number": None},
            "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
            "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
            "card_payments": {
                "decline_on": {"avs_failure": True, "cvc_failure": True},
                "statement_descriptor_prefix": None,
                "statement_descriptor_prefix_kana": None,
                "statement_descriptor_prefix_kanji": None,
            },
            "dashboard": {"display_name": world.account_name, "timezone": "Etc/UTC"},
            "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": None},
            "payments": {
                "statement_descriptor": None,
                "statement_descriptor_kana": None,
                "statement_descriptor_kanji": None,
                "statement_descriptor_prefix_kana": None,
                "statement_descriptor_prefix_kanji": None,
            },
            "payouts": {
                "debit_negative_balances": True,
                "schedule": {"delay_days": 2, "interval": "daily"},
                "statement_descriptor": None,
            },
            "sepa_debit_payments": {},
        },
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
        "type": "standard",
    }
