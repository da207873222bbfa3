"""Signed deliveries over real connections, as fast as they are answered or at a given rate; how long each took."""

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

OK = (b"HTTP/1.1 200", b"HTTP/1.1 201")
END_OF_HEAD = b"\r\n\r\n"
TIMEOUT_S = 30.0

Request = Callable[[], bytes]
"""Returns the next request, a whole one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a load."""

    seconds: float
    latencies: list[float]
    """Of each request, from the moment it was due, in seconds, ascending."""

    @property
    def rate(self) -> float:
        """Return how many requests were answered in a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, part: float) -> float:
        """Return the latency that a part of all requests stayed under, in milliseconds."""
        return self.latencies[int(part * (len(self.latencies) - 1))] * 1000


@dataclass(slots=True)
class _Line:
    """One connection that is kept open."""

    socket: socket.socket
    due: float = 0.0
    answer: bytearray = field(default_factory=bytearray)


def load(port: int, request: Request, *, connections: int, seconds: float, rate: float | None = None) -> Result:
    """Send for some seconds; at most `rate` a second if given, due whether or not a connection is free.

    Raises AssertionError when an answer is neither 200 nor 201.
    """
    lines = [_Line(socket.create_connection(("127.0.0.1", port), TIMEOUT_S)) for _ in range(connections)]
    for line in lines:
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        return _load(lines, request, seconds, rate)
    finally:
        for line in lines:
            line.socket.close()


def _load(lines: list[_Line], request: Request, seconds: float, rate: float | None) -> Result:
    latencies: list[float] = []
    free, sent = deque(lines), 0  # in turns: a server closes a connection that nobody uses for a while
    with selectors.DefaultSelector() as selector:
        for line in lines:
            selector.register(line.socket, selectors.EVENT_READ, line)
        began = time.perf_counter()
        while True:
            now = time.perf_counter()
            is_over = now - began >= seconds
            if is_over and len(free) == len(lines):
                return Result(seconds=now - began, latencies=sorted(latencies))
            wait = TIMEOUT_S
            while free and not is_over:
                due = now if rate is None else began + sent / rate
                if due > now:
                    wait = due - now
                    break
                _send(free.popleft(), request, due)
                sent += 1
            for key, _ in selector.select(wait):
                if _is_answered(key.data):
                    latencies.append(time.perf_counter() - key.data.due)
                    free.append(key.data)


def _send(line: _Line, request: Request, due: float) -> None:
    line.due = due
    line.answer.clear()
    line.socket.sendall(request())


def _is_answered(line: _Line) -> bool:
    line.answer += line.socket.recv(65536)
    head, end, body = line.answer.partition(END_OF_HEAD)
    if not end:
        assert line.answer, "the server closed the connection"
        return False
    if not head.startswith(OK):
        raise AssertionError(bytes(line.answer[:500]))
    name = b"content-length:"
    length = next(int(each[len(name) :]) for each in head.lower().split(b"\r\n") if each.startswith(name))
    return len(body) >= length
