"""How commands print data: for scripts as JSON, for people as lines and tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TextIO, TypeVar

import click
import orjson

_Command = TypeVar("_Command", bound=Callable[..., Any])


def format_option(default: str = "text") -> Callable[[_Command], _Command]:
    """Return the option `--format json|text`, handed to the command as `output_format`."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(["json", "text"]),
        default=default,
        show_default=True,
        help="json for scripts, text for people.",
    )


def show(value: Mapping[str, Any] | Sequence[Mapping[str, Any]], output_format: str) -> None:
    """Print `value`: one JSON document, or aligned text."""
    if output_format == "json":
        click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
    elif isinstance(value, Mapping):
        _show_record(value)
    else:
        _show_table(value)


def fail(message: str, status: int = 1) -> NoReturn:
    """Print `message` to standard error and exit with `status`."""
    click.echo(f"Error: {message}", err=True)
    raise SystemExit(status)


def read_password(file: TextIO) -> str:
    """Return the password a file holds, without the line's end; exit with a message if it is not UTF-8."""
    try:
        return file.read().rstrip("\r\n")
    except UnicodeDecodeError:
        fail(f"{file.name} is not UTF-8; save the password as UTF-8")
        raise


def _show_record(record: Mapping[str, Any]) -> None:
    width = max((len(name) for name in record), default=0)
    for name, value in record.items():
        click.echo(f"{name.ljust(width)}  {_cell(value)}")


def _show_table(rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        click.echo("(none)")
        return
    names = list(rows[0])
    cells = [names, *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    for line in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return " ".join(str(item) for item in value)
    return str(value)
