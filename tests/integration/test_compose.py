"""docker-compose.yml and the Dockerfile, checked as far as can be without a container engine."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from web.cli.main import ochre
from web.settings import SettingsError, load

ROOT = Path(__file__).parents[2]
OCHRE_SERVICES = ("migrate", "web", "worker", "scheduler")
SERVICE_KEYS = {
    "build",
    "cap_drop",
    "command",
    "configs",
    "depends_on",
    "environment",
    "healthcheck",
    "image",
    "ports",
    "read_only",
    "restart",
    "secrets",
    "security_opt",
    "tmpfs",
    "volumes",
}
CONDITIONS = {"service_healthy", "service_completed_successfully", "service_started"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """Return the compose file with its anchors resolved."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def test_services_use_only_known_keys(compose: dict[str, Any]) -> None:
    """No service has a misspelled key, and every image is pinned."""
    for name, service in compose["services"].items():
        assert set(service) <= SERVICE_KEYS, name
        assert re.search(r":\d", service["image"]), name


def test_references_resolve(compose: dict[str, Any]) -> None:
    """Secrets, configs, volumes and dependencies that a service names are defined."""
    for name, service in compose["services"].items():
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name
        assert {config["source"] for config in service.get("configs", [])} <= set(compose["configs"]), name
        for dependency, demand in service.get("depends_on", {}).items():
            assert demand["condition"] in CONDITIONS
            needs_check = demand["condition"] == "service_healthy"
            assert not needs_check or "healthcheck" in compose["services"][dependency], (name, dependency)
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"]


def test_long_running_services_are_watched_and_least_privileged(compose: dict[str, Any]) -> None:
    """Each long-running service has a health check; Ochre's run without privileges on a read-only root."""
    for name, service in compose["services"].items():
        if name != "migrate":
            assert "healthcheck" in service, name
    for name in OCHRE_SERVICES:
        service = compose["services"][name]
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
    assert "USER ochre" in (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("service", OCHRE_SERVICES)
def test_command_is_one_that_ochre_has(compose: dict[str, Any], service: str) -> None:
    """Each service's command, and each `ochre` in a health check, parses with the real command line."""
    commands = [compose["services"][service]["command"]]
    check = compose["services"][service].get("healthcheck", {}).get("test", [])
    if check[1:2] == ["ochre"]:
        commands.append(check[1:])
    for command in commands:
        _assert_parses(command)


def test_image_command_parses_and_copied_paths_exist() -> None:
    """The Dockerfile copies what is there and starts a command that exists."""
    text = (ROOT / "Dockerfile").read_text()
    copied = [word for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE) for word in line.split()[:-1]]
    command = re.search(r"^CMD (\[.*\])$", text, re.MULTILINE)

    assert copied
    assert [path for path in copied if not (ROOT / path).exists()] == []
    allowed = set((ROOT / ".dockerignore").read_text().split())
    assert [path for path in copied if f"!{path}" not in allowed] == []
    assert command is not None
    _assert_parses(yaml.safe_load(command.group(1)))


def test_web_health_check_asks_a_page_that_exists(compose: dict[str, Any]) -> None:
    """The health check of the web service asks for a route of ours on the port it listens on."""
    check = " ".join(compose["services"]["web"]["healthcheck"]["test"])

    assert "http://127.0.0.1:8000/readyz" in check
    assert compose["services"]["web"]["command"][-1] == "8000"


def test_secrets_made_by_make_are_those_that_compose_mounts_and_make_valid_settings(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    """`make secrets` writes every file the compose file mounts, and the services' environment is accepted with them."""
    make = shutil.which("make")
    assert make is not None
    subprocess.run(
        [make, "-s", "-f", ROOT / "Makefile", "secrets"], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL
    )

    assert {str(secret["file"]) for secret in compose["secrets"].values()} == {
        f"./secrets/{path.name}" for path in (tmp_path / "secrets").iterdir()
    }
    environment = {
        name: _interpolated(value).replace("/run/secrets", str(tmp_path / "secrets"))
        for name, value in compose["services"]["web"]["environment"].items()
    }
    settings = load({**environment, "OCHRE_DATA_DIR": str(tmp_path)})
    assert settings.redis_url is not None
    assert settings.database_url.endswith("@postgres/ochre")
    assert settings.stripe.live is None


def test_settings_in_compose_fail_loudly_without_secrets(compose: dict[str, Any], tmp_path: Path) -> None:
    """Without the secrets every missing file is named at once."""
    environment = {
        name: _interpolated(value).replace("/run/secrets", str(tmp_path))
        for name, value in compose["services"]["web"]["environment"].items()
    }

    with pytest.raises(SettingsError) as refused:
        load(environment)

    assert len(refused.value.faults) >= 4


# helpers


def _interpolated(value: str) -> str:
    """Fill in `${NAME-default}` and `${NAME:-default}` as with nothing set."""
    return re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", value)


def _assert_parses(command: list[str]) -> None:
    assert command[0] == "ochre"
    context = click.Context(ochre, info_name="ochre")
    name, subcommand, rest = ochre.resolve_command(context, command[1:])
    assert subcommand is not None
    subcommand.make_context(name, rest, parent=context, resilient_parsing=False)
