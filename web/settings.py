"""The settings of every process: one frozen tree, read once from the environment.

Laws of this module
- Every variable is called `OCHRE_…`, and may instead be given as `OCHRE_…_FILE`, the path of a file that holds it.
- All faults are found and reported together, each with the way to mend it.
- Secrets never show in a repr.
- With nothing set at all Ochre runs embedded: SQLite and generated secrets live in `OCHRE_DATA_DIR`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from stripe_sync.settings import PlatformKeys, StripeConfig
from web.settings_reader import Fault, SettingsReader, keep_secret

MIN_SECRET_LENGTH = 32


class SettingsError(Exception):
    """The environment cannot be run with; the message lists every fault, one a line."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        lines = "\n".join(f"  {fault.variable}: {fault.message}" for fault in faults)
        super().__init__(f"The settings have {len(faults)} fault(s):\n{lines}")
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """How log lines look, and from which level on they are written."""

    format: str = "json"
    level: str = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a process needs to know about where it runs."""

    data_dir: Path
    public_url: str
    database_url: str = field(repr=False)
    redis_url: str | None = field(repr=False)
    secret_keys: tuple[str, ...] = field(repr=False)
    """The first signs, all verify."""
    encryption_keys: tuple[str, ...] = field(repr=False)
    """The first encrypts, all decrypt."""
    log: LogSettings
    stripe: StripeConfig

    @property
    def is_https(self) -> bool:
        """Return whether people reach Ochre over TLS, so that cookies may insist on it."""
        return self.public_url.startswith("https://")

    @property
    def is_embedded(self) -> bool:
        """Return whether the database is the SQLite file in the data folder."""
        return self.database_url.startswith("sqlite:")


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings from `environ`; raise SettingsError naming every fault."""
    reader = SettingsReader(environ)
    data_dir = Path(reader.text("DATA_DIR", default="./var")).expanduser()
    database_url = _database_url(reader, data_dir)
    redis_url = _redis_url(reader)
    public_url = _base_url(reader, "PUBLIC_URL", default="http://127.0.0.1:8000")
    log = _log(reader)
    stripe = _stripe(reader, public_url, redis_url)
    may_generate = database_url.startswith("sqlite:")
    secret_keys = _keys(reader, "SECRET_KEY", data_dir, may_generate=may_generate)
    encryption_keys = _keys(reader, "ENCRYPTION_KEYS", data_dir, may_generate=may_generate)
    if reader.faults:
        raise SettingsError(tuple(reader.faults))
    return Settings(
        data_dir=data_dir,
        public_url=public_url,
        database_url=database_url,
        redis_url=redis_url,
        secret_keys=secret_keys,
        encryption_keys=encryption_keys,
        log=log,
        stripe=stripe,
    )


def _database_url(reader: SettingsReader, data_dir: Path) -> str:
    url = reader.text("DATABASE_URL", default=f"sqlite:///{data_dir / 'ochre.db'}")
    scheme = url.partition(":")[0].partition("+")[0]
    if scheme not in {"sqlite", "postgresql", "postgres"}:
        reader.fault(
            "DATABASE_URL", "must start with postgresql:// or sqlite:///; leave it out to use SQLite in OCHRE_DATA_DIR"
        )
    return url


def _redis_url(reader: SettingsReader) -> str | None:
    url = reader.optional("REDIS_URL")
    if url is not None and urlsplit(url).scheme not in {"redis", "rediss", "unix"}:
        reader.fault("REDIS_URL", "must start with redis://, rediss:// or unix://")
    return url


def _log(reader: SettingsReader) -> LogSettings:
    return LogSettings(
        format=reader.choice("LOG_FORMAT", ("json", "console"), default="json"),
        level=reader.choice("LOG_LEVEL", ("debug", "info", "warning", "error"), default="info"),
    )


def _stripe(reader: SettingsReader, public_url: str, redis_url: str | None) -> StripeConfig:
    plain = StripeConfig(public_url=public_url)
    return StripeConfig(
        public_url=public_url,
        redis_url=redis_url,
        api_base=_base_url(reader, "STRIPE_API_BASE", default=plain.api_base),
        connect_base=_base_url(reader, "STRIPE_CONNECT_BASE", default=plain.connect_base),
        apps_base=_base_url(reader, "STRIPE_APPS_BASE", default=plain.apps_base),
        dashboard_base=_base_url(reader, "STRIPE_DASHBOARD_BASE", default=plain.dashboard_base),
        live=_platform_keys(reader, "STRIPE"),
        test=_platform_keys(reader, "STRIPE_TEST"),
        app=_platform_keys(reader, "STRIPE_APP"),
        webhook_secrets=reader.items("STRIPE_WEBHOOK_SECRETS"),
    )


def _platform_keys(reader: SettingsReader, prefix: str) -> PlatformKeys | None:
    id_name, key_name = f"{prefix}_CLIENT_ID", f"{prefix}_SECRET_KEY"
    client_id, secret_key = reader.optional(id_name), reader.optional(key_name)
    if client_id is not None and secret_key is not None:
        return PlatformKeys(client_id=client_id, secret_key=secret_key)
    if client_id is not None or secret_key is not None:
        missing, there = (key_name, id_name) if secret_key is None else (id_name, key_name)
        reader.fault(missing, f"is missing, while OCHRE_{there} is set; set both, or neither")
    return None


def _base_url(reader: SettingsReader, name: str, *, default: str) -> str:
    url = reader.text(name, default=default).rstrip("/")
    try:
        parts = urlsplit(url)
        is_base = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_base = False
    else:
        is_base = is_base and not (parts.path or parts.query or parts.fragment or parts.username)
    if not is_base:
        reader.fault(name, "must be http:// or https:// with a host and perhaps a port, and nothing after it")
    return url


def _keys(reader: SettingsReader, name: str, data_dir: Path, *, may_generate: bool) -> tuple[str, ...]:
    keys = reader.items(name)
    if keys:
        if any(len(key) < MIN_SECRET_LENGTH for key in keys):
            reader.fault(
                name, f"holds a key shorter than {MIN_SECRET_LENGTH} characters; `openssl rand -hex 32` makes one"
            )
        return keys
    if reader.is_given(name):
        reader.fault(name, "is given but holds no key, or its file could not be read")
        return ()
    if not may_generate:
        reader.fault(
            name,
            "is required with a database server; `openssl rand -hex 32` makes one; several are separated by commas",
        )
        return ()
    return _generated(reader, name, data_dir)


def _generated(reader: SettingsReader, name: str, data_dir: Path) -> tuple[str, ...]:
    """Return the key kept in the data folder, made on first use, so that an embedded Ochre needs no settings."""
    path = data_dir / "secrets" / name.lower()
    try:
        return (keep_secret(path),)
    except OSError as error:
        reader.fault(
            "DATA_DIR", f"cannot keep a generated secret in {path}: {error.strerror}; choose a writable folder"
        )
        return ()
