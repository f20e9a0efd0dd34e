"""Texts of others for a terminal: neither markup nor control characters."""

import io

import pytest
from rich.console import Console

from app.ingest.load.terminal_text import terminal_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Größe [bold]x[/bold] [/y]", "Größe [bold]x[/bold] [/y]"),
        ("\x1b[2J\r\n\x07", r"\x1b[2J\r\n\x07"),
        ("a\u202egpj.exe", r"a\u202egpj.exe"),
    ],
)
def test_a_text_is_printed_as_it_is(text: str, shown: str) -> None:
    """Brackets and letters remain, and characters that a terminal would obey are written out."""
    console = Console(file=io.StringIO(), width=80)
    console.print(terminal_text(text))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == f"{shown}\n"
