"""Links to records in Stripe's Dashboard. Pure."""

from dataclasses import dataclass
from urllib.parse import quote

PAGES = {
    "charges": "payments",
    "coupons": "coupons",
    "customers": "customers",
    "disputes": "disputes",
    "invoices": "invoices",
    "prices": "prices",
    "products": "products",
    "subscriptions": "subscriptions",
}
"""Page of the Dashboard by kind of object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """The Dashboard of one account in one mode."""

    base: str
    account_id: str
    livemode: bool

    def url(self, kind: str, object_id: str) -> str:
        """Return where a record opens; ids are percent-encoded, because coupon ids are free text."""
        return f"{self._root}/{PAGES[kind]}/{quote(object_id, safe='')}"

    @property
    def apps_url(self) -> str:
        """Return where the merchant sees, and can revoke, what is connected to the account."""
        return f"{self._root}/settings/apps"

    @property
    def keys_url(self) -> str:
        """Return where the merchant sees, and can delete, the account's keys."""
        return f"{self._root}/apikeys"

    @property
    def _root(self) -> str:
        mode = "" if self.livemode else "/test"
        return f"{self.base}/{self.account_id}{mode}"
