"""`ochre demo`: everything, with a simulated merchant."""

import os

import click

from web.cli.output import fail


@click.command("demo")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the web server; a free one if the usual is taken.")
@click.option("--stripe-port", type=click.IntRange(1, 65535), help="Port of the simulated Stripe, likewise.")
@click.option("--customers", default=2000, show_default=True, type=click.IntRange(50, 100_000))
@click.option("--quiet-life", is_flag=True, help="Send no conversations and billing events by itself.")
def command(port: int | None, stripe_port: int | None, customers: int, *, quiet_life: bool) -> None:
    """Run Ochre with a simulated Stripe merchant, until Ctrl-C; the data is kept for the next start."""
    os.environ.setdefault("OCHRE_LOG_FORMAT", "console")
    from web.demo.run import DemoOptions, run
    from web.processes.folder import FolderError
    from web.processes.supervisor import ChildError
    from web.startup import load_settings

    try:
        run(
            load_settings(), DemoOptions(port=port, stripe_port=stripe_port, customers=customers, lively=not quiet_life)
        )
    except (FolderError, ChildError) as error:
        fail(str(error))
