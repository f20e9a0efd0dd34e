"""Texts of others for a terminal: a sender of events or the author of a file chooses them."""

from rich.text import Text


def terminal_text(text: str) -> Text:
    """Return a text as it is, for a table: brackets are no markup, and characters that do not print are escapes.

    A closing tag of the markup would otherwise end the command, and an escape sequence would reach the terminal.
    """
    return Text("".join(each if each.isprintable() else ascii(each)[1:-1] for each in text))
