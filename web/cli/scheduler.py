"""`ochre scheduler`."""

import signal
import threading

import click

from web.startup import load_settings


@click.command("scheduler")
def command() -> None:
    """Wake every kind of work from time to time, until told to stop."""
    settings = load_settings()
    from engine.storage import Database
    from web.clock import SystemClock
    from web.logging import configure
    from web.metrics import Metrics
    from web.scheduler import Scheduler
    from web.waker import new_waker

    configure(settings.log)
    clock = SystemClock()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    Scheduler(Database(settings.database_url), clock, new_waker(settings.redis_url, clock, Metrics())).run(stop)
