"""Settings: read from the environment or from files, all faults at once, secrets out of sight."""

import stat
from pathlib import Path

import pytest

from web.settings import SettingsError, load

KEY = "s" * 32


def test_nothing_set_runs_embedded(tmp_path: Path) -> None:
    """With only a data folder Ochre runs on SQLite and keeps secrets of its own, readable by their owner alone."""
    environ = {"OCHRE_DATA_DIR": str(tmp_path)}
    first = load(environ)
    second = load(environ)

    assert first.database_url == f"sqlite:///{tmp_path}/ochre.db"
    assert first.redis_url is None
    assert first.secret_keys == second.secret_keys
    assert first.secret_keys != first.encryption_keys
    assert stat.S_IMODE((tmp_path / "secrets" / "secret_key").stat().st_mode) == 0o600


def test_all_faults_are_reported_together() -> None:
    """Every fault is named at once, each with the variable to mend."""
    environ = {
        "OCHRE_DATABASE_URL": "mysql://nope",
        "OCHRE_REDIS_URL": "http://nope",
        "OCHRE_PUBLIC_URL": "example.com",
        "OCHRE_SECRET_KEY": "short",
        "OCHRE_LOG_FORMAT": "xml",
        "OCHRE_LOG_LEVEL": "loud",
        "OCHRE_STRIPE_CLIENT_ID": "ca_1",
        "OCHRE_STRIPE_API_BASE": "https://api.example.com/v1",
        "OCHRE_STRIPE_WEBHOOK_SECRETS_FILE": "/nowhere/at/all",
    }
    with pytest.raises(SettingsError) as raised:
        load(environ)

    assert {fault.variable for fault in raised.value.faults} == {
        "OCHRE_DATABASE_URL",
        "OCHRE_REDIS_URL",
        "OCHRE_PUBLIC_URL",
        "OCHRE_SECRET_KEY",
        "OCHRE_ENCRYPTION_KEYS",
        "OCHRE_LOG_FORMAT",
        "OCHRE_LOG_LEVEL",
        "OCHRE_STRIPE_SECRET_KEY",
        "OCHRE_STRIPE_API_BASE",
        "OCHRE_STRIPE_WEBHOOK_SECRETS_FILE",
    }
    assert all(fault.variable in str(raised.value) for fault in raised.value.faults)


def test_a_server_database_needs_keys_that_are_given() -> None:
    """Secrets are generated only for an embedded Ochre: several machines would each make their own."""
    with pytest.raises(SettingsError) as raised:
        load({"OCHRE_DATABASE_URL": "postgresql://db/ochre"})

    assert [fault.variable for fault in raised.value.faults] == ["OCHRE_SECRET_KEY", "OCHRE_ENCRYPTION_KEYS"]


def test_values_may_come_from_files(tmp_path: Path) -> None:
    """A variable with _FILE names a file that holds the value, and surrounding white space does not count."""
    secret = tmp_path / "secret"
    secret.write_text(f"  {KEY}\n{'t' * 32}\n")
    settings = load({"OCHRE_DATA_DIR": str(tmp_path), "OCHRE_SECRET_KEY_FILE": str(secret)})

    assert settings.secret_keys == (KEY, "t" * 32)


def test_an_empty_key_file_is_a_fault(tmp_path: Path) -> None:
    """A key that was meant to be given is never replaced by a generated one."""
    empty = tmp_path / "empty"
    empty.write_text("\n")
    with pytest.raises(SettingsError, match="OCHRE_SECRET_KEY"):
        load({"OCHRE_DATA_DIR": str(tmp_path), "OCHRE_SECRET_KEY_FILE": str(empty)})


def test_a_value_set_twice_is_a_fault(tmp_path: Path) -> None:
    """A variable given both directly and by file is refused, because nobody could say which one counts."""
    path = tmp_path / "url"
    path.write_text("redis://b")
    environ = {
        "OCHRE_DATA_DIR": str(tmp_path),
        "OCHRE_REDIS_URL": "redis://a",
        "OCHRE_REDIS_URL_FILE": str(path),
    }
    with pytest.raises(SettingsError, match="set twice"):
        load(environ)


def test_secrets_do_not_show(tmp_path: Path) -> None:
    """The repr of the settings holds no key, no password and no signing secret."""
    settings = load(
        {
            "OCHRE_DATA_DIR": str(tmp_path),
            "OCHRE_DATABASE_URL": "postgresql://ochre:hunter2@db/ochre",
            "OCHRE_REDIS_URL": "redis://:hunter2@cache",
            "OCHRE_SECRET_KEY": KEY,
            "OCHRE_ENCRYPTION_KEYS": KEY,
            "OCHRE_STRIPE_CLIENT_ID": "ca_1",
            "OCHRE_STRIPE_SECRET_KEY": "sk_live_hunter2",
            "OCHRE_STRIPE_WEBHOOK_SECRETS": "whsec_hunter2",
        }
    )

    assert "hunter2" not in repr(settings)
    assert KEY not in repr(settings)


def test_a_folder_that_cannot_be_written_is_one_fault(tmp_path: Path) -> None:
    """A data folder that is a file is reported as such, with the way out."""
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(SettingsError, match="choose a writable folder"):
        load({"OCHRE_DATA_DIR": str(in_the_way)})
