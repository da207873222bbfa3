"""The kinds of credential behind one interface: how consent is asked for, granted, and given back.

- Connect OAuth with scope `read_only`: the default flow.
- Stripe Apps OAuth: for platforms that can no longer obtain the former. Its tokens live an hour, and are renewed
  with a refresh token that works once (`stripe_sync.connect.refreshing`).
- A restricted read-only key: one merchant hosting Ochre for itself, with a webhook secret of its own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from stripe_sync.connect.models import ConnectRefused, CredentialKind, Grant
from stripe_sync.gateway import Answer, Gateway, GatewayError, Trouble
from stripe_sync.settings import PlatformKeys, StripeConfig

APP_TOKEN_LIFE = timedelta(hours=1)
"""Where Stripe does not say it with the token."""
_ACCOUNT = re.compile(r"acct_[A-Za-z0-9]{1,64}")
_RESTRICTED_KEY = re.compile(r"(rk|sk)_(live|test)_[A-Za-z0-9_]{4,240}")
_WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{1,240}")


class OAuthCredential(Protocol):
    """A kind of credential that a merchant grants on a page of Stripe's."""

    def authorize_url(self, state: str, *, livemode: bool) -> str | ConnectRefused:
        """Return the page to send the merchant to."""
        ...

    def exchange(self, code: str, *, livemode: bool) -> Grant | ConnectRefused:
        """Turn the code the merchant came back with into a grant, checked; a code works once."""
        ...

    def withdraw(self, account_id: str, *, livemode: bool) -> None:
        """Give the access back; raise GatewayError."""
        ...


@dataclass(frozen=True, slots=True)
class ConnectCredential:
    """Connect OAuth, scope `read_only`."""

    gateway: Gateway
    config: StripeConfig

    def authorize_url(self, state: str, *, livemode: bool) -> str | ConnectRefused:
        """Return Stripe's page that asks for read-only access."""
        keys = self.config.platform(livemode=livemode)
        return _not_configured(livemode=livemode) if keys is None else self.gateway.authorize_url(keys, state)

    def exchange(self, code: str, *, livemode: bool) -> Grant | ConnectRefused:
        """Exchange, then check scope, mode and account; of what fails the check nothing is kept."""
        keys = self.config.platform(livemode=livemode)
        if keys is None:
            return _not_configured(livemode=livemode)
        answer = _exchanged(lambda: self.gateway.exchange_code(keys, code))
        if isinstance(answer, ConnectRefused):
            return answer
        if answer.body.get("scope") != "read_only":
            return ConnectRefused(
                code="wrong_scope",
                message="Stripe granted more than read-only access, which Ochre does not accept; nothing was kept. "
                "Connect again and choose read-only access.",
                unwanted_account=_account(answer.body),
            )
        return _grant(CredentialKind.OAUTH, answer, livemode=livemode)

    def withdraw(self, account_id: str, *, livemode: bool) -> None:
        """Deauthorize."""
        keys = self.config.platform(livemode=livemode)
        if keys is not None:
            self.gateway.deauthorize(keys, account_id)


@dataclass(frozen=True, slots=True)
class AppCredential:
    """Stripe Apps OAuth: permissions are those of the app's manifest, the tokens rotate."""

    gateway: Gateway
    config: StripeConfig

    def authorize_url(self, state: str, *, livemode: bool) -> str | ConnectRefused:
        """Return the page where the merchant installs the app."""
        keys = self.config.app
        return _not_configured(livemode=livemode) if keys is None else self.gateway.authorize_app_url(keys, state)

    def exchange(self, code: str, *, livemode: bool) -> Grant | ConnectRefused:
        """Exchange the code for an access token and the refresh token that follows it."""
        keys: PlatformKeys | None = self.config.app
        if keys is None:
            return _not_configured(livemode=livemode)
        answer = _exchanged(lambda: self.gateway.exchange_app_code(keys, code))
        if isinstance(answer, ConnectRefused):
            return answer
        return _grant(CredentialKind.APP, answer, livemode=livemode)

    def refresh(self, refresh_token: str, *, livemode: bool) -> Grant | ConnectRefused:
        """Trade the refresh token for the next access token and the next refresh token; raise GatewayError."""
        keys: PlatformKeys | None = self.config.app
        if keys is None:
            return _not_configured(livemode=livemode)
        return _grant(CredentialKind.APP, self.gateway.refresh_app_token(keys, refresh_token), livemode=livemode)

    def withdraw(self, account_id: str, *, livemode: bool) -> None:
        """Do nothing: only the merchant can uninstall an app; the token we hold is dropped and soon expires."""


