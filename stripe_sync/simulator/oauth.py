"""Connect OAuth and Stripe Apps OAuth of a simulated Stripe.

Laws: a code works once and for five minutes; using it twice revokes every token issued for it. The mode of the
tokens is the mode of the secret key that asked. Stripe Apps' access tokens expire after an hour, and each
refresh token works once.
"""

import random
from dataclasses import dataclass

from stripe_sync.simulator.answers import OAuthError
from stripe_sync.simulator.credentials import Credential, Keyring
from stripe_sync.simulator.records import Record, new_id

CODE_LIFETIME_S = 300
APP_TOKEN_LIFETIME_S = 3600
_SCOPES = frozenset({"read_only", "read_write"})
_TOKENS = frozenset({"oauth", "app", "refresh"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """What a merchant agreed to when a code was issued."""

    account: str
    client_id: str
    scope: str
    issued_at: float
    used: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Application:
    """The platform that asks for access: one client id and secret key for each mode."""

    name: str
    client_ids: dict[bool, str]
    secret_keys: dict[bool, str]

    def knows(self, client_id: str) -> bool:
        """Tell whether this is one of the application's client ids."""
        return client_id in self.client_ids.values()


class Authorizations:
    """Codes, tokens and connections of the one application."""

    def __init__(self, application: Application, keyring: Keyring) -> None:
        self.application = application
        self.keyring = keyring
        self.connected: dict[str, bool] = {}
        """Account to whether it is connected; an account that never was is not in here."""
        self._grants: dict[str, Grant] = {}
        self._answers: dict[tuple[str, str], Record] = {}
        """Answers by platform key and idempotency key."""

    def check(self, client_id: str, response_type: str, scope: str) -> None:
        """Check what an authorize link asks for; raises OAuthError."""
        if not self.application.knows(client_id):
            raise OAuthError(
                400, "invalid_client", f"No application matches the supplied client identifier: {client_id}"
            )
        if response_type != "code":
            raise OAuthError(400, "unsupported_response_type", f"Unsupported response type: {response_type}")
        if scope not in _SCOPES:
            raise OAuthError(400, "invalid_scope", f"Invalid scope: {scope}")

    def grant(self, account: str, client_id: str, scope: str, rng: random.Random, now: float) -> str:
        """Issue the code of a merchant who agreed."""
        code = new_id("ac_", rng, 24)
        self._grants[code] = Grant(account=account, client_id=client_id, scope=scope, issued_at=now)
        return code

    def token(self, secret_key: str | None, args: Record, rng: random.Random, now: float) -> Record:
        """Exchange a code or a refresh token for tokens; raises OAuthError."""
        livemode = self._platform(secret_key)
        match args.get("grant_type"):
            case "authorization_code":
                return self._by_code(str(args.get("code", "")), rng, now, livemode=livemode)
            case "refresh_token":
                return self._by_refresh(str(args.get("refresh_token", "")), args, rng, livemode=livemode)
            case other:
                raise OAuthError(400, "unsupported_grant_type", f"Unsupported grant type: {other}")

    def _platform(self, secret_key: str | None) -> bool:
        credential = self.keyring.find(secret_key or "")
        if credential is None or credential.kind != "platform":
            raise OAuthError(401, "invalid_client", "No such API key, or it is not a platform's secret key.")
        return credential.livemode

    def _by_code(self, code: str, rng: random.Random, now: float, *, livemode: bool) -> Record:
        grant = self._grants.get(code)
        if grant is None or now - grant.issued_at > CODE_LIFETIME_S:
            raise OAuthError(400, "invalid_grant", f"Authorization code does not exist: {code}")
        if grant.used:
            self.keyring.revoke(code=code, kinds=_TOKENS)
            self.connected[grant.account] = False
            raise OAuthError(
                400,
                "invalid_grant",
                "This authorization code has already been used. All tokens issued with this code have been revoked.",
            )
        self._grants[code] = Grant(
            account=grant.account, client_id=grant.client_id, scope=grant.scope, issued_at=grant.issued_at, used=True
        )
        self.connected[grant.account] = True
        return self._issue("oauth", grant.account, grant.scope, rng, code=code, livemode=livemode)

    def _by_refresh(self, text: str, args: Record, rng: random.Random, *, livemode: bool) -> Record:
        token = self.keyring.find(text)
        if token is None or token.kind != "refresh" or token.revoked:
            raise OAuthError(400, "invalid_grant", "Refresh token does not exist or was revoked.")
        assert token.account is not None, "refresh tokens belong to an account"
        scope = str(args.get("scope") or token.scope)
        if scope == "read_write" and token.scope == "read_only":
            raise OAuthError(400, "invalid_scope", "Requested scope is greater than the refresh token's.")
        return self._issue("oauth", token.account, scope, rng, code=token.code, livemode=livemode, refresh=text)

    def _issue(
        self,
        kind: str,
        account: str,
        scope: str,
        rng: random.Random,
        *,
        code: str | None,
        livemode: bool,
        refresh: str | None = None,
    ) -> Record:
        mode = "live" if livemode else "test"
        access = new_id(f"sk_{mode}_", rng, 24)
        self.keyring.add(access, Credential(kind=kind, livemode=livemode, account=account, scope=scope, code=code))
        if refresh is None:
            refresh = new_id("rt_", rng, 24)
            self.keyring.add(
                refresh, Credential(kind="refresh", livemode=livemode, account=account, scope=scope, code=code)
            )
        return {
            "access_token": access,
            "livemode": livemode,
            "refresh_token": refresh,
            "scope": scope,
            "stripe_publishable_key": new_id(f"pk_{mode}_", rng, 24),
            "stripe_user_id": account,
            "token_type": "bearer",
        }

    def app_token(self, secret_key: str | None, args: Record, rng: random.Random, now: float) -> Record:
        """Do what `token` does for Stripe Apps: access for an hour, refresh tokens that rotate.

        As on every POST to the API, a request with the idempotency key of an earlier one gets that one's answer.
        """
        livemode = self._platform(secret_key)
        name = (secret_key or "", str(args.get("idempotency_key", "")))
        if name[1] and name in self._answers:
            return self._answers[name]
        answer = self._app_token(args, rng, now, livemode=livemode)
        if name[1]:
            self._answers[name] = answer
        return answer

    def _app_token(self, args: Record, rng: random.Random, now: float, *, livemode: bool) -> Record:
        if args.get("grant_type") == "refresh_token":
            text = str(args.get("refresh_token", ""))
            token = self.keyring.find(text)
            if token is None or token.kind != "refresh" or token.revoked:
                raise OAuthError(400, "invalid_grant", "Refresh token does not exist or was used already.")
            assert token.account is not None, "refresh tokens belong to an account"
            self.keyring.add(
                text, Credential(kind="refresh", livemode=token.livemode, account=token.account, revoked=True)
            )
            account, code = token.account, token.code
        elif args.get("grant_type") == "authorization_code":
            answer = self._by_code(str(args.get("code", "")), rng, now, livemode=livemode)
            account, code = str(answer["stripe_user_id"]), str(args["code"])
            self.keyring.revoke(code=code, kinds=_TOKENS)
        else:
            raise OAuthError(400, "unsupported_grant_type", f"Unsupported grant type: {args.get('grant_type')}")
        answer = self._issue("app", account, "stripe_apps", rng, code=code, livemode=livemode)
        access = Credential(
            kind="app",
            livemode=livemode,
            account=account,
            scope="read_only",
            code=code,
            expires_at=now + APP_TOKEN_LIFETIME_S,
        )
        self.keyring.add(answer["access_token"], access)
        return {**answer, "expires_in": APP_TOKEN_LIFETIME_S}

    def deauthorize(self, secret_key: str | None, client_id: str, account: str) -> Record:
        """Take an account's connection away; raises OAuthError if there is none."""
        self._platform(secret_key)
        if not self.application.knows(client_id):
            raise OAuthError(
                401, "invalid_client", f"No application matches the supplied client identifier: {client_id}"
            )
        if not self.connected.get(account):
            raise OAuthError(
                401,
                "invalid_client",
                f"This application is not connected to stripe account {account}, or that account does not exist.",
            )
        self.disconnect(account)
        return {"stripe_user_id": account}

    def disconnect(self, account: str) -> None:
        """Revoke everything the application has of an account."""
        self.keyring.revoke(account=account, kinds=_TOKENS)
        self.connected[account] = False
