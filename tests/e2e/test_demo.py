"""`ochre demo` as a stranger meets it: one command, ready to be used, and gone without a trace."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from web.processes.ports import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS = 90
PROCESSES = {"stripe-simulator", "valkey", "web", "worker", "scheduler"}


def test_demo_routes_keeps_its_data_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """First start, a past-due customer's message, payment, Ctrl-C, second start, `kill -9`, third start."""
    with _demo(tmp_path) as process:
        demo = _ready(tmp_path, process)
        children = _children(tmp_path)
        routed = _send(demo, "first", demo["customers"]["past_due"])
        panel_before = _panel(demo, routed)
        _control(demo, "pay_invoice", {"id": demo["customers"]["past_due"]})
        waited = _wait(lambda: _panel(demo, routed)["status"]["value"] == "active", seconds=5)
        process.send_signal(signal.SIGINT)
        code = process.wait(30)

    _assert_complete(demo)
    assert set(children) == PROCESSES
    conversation = routed["conversation"]
    assert (conversation["team"], conversation["priority"], conversation["tags"]) == ("billing", "high", ["billing"])
    assert routed["decision"]["matched"] == ["Past due to billing"]
    assert (panel_before["state"], panel_before["status"]["value"]) == ("linked", "past_due")
    assert waited < 2
    assert code == 0
    assert not (tmp_path / "demo.json").exists()
    assert [name for name, pid in children.items() if _is_running(pid)] == []

    with _demo(tmp_path) as process:
        again = _ready(tmp_path, process)
        children = _children(tmp_path)
        repeated = _send(again, "first", again["customers"]["past_due"])
        process.kill()
        process.wait()

    assert again["api_token"] == demo["api_token"]
    assert repeated["conversation"]["id"] == conversation["id"]
    assert [name for name, pid in children.items() if not _is_running(pid)] == []

    (tmp_path / "demo.json").unlink()  # who is killed can't take it away
    with _demo(tmp_path) as process:
        third = _ready(tmp_path, process)
        left = [name for name, pid in children.items() if _is_running(pid)]
        for kind, team, queue in (
            ("high_mrr", "senior", None),
            ("trialing", None, "onboarding"),
            ("unknown", "support", None),
        ):
            placed = _send(third, f"third-{kind}", third["customers"][kind])["conversation"]
            assert (placed["team"], placed["queue"]) == (team, queue), kind
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)

    assert left == []
    assert code == 0


def test_second_demo_on_the_same_folder_gets_one_line(tmp_path: Path) -> None:
    """While one runs, another on the same folder says so in one line and leaves the first alone."""
    with _demo(tmp_path) as process:
        _wait(lambda: (tmp_path / "lock").exists() and (tmp_path / "lock").read_text() != "", seconds=10)
        second = _finished(tmp_path)
        first_runs = process.poll() is None
        process.send_signal(signal.SIGINT)
        process.wait(30)

    assert second.returncode == 1
    assert "already runs on" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert first_runs


def test_folder_that_cannot_be_written_gets_one_line(tmp_path: Path) -> None:
    """A data folder that can't be made is refused in one line that says how to mend it."""
    (tmp_path / "taken").write_text("a file, not a folder")

    refused = _finished(tmp_path / "taken")

    assert refused.returncode in {1, 2}
    assert "OCHRE_DATA_DIR" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_taken_port_gets_one_line(tmp_path: Path) -> None:
    """A port that was asked for and is taken is named in one line."""
    import socket

    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        refused = _finished(tmp_path, "--port", str(port))

    assert refused.returncode == 1
    assert f"port {port} is taken" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


# helpers


def _assert_complete(demo: dict[str, Any]) -> None:
    assert set(demo) == {"url", "api_token", "stripe_url", "stripe_control_token", "logins", "customers"}
    assert {login["role"] for login in demo["logins"]} == {"owner", "admin", "agent"}
    assert set(demo["customers"]) == {"past_due", "active", "trialing", "high_mrr", "unknown"}


def _command(*arguments: str) -> list[str]:
    ports = () if "--port" in arguments else ("--port", str(free_port()), "--stripe-port", str(free_port()))
    return [sys.executable, "-m", "web.cli.main", "demo", "--customers", "120", "--quiet-life", *ports, *arguments]


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "OCHRE_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)}


@contextmanager
def _demo(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "output.txt").open("ab") as output:
        process = subprocess.Popen(_command(), env=_environment(folder), stdout=output, stderr=output)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _finished(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(*arguments), env=_environment(folder), capture_output=True, text=True, timeout=60, check=False
    )


def _ready(folder: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    def is_there() -> bool:
        if process.poll() is not None:
            pytest.fail((folder / "output.txt").read_text())
        return (folder / "demo.json").exists()

    _wait(is_there, seconds=START_SECONDS)
    demo: dict[str, Any] = json.loads((folder / "demo.json").read_text())
    return demo


def _children(folder: Path) -> dict[str, int]:
    return {record["name"]: record["pid"] for record in json.loads((folder / "processes.json").read_text())}


def _is_running(pid: int) -> bool:
    # Whose parent was killed stays as a zombie where the system's first process collects none.
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def _send(demo: dict[str, Any], external_id: str, email: str) -> dict[str, Any]:
    conversation = {"external_id": external_id, "channel": "email", "sender": {"email": email}, "body": "Hello"}
    return _api(demo, "post", "conversations", json=conversation)


def _panel(demo: dict[str, Any], routed: dict[str, Any]) -> dict[str, Any]:
    return _api(demo, "get", f"conversations/{routed['conversation']['id']}/panel")


def _api(demo: dict[str, Any], method: str, path: str, json: object = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {demo['api_token']}"}
    response = requests.request(method, f"{demo['url']}/api/v1/{path}", json=json, headers=headers, timeout=10)
    response.raise_for_status()
    answer: dict[str, Any] = response.json()
    return answer


def _control(demo: dict[str, Any], operation: str, arguments: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {demo['stripe_control_token']}"}
    url = f"{demo['stripe_url']}/_control/{operation}"
    requests.post(url, json=arguments, headers=headers, timeout=10).raise_for_status()


def _wait(condition: Callable[[], bool], *, seconds: float) -> float:
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            pytest.fail(f"waited {seconds} s in vain")
        time.sleep(0.05)
    return time.monotonic() - began
