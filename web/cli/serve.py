"""`ochre serve`: the web server, alone or with everything it needs."""

import os

import click

from web.cli.output import fail
from web.startup import load_settings

THREADS = 16
STOP_S = 15


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--all", "everything", is_flag=True, help="Also run worker, scheduler and an embedded Valkey.")
def command(host: str, port: int, *, everything: bool) -> None:
    """Run the web server until it is told to stop; requests that run then are finished first."""
    settings = load_settings()
    if everything:
        from web.cli.serve_all import serve_all

        serve_all(settings, port)
        return
    if not _is_free(host, port):
        fail(f"port {port} of {host} is taken; choose another with --port")
    click.echo(f"Ochre listens on http://{host}:{port}", err=True)
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    # The server's child reads the settings again, in a process of its own.
    os.environ["OCHRE_DATA_DIR"] = str(settings.data_dir)
    Granian(
        "web.wsgi:create",
        factory=True,
        interface=Interfaces.WSGI,
        address=host,
        port=port,
        workers=1,
        blocking_threads=THREADS,
        websockets=False,
        log_level=LogLevels.error,
        workers_kill_timeout=STOP_S,
        process_name=None,
    ).serve()


def _is_free(host: str, port: int) -> bool:
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