def check_restricted_key(gateway: Gateway, api_key: str, webhook_secret: str) -> Grant | ConnectRefused:
    """Return the grant a merchant's own key is, after asking Stripe whose it is."""
    key, secret = api_key.strip(), webhook_secret.strip()
    parts = _RESTRICTED_KEY.fullmatch(key)
    if parts is None:
        return _bad_key("a Stripe restricted key begins with rk_live_ or rk_test_")
    if parts[1] == "sk" and parts[2] == "live":
        return _bad_key("this is a full secret key; make a restricted key with read permissions only")
    if not _WEBHOOK_SECRET.fullmatch(secret):
        return _bad_key("a webhook endpoint's signing secret begins with whsec_")
    try:
        account = gateway.get(key, "/v1/account").body
    except GatewayError as error:
        return _refusal(error)
    account_id = account.get("id")
    if not isinstance(account_id, str) or not _ACCOUNT.fullmatch(account_id):
        return ConnectRefused(code="stripe_error", message="Stripe did not say whose key this is; try again later.")
    return Grant(
        kind=CredentialKind.RESTRICTED_KEY,
        account_id=account_id,
        livemode=parts[2] == "live",
        token=key,
        webhook_secret=secret,
    )


def _bad_key(what: str) -> ConnectRefused:
    return ConnectRefused(code="bad_key", message=f"Nothing was connected: {what}.")


class _Exchange(Protocol):
    def __call__(self) -> Answer: ...


def _exchanged(exchange: _Exchange) -> Answer | ConnectRefused:
    try:
        return exchange()
    except GatewayError as error:
        return _refusal(error)


def _grant(kind: CredentialKind, answer: Answer, *, livemode: bool) -> Grant | ConnectRefused:
    body: Mapping[str, Any] = answer.body
    token, account_id = body.get("access_token"), _account(body)
    if not isinstance(token, str) or not token or account_id is None:
        return ConnectRefused(
            code="stripe_error", message="Stripe's answer named no account or token; nothing was kept. Connect again."
        )
    if body.get("livemode") is not livemode:
        return ConnectRefused(
            code="wrong_mode",
            message=f"Stripe granted {'test' if livemode else 'live'} access where "
            f"{'live' if livemode else 'test'} was asked for; nothing was kept. Check which keys are set for it.",
            unwanted_account=account_id,
        )
    refresh, expires_in = body.get("refresh_token"), body.get("expires_in")
    life = timedelta(seconds=expires_in) if isinstance(expires_in, int) else None
    if life is None and kind is CredentialKind.APP:
        life = APP_TOKEN_LIFE
    return Grant(
        kind=kind,
        account_id=account_id,
        livemode=livemode,
        token=token,
        refresh_token=refresh if isinstance(refresh, str) and kind is CredentialKind.APP else None,
        expires_at=None if life is None else answer.sent_at + life,
    )


def _account(body: Mapping[str, Any]) -> str | None:
    account_id = body.get("stripe_user_id")
    return account_id if isinstance(account_id, str) and _ACCOUNT.fullmatch(account_id) else None


def _refusal(error: GatewayError) -> ConnectRefused:
    if error.code == "invalid_grant":
        return ConnectRefused(
            code="stripe_error", message="Stripe says the authorization was used already or has expired; connect again."
        )
    if error.trouble is Trouble.UNAUTHORIZED or error.code == "invalid_client":
        return ConnectRefused(
            code="bad_key", message="Stripe does not accept the key; check that it is complete and not revoked."
        )
    if error.trouble is Trouble.FORBIDDEN:
        return _bad_key("the key may not read the account; give it read permission for everything Ochre shows")
    if not error.is_permanent:
        return ConnectRefused(code="unavailable", message="Stripe cannot be reached now; try again in a minute.")
    return ConnectRefused(code="stripe_error", message=f"Stripe refused: {error.code or error.trouble.value}.")


def _not_configured(*, livemode: bool) -> ConnectRefused:
    mode = "STRIPE" if livemode else "STRIPE_TEST"
    return ConnectRefused(
        code="not_configured",
        message=f"This Ochre has no keys for it: set OCHRE_{mode}_CLIENT_ID and OCHRE_{mode}_SECRET_KEY "
        "(for a Stripe App OCHRE_STRIPE_APP_CLIENT_ID and OCHRE_STRIPE_APP_SECRET_KEY).",
    )
