"""What the Stripe side must be told: where Stripe is, and who we are to it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformKeys:
    """Our identity towards Stripe's OAuth in one mode."""

    client_id: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeConfig:
    """Everything the Stripe side takes from the environment; base addresses are without a trailing slash."""

    public_url: str
    api_base: str = "https://api.stripe.com"
    connect_base: str = "https://connect.stripe.com"
    apps_base: str = "https://marketplace.stripe.com"
    dashboard_base: str = "https://dashboard.stripe.com"
    live: PlatformKeys | None = None
    test: PlatformKeys | None = None
    app: PlatformKeys | None = None
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    """Of the endpoint that receives connected accounts' events; any of them may have signed."""
    redis_url: str | None = field(default=None, repr=False)
    """Where the budgets of requests are shared; without it each process keeps its own."""
    requests_per_second: float = 20.0
    """Per account, mode and class of endpoints: below Stripe's 25."""
    requests_overall_live: float = 60.0
    """Per account in live mode, for everything we read: below Stripe's 100, which the merchant's own traffic needs."""
    requests_overall_test: float = 20.0
    """Per account in test mode: below Stripe's 25."""
    lists_at_once: int = 16
    """How many parts of lists a backfill reads side by side: enough for the whole budget at 200 ms an answer."""
    heartbeat_s: float = 2.0
    """How often a worker shows that it still works on a backfill, in real time."""
    lookup_deadline_s: float = 0.8
    """How long a conversation waits for its sender to be looked up."""

    @property
    def callback_url(self) -> str:
        """Return where Stripe sends the browser back to."""
        return f"{self.public_url}/integrations/stripe/callback"

    def webhook_url(self, connection_id: str | None = None) -> str:
        """Return where Stripe delivers events: of connected accounts, or of one connection with its own key."""
        return f"{self.public_url}/webhooks/stripe" + (f"/{connection_id}" if connection_id else "")

    def platform(self, *, livemode: bool) -> PlatformKeys | None:
        """Return our keys in a mode."""
        return self.live if livemode else self.test
