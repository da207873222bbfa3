"""What a start tells the terminal: one line a step, with the seconds since the start."""

import sys
import time
from typing import TextIO


class Progress:
    """Prints steps, and one line that changes in place while something takes its time."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._stream = stream
        self._began = time.monotonic()
        self._is_terminal = stream.isatty()
        self._open_line = False

    def say(self, message: str) -> None:
        """Print one step."""
        self._end_line()
        self._write(f"{self._elapsed}  {message}\n")

    def update(self, message: str) -> None:
        """Show how far something is; on a terminal the line is replaced by the next."""
        if self._is_terminal:
            self._write(f"\r\x1b[2K{self._elapsed}  {message}")
            self._open_line = True

    def text(self, message: str) -> None:
        """Print a block of text as it is."""
        self._end_line()
        self._write(f"{message}\n")

    @property
    def _elapsed(self) -> str:
        return f"{time.monotonic() - self._began:5.1f} s"

    def _end_line(self) -> None:
        if self._open_line:
            self._write("\r\x1b[2K")
            self._open_line = False

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
