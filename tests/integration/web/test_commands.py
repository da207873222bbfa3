"""The command line: what scripts rely on."""

import json
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.integration.web.conftest import environment
from web.cli.main import COMMANDS, SUMMARIES, main, ochre
from web.scheduler import Scheduler
from web.settings import load
from web.wiring import build

PASSWORD = "correct horse battery"


@pytest.fixture
def environ(tmp_path: Path, sqlite_url: str) -> dict[str, str]:
    """Return a complete environment with a password file beside it."""
    (tmp_path / "password").write_text(PASSWORD + "\n")
    return environment(tmp_path, DATABASE_URL=sqlite_url)


def run(environ: dict[str, str], *arguments: str, given: str | None = None) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(ochre, list(arguments), env=environ, input=given)


def create(environ: dict[str, str], name: str = "Acme") -> Result:
    """Create a workspace as a script would."""
    return run(
        environ, "workspace", "create", name, "--owner", "olive@acme.example", "--password-file", "-", given=PASSWORD
    )


def test_every_command_is_described_and_loads() -> None:
    """The list of commands is complete, and every one of them can be imported."""
    assert set(COMMANDS) == set(SUMMARIES)
    for name in COMMANDS:
        assert CliRunner().invoke(ochre, [name, "--help"]).exit_code == 0


def test_a_workspace_and_a_token_are_made_as_the_contracts_say(environ: dict[str, str], tmp_path: Path) -> None:
    """The owner can sign in with the password, and the token carries all scopes or the ones asked for."""
    made = create(environ)
    everything = run(environ, "token", "create", "--workspace", "Acme", "--member", "olive@acme.example")
    one = run(
        environ, "token", "create", "--workspace", "Acme", "--member", "Olive@ACME.example", "--scope", "rules:read"
    )
    services = build(load(environ))
    found = services.auth.find_token(json.loads(one.output)["token"])
    services.database.dispose()

    assert set(json.loads(made.output)) == {"id", "name"}
    assert len(json.loads(everything.output)["scopes"]) == 10
    assert json.loads(one.output)["scopes"] == ["rules:read"]
    assert found is not None
    assert found.scopes == {"rules:read"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["workspace", "create", "Acme", "--owner", "other@acme.example", "--password-file", "-"], "already"),
        (["workspace", "create", "New", "--owner", "nobody", "--password-file", "-"], "e-mail"),
        (["token", "create", "--workspace", "Nowhere", "--member", "olive@acme.example"], "no workspace"),
        (["token", "create", "--workspace", "Acme", "--member", "eve@acme.example"], "no active member"),
        (["token", "revoke", "--workspace", "Acme", "tok_none"], "no token"),
        (["member", "add", "--workspace", "Acme", "olive@acme.example", "--password-file", "-"], "already"),
    ],
)
def test_wrong_wishes_end_with_a_message(environ: dict[str, str], arguments: list[str], complaint: str) -> None:
    """What cannot be done is a status of 1 and a sentence on standard error, and nothing on standard output."""
    create(environ)
    result = run(environ, *arguments, given=PASSWORD)

    assert result.exit_code == 1
    assert complaint in result.stderr
    assert result.stdout == ""


def test_a_weak_password_is_refused(environ: dict[str, str]) -> None:
    """A password that is too short makes no workspace."""
    result = run(
        environ, "workspace", "create", "Acme", "--owner", "a@b.example", "--password-file", "-", given="short"
    )

    assert result.exit_code == 1
    assert "10 characters" in result.stderr
    assert json.loads(run(environ, "workspace", "list", "--format", "json").output) == []


def test_a_password_that_is_no_text_is_refused(environ: dict[str, str], tmp_path: Path) -> None:
    """A file in another encoding is told of, without a traceback."""
    (tmp_path / "password").write_bytes(b"\xff\xfe correct horse")
    file = str(tmp_path / "password")
    made = run(environ, "workspace", "create", "Acme", "--owner", "olive@acme.example", "--password-file", file)

    assert made.exit_code == 1
    assert made.output == f"Error: {file} is not UTF-8; save the password as UTF-8\n"


@pytest.mark.parametrize("arguments", [["workspace", "list"], ["migrate"]])
@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("sqlite:////proc/nothing/ochre.db", "unable to open database file"),
        ("postgresql://nobody:secret-word@127.0.0.1:1/ochre", "Connection refused"),
    ],
)
def test_a_database_that_is_away_is_said_in_one_line(
    environ: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    url: str,
    complaint: str,
) -> None:
    """No traceback and no password, but what to look at."""
    for name, value in {**environ, "OCHRE_DATABASE_URL": url}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr().err

    assert ended.value.code == 1
    assert said.startswith("Error: the database at OCHRE_DATABASE_URL cannot be used: ")
    assert complaint in said
    assert said.count("\n") == 1
    assert "secret-word" not in said


