"""`ochre scheduler`."""

import signal
import threading

import click

from web.startup import load_services


@click.command("scheduler")
def command() -> None:
    """Wake every kind of work from time to time, until told to stop."""
    services = load_services(logs=True)
    from web.scheduler import run

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    run(services, stop)
