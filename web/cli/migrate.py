"""`ochre migrate`."""

import click

from web.cli.output import format_option, show
from web.startup import load_settings


@click.command("migrate")
@format_option()
def command(output_format: str) -> None:
    """Bring the database at OCHRE_DATABASE_URL to the newest schema."""
    from web import migrations

    settings = load_settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    migrations.upgrade(settings.database_url)
    show({"revision": migrations.expected_revision()}, output_format)
