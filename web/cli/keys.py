"""`ochre keys`: the keys that encrypt Stripe's tokens."""

import click

from web.cli.output import format_option, show
from web.startup import load_services


@click.group("keys")
def command() -> None:
    """Rotate the keys of the token vault."""


@command.command("rotate")
@format_option()
def rotate(output_format: str) -> None:
    """Encrypt every secret again under the first of OCHRE_ENCRYPTION_KEYS; the others can be dropped then."""
    show({"changed": load_services().stripe.rotate_keys()}, output_format)
