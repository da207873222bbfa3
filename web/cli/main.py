"""`ochre`: every command group is imported only when it is used, so that the command line starts fast."""

import importlib
import os
import sys
from collections.abc import Sequence

import click
from typing_extensions import override

COMMANDS = {
    "demo": "web.cli.demo",
    "serve": "web.cli.serve",
    "worker": "web.cli.worker",
    "scheduler": "web.cli.scheduler",
    "migrate": "web.cli.migrate",
    "doctor": "web.cli.doctor",
    "workspace": "web.cli.workspace",
    "member": "web.cli.member",
    "token": "web.cli.token",
    "keys": "web.cli.keys",
    "rules": "web.cli.rules",
    "facts": "web.cli.facts",
    "sync": "web.cli.sync",
    "end-user": "web.cli.end_user",
    "stripe-simulator": "web.cli.stripe_simulator",
}
SUMMARIES = {
    "demo": "Run everything with a simulated merchant, to look around.",
    "serve": "Run the web server.",
    "worker": "Run a worker.",
    "scheduler": "Run the scheduler.",
    "migrate": "Bring the database to the newest schema.",
    "doctor": "Check settings, database, Redis and keys.",
    "workspace": "Create and list workspaces.",
    "member": "Add, list and change members.",
    "token": "Create, list and revoke API tokens.",
    "keys": "Rotate the keys of the token vault.",
    "rules": "Check, evaluate and test rulesets.",
    "facts": "List and derive facts.",
    "sync": "Look at and drive the sync with Stripe.",
    "end-user": "Export and erase what is kept of an end user.",
    "stripe-simulator": "Run a simulated Stripe.",
}


class LazyGroup(click.Group):
    """A group whose commands stand in modules that are imported when they are called."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names, in the order of the table."""
        return list(COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or None if there is none of that name."""
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = importlib.import_module(module).command
        assert isinstance(command, click.Command)
        return command

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUMMARIES[name]) for name in COMMANDS])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ochre-routing", prog_name="ochre")
def ochre() -> None:
    """Route support conversations by what customers pay."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    try:
        ochre.main(args=None if arguments is None else list(arguments), prog_name="ochre")
    except BrokenPipeError:
        # Whoever read our output has seen enough; keep Python from complaining while it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        message = _about_database(error)
        if message is None:
            raise
        click.echo(f"Error: {message}", err=True)
        sys.exit(1)


def _about_database(error: Exception) -> str | None:
    """Return one line about a database that is away or not migrated, or None if `error` is about something else."""
    if "sqlalchemy" not in sys.modules:  # no command touched a database; importing it takes a while
        return None
    from sqlalchemy.exc import OperationalError, ProgrammingError

    if not isinstance(error, OperationalError | ProgrammingError):
        return None
    told = str(error.orig).strip().splitlines()[0]
    if "no such table" in told or "does not exist" in told:
        return f"the database lacks something: {told}; run `ochre migrate`"
    if isinstance(error, OperationalError):
        return f"the database at OCHRE_DATABASE_URL cannot be used: {told}"
    return None


if __name__ == "__main__":
    main()
