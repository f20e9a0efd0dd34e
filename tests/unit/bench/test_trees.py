"""The stored format of a source tree changes with its statements, and not with its texts."""

from pathlib import Path

import pytest

from bench.trees import ROOT, STORED, Tree, former_tree

RECORD = '''"""A record."""

LABEL = "a"  # the label


def label() -> str:
    """Return the label."""
    return LABEL
'''


def stored_format(folder: Path, text: str) -> str:
    """Return the stored format of a tree with one record module."""
    file = folder / "app" / "graph" / "records" / "label_record.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return Tree(folder, "abc").stored_format


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("A record.", "One record.", True),
        ("# the label", "# its label", True),
        ("Return the label.", "Return a label.", True),
        ('LABEL = "a"', 'LABEL = "b"', False),
        ("return LABEL", "return LABEL.upper()", False),
    ],
)
def test_texts_keep_loaded_estates(tmp_path: Path, old: str, new: str, *, same: bool) -> None:
    """An estate is loaded again when a statement changes, and kept when a docstring or comment changes."""
    before = stored_format(tmp_path, RECORD)
    assert (stored_format(tmp_path, RECORD.replace(old, new)) == before) is same


def test_an_unknown_commit_has_no_tree(tmp_path: Path) -> None:
    """A clone without the commit leaves the former side out, instead of failing."""
    assert former_tree("0" * 40, tmp_path) is None
    assert not [*tmp_path.iterdir()]


def test_the_sources_of_the_stored_format_exist() -> None:
    """A file that is moved would no longer count, and an outdated estate would be measured."""
    assert [name for name in STORED if not (ROOT / name).exists()] == []
