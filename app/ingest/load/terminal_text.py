"""Texts of others for a terminal: a sender of events, a server or the author of a file chooses them."""

import json
import re
import sys
from collections.abc import Callable
from typing import Final

import orjson
from rich.text import Text

_LINE_END: Final = "\n"
_COMMAND: Final = re.compile(r"(##(?:vso|teamcity)?(?=\[)|(?:^|(?<=\r))[^\S\r\n]*:(?=:))", re.IGNORECASE | re.MULTILINE)
_JSON_COMMAND: Final = re.compile(rb"##(?=(?:vso|teamcity)?\[)", re.IGNORECASE)


def printable(text: str, keep: str = "", escape: Callable[[str], str] = ascii) -> str:
    r"""Return a text in which characters that do not print are escapes, such as ``\x1b``.

    The characters of ``keep`` remain. ``escape`` returns the escape of a character between quotes.
    """
    return "".join(each if each.isprintable() or each in keep else escape(each)[1:-1] for each in text)


def log_text(text: str, keep: str = "") -> str:
    """Return a printable text that the log of a job of continuous integration does not take for a command.

    A space divides ``##[``, ``##vso[`` and ``##teamcity[``, which begin a command anywhere in a line, and ``::`` at the
    start of a line. The characters of ``keep`` remain.
    """
    return without_commands(printable(text, keep))


def without_commands(text: str) -> str:
    """Return a text whose commands for jobs of continuous integration are divided by a space (:func:`log_text`)."""
    return _COMMAND.sub(r"\1 ", text)


def terminal_text(text: str) -> Text:
    """Return a text as it is, for a table: brackets are no markup, and characters that do not print are escapes.

    A closing tag of the markup would otherwise end the command, and an escape sequence would reach the terminal. It
    is no command in the log of a job (:func:`log_text`).
    """
    return Text(log_text(text))


def stdout_text(text: str) -> bytes:
    """Return a text of several lines for stdout; a file or a pipe gets it unchanged, a terminal printable lines.

    The result is bytes, because `typer.echo` removes sequences of a terminal from a text for a file.
    """
    shown = printable(text.replace("\r\n", _LINE_END), _LINE_END) if sys.stdout.isatty() else text
    return shown.encode()


def stdout_json(value: object, option: int = 0) -> bytes:
    """Return a value as JSON for stdout, with an option of orjson; for a terminal no character is unescaped.

    JSON has escapes for all characters below U+0020, and none for U+009B, which begins a sequence of a terminal. The
    second sign of ``##[``, ``##vso[`` and ``##teamcity[`` is escaped, so that the log of a job has no command.
    """
    found = _JSON_COMMAND.sub(rb"#\\u0023", orjson.dumps(value, option=option))
    return printable(found.decode(), _LINE_END, json.dumps).encode() if sys.stdout.isatty() else found
