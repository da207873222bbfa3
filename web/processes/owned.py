"""Owning a data folder and supervising children in it, from the first child to the last."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from web.processes.folder import DataFolder, open_data_folder
from web.processes.supervisor import Supervisor


@contextmanager
def supervised(data_dir: Path, say: Callable[[str], None]) -> Iterator[tuple[DataFolder, Supervisor]]:
    """Open the folder, end what a killed start left running, and stop every child on the way out.

    A Ctrl-C ends the block quietly. Raises FolderError when the folder can't be used.
    """
    with open_data_folder(data_dir) as folder:
        supervisor = Supervisor(folder)
        supervisor.stop_on_signals()
        ended = folder.end_leftovers()
        if ended:
            say(f"Ended what a killed start had left running: {', '.join(ended)}")
        try:
            yield folder, supervisor
        except KeyboardInterrupt:
            pass
        finally:
            say("Stopping")
            supervisor.stop()
