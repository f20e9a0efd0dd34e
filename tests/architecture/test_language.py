"""The language of the tree: plain technical English, in the terms of docs/glossary.md."""

import pytest
from support.plain_english import findings
from support.source_tree import files

FOREIGN = "tests/data/"
"""Files of other projects, unchanged."""

PATHS = [name for name in files() if name.endswith((".py", ".md")) and not name.startswith(FOREIGN)]


@pytest.mark.parametrize("path", PATHS)
def test_every_text_is_plain_english(path: str) -> None:
    """No docstring, comment, message, name or page contains a banned word, and no sentence exceeds the limit."""
    assert [str(finding) for finding in findings(path)] == []
