"""A small threaded HTTP/1.1 server for the simulator's door, on the loopback address alone."""

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from socketserver import TCPServer

from typing_extensions import override

from web.simulator.door import Door, Request, Response

LOOPBACK = "127.0.0.1"
_MAX_BODY = 4 * 1024 * 1024


class SimulatorServer(ThreadingHTTPServer):
    """Serves one door; every connection has its own thread."""

    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        """Listen on a port, 0 for a free one; raises OSError if it is taken. Requests wait until `door` is set."""
        self.door: Door | None = None
        super().__init__((LOOPBACK, port), _Handler)

    @override
    def server_bind(self) -> None:
        """Bind without asking a name server for our own name, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    @override
    def handle_error(self, request: socket | tuple[bytes, socket], client_address: object) -> None:
        """Keep quiet about clients that go away in the middle; everything else is a bug and is shown."""
        import sys

        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "SimulatedStripe"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet an answer

    def _serve(self) -> None:
        assert isinstance(self.server, SimulatorServer)
        length = self.headers.get("content-length") or "0"
        if not length.isdigit() or int(length) > _MAX_BODY:
            self.close_connection = True
            return self._send(Response(status=413, body=b'{"error": {"message": "The body is too large."}}'))
        request = Request(
            method=self.command,
            target=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(length)),
        )
        assert self.server.door is not None, "set before the server runs"
        response = self.server.door.answer(request)
        if response.delay_s:
            time.sleep(response.delay_s)
        return self._send(response)

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = do_HEAD = _serve  # noqa: N815 - names the base class calls

    @override
    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the date of an answer: by the simulator's clock, which may have been moved."""
        door = self.server.door if isinstance(self.server, SimulatorServer) else None
        return super().date_time_string(timestamp if timestamp is not None or door is None else door.now())

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the counts are in the control API."""
