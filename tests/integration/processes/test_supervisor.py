"""The supervisor and its data folder, with real processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from web.processes.folder import FolderError, open_data_folder
from web.processes.ports import free_port, is_free, usual_or_free
from web.processes.supervisor import ChildError, ChildSpec, Supervisor
from web.processes.valkey import EmbeddedValkey

# A child that has a child of its own and ignores polite requests to end.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
inner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(inner.pid, flush=True)
time.sleep(600)
"""

# A supervisor with one child, to be killed.
SUPERVISING = """
import sys, time
from pathlib import Path
from web.processes.folder import open_data_folder
from web.processes.supervisor import ChildSpec, Supervisor
with open_data_folder(Path(sys.argv[1])) as folder:
    supervisor = Supervisor(folder)
    supervisor.start(ChildSpec(name="child", command=[sys.executable, "-c", sys.argv[2]], environment={}))
    print("started", flush=True)
    time.sleep(600)
"""


def test_stop_ends_a_child_and_its_children_even_if_it_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopping leaves no process behind, not even a grandchild of a child that ignores SIGTERM."""
    monkeypatch.setattr("web.processes.supervisor.STOP_SECONDS", 0.3)
    with open_data_folder(tmp_path) as folder:
        supervisor = Supervisor(folder)
        log = supervisor.start(_child(STUBBORN))
        supervisor.wait_until("child", lambda: log.read_bytes().endswith(b"\n"), seconds=10)
        grandchild = int(log.read_text())

        supervisor.stop()

    assert not _is_alive(grandchild)


def test_leftovers_of_a_killed_supervisor_are_ended_by_the_next(tmp_path: Path) -> None:
    """After `kill -9` of the supervisor the next start ends its children and theirs."""
    command = [sys.executable, "-c", SUPERVISING, str(tmp_path), "import time; time.sleep(600)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as supervising:
        assert supervising.stdout is not None
        supervising.stdout.readline()
        children = psutil.Process(supervising.pid).children(recursive=True)
        supervising.kill()
    assert children
    assert all(child.is_running() for child in children)

    with open_data_folder(tmp_path) as folder:
        ended = folder.end_leftovers()

    assert ended == ["child"]
    assert not any(_is_alive(child.pid) for child in children)


def test_leftovers_spare_a_stranger_with_a_recycled_number(tmp_path: Path) -> None:
    """A process that only happens to have a recorded number is left alone."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True) as stranger:
        with open_data_folder(tmp_path) as folder:
            started = psutil.Process(stranger.pid).create_time()
            (tmp_path / "processes.json").write_text(
                f'[{{"name": "web", "pid": {stranger.pid}, "started": {started + 1000}}}]'
            )

            assert folder.end_leftovers() == []
        assert stranger.poll() is None
        stranger.kill()


def test_one_folder_has_one_owner(tmp_path: Path) -> None:
    """A second start on the same folder gets one line that names the first."""
    with (
        open_data_folder(tmp_path),
        pytest.raises(FolderError, match=f"already runs on .* \\(process {os.getpid()}\\)"),
        open_data_folder(tmp_path),
    ):
        pass


def test_unwritable_folder_gets_one_line(tmp_path: Path) -> None:
    """A folder that can't be made is refused with the reason and the setting that mends it."""
    (tmp_path / "file").write_text("")

    with pytest.raises(FolderError, match=r"Can't write to .*OCHRE_DATA_DIR"), open_data_folder(tmp_path / "file"):
        pass


def test_child_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path) -> None:
    """A child that fails to start is named with what it printed last."""
    with open_data_folder(tmp_path) as folder:
        supervisor = Supervisor(folder)
        supervisor.start(_child("raise SystemExit('port 1 is taken')"))

        with pytest.raises(ChildError, match="child ended with code 1: port 1 is taken"):
            supervisor.wait_until("child", lambda: False, seconds=10)
        supervisor.stop()


def test_crashed_child_is_started_again_but_not_for_ever(tmp_path: Path) -> None:
    """A child that ends is restarted; one that keeps ending is given up with its last words."""
    with open_data_folder(tmp_path) as folder:
        supervisor = Supervisor(folder)
        supervisor.start(_child("raise SystemExit('broken')"))

        with pytest.raises(ChildError, match="keeps ending: broken"):
            _check_until_given_up(supervisor)
        supervisor.stop()


def test_signal_is_noted_not_died_of(tmp_path: Path) -> None:
    """A Ctrl-C only notes that it is time to stop."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    with open_data_folder(tmp_path) as folder:
        supervisor = Supervisor(folder)
        supervisor.stop_on_signals()
        os.kill(os.getpid(), signal.SIGINT)

        assert supervisor.stopping
    for number, handler in before.items():
        signal.signal(number, handler)


def test_embedded_valkey_answers_only_with_its_password(tmp_path: Path) -> None:
    """The embedded Valkey is reachable with its URL and refuses others."""
    import redis

    with open_data_folder(tmp_path) as folder:
        supervisor = Supervisor(folder)
        valkey = EmbeddedValkey(port=free_port(), password="a-password-of-the-test")
        supervisor.start(valkey.child(tmp_path))
        supervisor.wait_until("valkey", valkey.is_ready, seconds=10)

        with redis.Redis.from_url(valkey.url) as client:
            assert client.ping()
        with redis.Redis(port=valkey.port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        supervisor.stop()


def test_taken_port_makes_way_for_a_free_one() -> None:
    """The usual port is used when it is free, and another when it is not."""
    import socket

    port = free_port()
    assert usual_or_free(port) == port
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", port))
        occupant.listen()

        assert not is_free(port)
        assert usual_or_free(port) != port


# helpers


def _child(code: str) -> ChildSpec:
    return ChildSpec(name="child", command=[sys.executable, "-c", code], environment={})


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _check_until_given_up(supervisor: Supervisor) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        supervisor.check()
        time.sleep(0.05)
