"""A whole simulated Stripe: accounts, keys, the API, operations, OAuth, webhooks.

Two doors: `request` answers what Stripe's API would, and changes nothing; `perform` does one operation. What
`perform` does depends on the seed, the operations before it, and `now` alone, so that a journal of operations
is a complete backup.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from stripe_sync.simulator import api, lifecycle
from stripe_sync.simulator import params as p
from stripe_sync.simulator.accounts import Account, AccountPlan
from stripe_sync.simulator.activity import random_operation
from stripe_sync.simulator.answers import Answer, OAuthError, StripeError, forced, invalid, missing, rate_limited
from stripe_sync.simulator.change import Change
from stripe_sync.simulator.credentials import Credential, Keyring, key_in, no_access
from stripe_sync.simulator.delivery import Deliveries
from stripe_sync.simulator.faults import Faults
from stripe_sync.simulator.generator import OLDEST, generate
from stripe_sync.simulator.limits import Limiter
from stripe_sync.simulator.oauth import Application, Authorizations
from stripe_sync.simulator.operations import OPERATIONS
from stripe_sync.simulator.records import Record, new_id, seeded
from stripe_sync.simulator.world import World

_OK = 200
_NEVER = float("inf")
_OAUTH_PATHS = {"/oauth/token": "token", "/v1/oauth/token": "app_token", "/oauth/deauthorize": "deauthorize"}


class SimulatedStripe:
    """Stripe, as far as Ochre sees it.

    Not thread-safe: one caller at a time.
    """

    def __init__(
        self, *, seed: str, now: int, plans: Sequence[AccountPlan], livemode: bool = True, rate: float | None = None
    ) -> None:
        """Generate the merchants of `plans` as of `now`; `livemode` is the mode meant when nobody says."""
        self.seed = seed
        self.livemode = livemode
        self.rate = rate
        self.faults = Faults()
        self.keyring = Keyring()
        self.requests: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.deliveries = Deliveries(seeded(seed, "deliveries"))
        self.operations = 0
        self._next_due: float | None = None  # until it is asked for, and after every operation
        self._limiter = Limiter()
        rng = seeded(seed, "platform")
        self.oauth = Authorizations(_application(rng, self.keyring), self.keyring)
        self.webhook_secret = new_id("whsec_", rng, 30)
        self.accounts = {account.id: account for account in (_account(self, rng, plan, now) for plan in plans)}
        self.default_account = next(iter(self.accounts.values()))

    @property
    def platform_key(self) -> str:
        """Return the platform's secret key of the default mode."""
        return self.oauth.application.secret_keys[self.livemode]

    def world(self, account: str | None = None, *, livemode: bool | None = None) -> World:
        """Return an account's world; of the default account and mode if nothing is said. Raises StripeError."""
        found = self.default_account if account is None else self.accounts.get(account)
        if found is None:
            raise missing("account", account or "")
        return found.worlds[self.livemode if livemode is None else livemode]

    # Reading

    def request(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: str = "",
        headers: Mapping[str, str],
        now: float,
    ) -> Answer:
        """Answer an API request; `headers` have lower-case names."""
        endpoint = f"{method} {api.label(path)}"
        self.requests[endpoint] += 1
        if self.faults.status is not None:
            answer = forced(self.faults.status)
        else:
            answer = self._answer(method, path, query, body, headers, now)
        if answer.status != _OK:
            self.refused[f"{answer.status} {endpoint}"] += 1
        return answer

    def _answer(self, method: str, path: str, query: str, body: str, headers: Mapping[str, str], now: float) -> Answer:
        try:
            operation = self.oauth_operation(method, path, body, headers)
            if operation is not None:
                return Answer(status=_OK, body=self.perform(*operation, now))
            return self._api(method, path, query, headers, now)
        except (StripeError, OAuthError) as error:
            return error.answer()

    def oauth_operation(
        self, method: str, path: str, body: str, headers: Mapping[str, str]
    ) -> tuple[str, Record] | None:
        """Return the operation and arguments of a request that changes something: one about tokens; else None.

        While a status is forced such a request does nothing.
        """
        action = _OAUTH_PATHS.get(path) if method == "POST" and self.faults.status is None else None
        if action is None:
            return None
        args = dict(p.parse(body))
        named = {"idempotency_key": headers["idempotency-key"]} if "idempotency-key" in headers else {}
        return action, {**args, **named, "key": _client_key(args, headers)}

    def _api(self, method: str, path: str, query: str, headers: Mapping[str, str], now: float) -> Answer:
        credential = self.keyring.authenticate(headers, now)
        world = self._world_of(credential, headers)
        rate = self.rate if self.faults.rate is None else self.faults.rate
        if not self._limiter.allows((world.account, world.livemode), now, rate):
            return rate_limited("global-rate")
        if method != "GET":
            raise StripeError(
                403,
                "The provided key does not have the required permissions for this endpoint: it may only read.",
                code="insufficient_permissions",
            )
        return Answer(status=_OK, body=api.read(world, path, p.parse(query), now))

    def _world_of(self, credential: Credential, headers: Mapping[str, str]) -> World:
        asked = headers.get("stripe-account")
        if credential.kind == "refresh":
            raise StripeError(401, "Invalid API Key provided: a refresh token is not a key.")
        if credential.kind != "platform":
            if asked not in {None, credential.account}:
                raise no_access("sk_*********", asked or "")
            return self.world(credential.account, livemode=credential.livemode)
        if asked is None:
            raise StripeError(403, "The platform's own account holds nothing here: send Stripe-Account.")
        if not self.oauth.connected.get(asked):
            raise no_access("sk_*********", asked)
        return self.world(asked, livemode=credential.livemode)

    # Changing

    def perform(self, action: str, args: Record, now: float) -> Record:
        """Do one operation and return what it did; raises StripeError or OAuthError when it is refused.

        `action` is a name of `OPERATIONS`, or one of `authorize token app_token deauthorize disconnect activity
        advance`.
        Arguments `account` and `livemode` choose the world.
        """
        self.operations += 1
        self._next_due = None
        rng = seeded(self.seed, "op", self.operations)
        if action in OPERATIONS or action == "activity":
            return self._operate(action, dict(args), rng, now)
        return self._actions()[action](args, rng, now)

    def can(self, action: str) -> bool:
        """Tell whether there is an operation of this name."""
        return action in OPERATIONS or action == "activity" or action in self._actions()

    def _actions(self) -> dict[str, Callable[[Record, random.Random, float], Record]]:
        oauth = self.oauth
        return {
            "authorize": lambda args, rng, now: {
                "code": oauth.grant(args["account"], args["client_id"], args["scope"], rng, now)
            },
            "token": self._connect,
            "app_token": lambda args, rng, now: oauth.app_token(args.get("key"), args, rng, now),
            "deauthorize": self._deauthorize,
            "disconnect": self._disconnect,
            "advance": self._advance,
        }

    def _operate(self, action: str, args: Record, rng: random.Random, now: float) -> Record:
        livemode = args.pop("livemode", None)
        world = self.world(args.pop("account", None), livemode=livemode)
        change = Change(world, int(now), rng)
        if action == "activity":
            reserved = args.get("reserved", ())
            action, args = random_operation(world, rng, frozenset(reserved))
        OPERATIONS[action](change, args)
        self._publish(change, now)
        return {
            "operation": action,
            "objects": change.touched(),
            "events": [{"id": event["id"], "type": event["type"]} for event in change.events],
        }

    def is_anything_due(self, now: float) -> bool:
        """Tell whether time alone has brought something by `now`, so that `advance` would do something."""
        if self._next_due is None:
            found = [when for world in self._worlds() if (when := lifecycle.next_due(world)) is not None]
            self._next_due = min(found, default=_NEVER)
        return self._next_due <= now

    def _worlds(self) -> Iterator[World]:
        for account in self.accounts.values():
            yield from account.worlds.values()

    def _advance(self, args: Record, rng: random.Random, now: float) -> Record:
        del args
        count = 0
        for world in self._worlds():
            for change in lifecycle.advance(world, rng, now):
                self._publish(change, now)
                count += len(change.events)
        return {"events": count}

    def _publish(self, change: Change, now: float) -> None:
        if self.oauth.connected.get(change.world.account, True):
            self.deliveries.enqueue(change.world, change.events, now, self.faults)

    def _connect(self, args: Record, rng: random.Random, now: float) -> Record:
        answer = self.oauth.token(args.get("key"), args, rng, now)
        if args.get("grant_type") == "authorization_code":
            self._announce(str(answer["stripe_user_id"]), "account.application.authorized", rng, now)
        return answer

    def _deauthorize(self, args: Record, rng: random.Random, now: float) -> Record:
        account = str(args.get("stripe_user_id", ""))
        answer = self.oauth.deauthorize(args.get("key"), str(args.get("client_id", "")), account)
        self._announce(account, "account.application.deauthorized", rng, now)
        return answer

    def _disconnect(self, args: Record, rng: random.Random, now: float) -> Record:
        account = str(args.get("account") or self.default_account.id)
        if not self.oauth.connected.get(account):
            raise invalid("account", f"Account {account} is not connected.")
        self.oauth.disconnect(account)
        self._announce(account, "account.application.deauthorized", rng, now)
        return {"stripe_user_id": account}

    def _announce(self, account: str, event_type: str, rng: random.Random, now: float) -> None:
        """Tell the platform about its own standing with an account; this goes out even after the end."""
        change = Change(self.world(account), int(now), rng)
        application = self.oauth.application
        shape = {"id": application.client_ids[self.livemode], "object": "application", "name": application.name}
        change.announce(event_type, shape)
        self.deliveries.enqueue(change.world, change.events, now, self.faults)


