"""`ochre worker`."""

import click

from web.cli.output import fail
from web.startup import load_settings


@click.command("worker")
def command() -> None:
    """Do the work that requests leave behind, until told to stop."""
    settings = load_settings()
    if settings.redis_url is None:
        fail("a worker needs OCHRE_REDIS_URL; `ochre serve --all` brings an embedded Valkey along")
    from web.logging import configure
    from web.worker import run

    configure(settings.log)
    run(settings.redis_url)