def test_a_database_without_schema_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database nobody migrated is answered with the command that does."""
    for name, value in environment(tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/new.db").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main(["workspace", "list"])

    assert ended.value.code == 1
    assert "no such table" in (said := capsys.readouterr().err)
    assert "`ochre migrate`" in said
    assert said.count("\n") == 1


def test_members_and_tokens_are_listed_and_revoked(environ: dict[str, str]) -> None:
    """A member is added and listed; a token is listed without its secret, and gone once revoked."""
    create(environ)
    run(environ, "member", "add", "--workspace", "Acme", "ann@acme.example", "--password-file", "-", given=PASSWORD)
    members = json.loads(run(environ, "member", "list", "--workspace", "Acme", "--format", "json").output)
    made = json.loads(run(environ, "token", "create", "--workspace", "Acme", "--member", "ann@acme.example").output)
    listed = run(environ, "token", "list", "--workspace", "Acme", "--format", "json").output
    (token,) = json.loads(listed)
    run(environ, "token", "revoke", "--workspace", "Acme", token["id"])

    assert {(one["email"], one["role"]) for one in members} == {
        ("olive@acme.example", "owner"),
        ("ann@acme.example", "agent"),
    }
    assert made["token"] not in listed
    assert json.loads(run(environ, "token", "list", "--workspace", "Acme", "--format", "json").output) == []


def test_an_agent_is_barred_from_billing_and_let_in_again(environ: dict[str, str]) -> None:
    """The command changes what it is told and prints the member; wrong wishes end with a message."""
    create(environ)
    change = ("member", "change", "--workspace", "Acme")
    run(environ, "member", "add", "--workspace", "Acme", "bea@acme.example", "--password-file", "-", given=PASSWORD)
    barred = run(environ, *change, "BEA@acme.example", "--no-billing")
    listed = run(environ, "member", "list", "--workspace", "Acme", "--format", "json")
    back = run(environ, *change, "bea@acme.example", "--billing", "--inactive")
    owner = run(environ, *change, "olive@acme.example", "--no-billing")
    nobody = run(environ, *change, "nobody@acme.example", "--no-billing")

    assert json.loads(barred.output)["sees_billing"] is False
    assert {row["email"]: row["sees_billing"] for row in json.loads(listed.output)} == {
        "bea@acme.example": False,
        "olive@acme.example": True,
    }
    assert (json.loads(back.output)["sees_billing"], json.loads(back.output)["active"]) == (True, False)
    assert (owner.exit_code, nobody.exit_code) == (1, 1)
    assert "Only agents can be barred" in owner.stderr
    assert "no member" in nobody.stderr


def test_the_doctor_says_what_is_missing(environ: dict[str, str]) -> None:
    """Without Redis and processes the doctor finds the database in order and the rest not."""
    result = run(environ, "doctor", "--format", "json")
    findings = {finding["check"]: finding["ok"] for finding in json.loads(result.stdout)}

    assert result.exit_code == 1
    assert findings == {
        "settings": True,
        "database": True,
        "redis": False,
        "worker": False,
        "scheduler": False,
        "stripe": True,
    }


def test_the_doctor_checks_only_what_is_asked(environ: dict[str, str]) -> None:
    """With `--only` nothing else is checked, and the status tells of these checks alone."""
    well = run(environ, "doctor", "--only", "database", "--only", "stripe", "--format", "json")
    silent = run(environ, "doctor", "--only", "scheduler", "--format", "json")
    services = build(load(environ))
    scheduler = Scheduler(services.database, services.clock, services.waker)
    scheduler.declare()
    scheduler.tick()
    services.database.dispose()
    heard = run(environ, "doctor", "--only", "scheduler")

    assert [finding["check"] for finding in json.loads(well.stdout)] == ["database", "stripe"]
    assert well.exit_code == 0
    assert [(finding["check"], finding["ok"]) for finding in json.loads(silent.stdout)] == [("scheduler", False)]
    assert silent.exit_code == 1
    assert heard.exit_code == 0
    assert run(environ, "doctor", "--only", "worker").exit_code == 1
    assert run(environ, "doctor", "--only", "weather").exit_code == 2


def test_migrating_again_changes_nothing(environ: dict[str, str]) -> None:
    """`migrate` on a database that is current succeeds and says its revision."""
    first = run(environ, "migrate", "--format", "json")
    second = run(environ, "migrate", "--format", "json")

    assert first.output == second.output


def test_keys_rotate_and_sync_has_nothing_to_show(environ: dict[str, str]) -> None:
    """Without connections there is nothing to encrypt again and nothing to sync."""
    create(environ)

    assert json.loads(run(environ, "keys", "rotate", "--format", "json").output) == {"changed": 0}
    assert json.loads(run(environ, "sync", "status", "--workspace", "Acme", "--format", "json").output) == {
        "connections": []
    }
    assert run(environ, "sync", "backfill", "--workspace", "Acme").exit_code == 1


def test_a_taken_port_is_said_in_one_line(environ: dict[str, str]) -> None:
    """A second server on the same port ends at once with one clear line."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = run(environ, "serve", "--port", port)

    assert result.exit_code == 1
    assert result.stderr == f"Error: port {port} of 127.0.0.1 is taken; choose another with --port\n"


def test_faulty_settings_are_named_all(tmp_path: Path) -> None:
    """A command with faulty settings does nothing and names every fault."""
    (tmp_path / "file").write_text("")
    environ = {"OCHRE_REDIS_URL": "nope", "OCHRE_PUBLIC_URL": "nope", "OCHRE_DATA_DIR": str(tmp_path / "file")}
    result = run(environ, "doctor")

    assert result.exit_code == 2
    assert all(name in result.stderr for name in environ)


def test_a_worker_needs_redis(environ: dict[str, str]) -> None:
    """Without Redis a worker says what is missing."""
    result = run(environ, "worker")

    assert result.exit_code == 1
    assert "OCHRE_REDIS_URL" in result.stderr