def _client_key(args: Record, headers: Mapping[str, str]) -> str | None:
    secret = args.get("client_secret")
    return secret if isinstance(secret, str) else key_in(headers)


def _application(rng: random.Random, keyring: Keyring) -> Application:
    application = Application(
        name="Ochre",
        client_ids={mode: new_id("ca_", rng, 24) for mode in (True, False)},
        secret_keys={mode: new_id("sk_live_" if mode else "sk_test_", rng, 24) for mode in (True, False)},
    )
    for mode, key in application.secret_keys.items():
        keyring.add(key, Credential(kind="platform", livemode=mode, account=None))
    return application


def _account(stripe: SimulatedStripe, rng: random.Random, plan: AccountPlan, now: int) -> Account:
    account_id = new_id("acct_", rng, 14)
    worlds: dict[bool, World] = {}
    keys: dict[bool, str] = {}
    for mode in (True, False):
        world = World(account=account_id, livemode=mode, account_name=plan.name, created=now - OLDEST)
        count = plan.customers if mode == stripe.livemode else plan.test_customers
        world.load(generate(f"{stripe.seed}/{account_id}/{mode}", count, now))
        worlds[mode] = world
        keys[mode] = new_id("rk_live_" if mode else "rk_test_", rng, 24)
        stripe.keyring.add(keys[mode], Credential(kind="account", livemode=mode, account=account_id))
    return Account(id=account_id, name=plan.name, worlds=worlds, keys=keys)
