"""The check of the built pages finds each link that leads nowhere, and everything that is loaded from elsewhere."""

from pathlib import Path

import pytest

from manual.checked_links import broken_links


@pytest.mark.parametrize(
    ("element", "problem"),
    [
        ('<a href="other.html#there">', ""),
        ('<a href="#here">', ""),
        ('<a href="other.html?a=b">', ""),
        ('<a href="https://example.org/x#y">', ""),
        ('<a href="mailto:a@example.org">', ""),
        ('<img src="folder/a%20picture.png">', ""),
        ('<img src="data:image/png;base64,AA">', ""),
        ('<a href="missing.html">', "missing.html leads nowhere"),
        ('<a href="folder/">', "folder/ leads nowhere"),
        ('<a href="other.html#gone">', "other.html#gone leads to no id of its page"),
        ('<a href="#gone">', "#gone leads to no id of its page"),
        ('<img src="missing.png">', "missing.png does not exist"),
        ('<script src="https://cdn.example/x.js"></script>', "https://cdn.example/x.js is loaded from elsewhere"),
        ('<link rel="stylesheet" href="//fonts.example/x.css">', "//fonts.example/x.css is loaded from elsewhere"),
    ],
)
def test_a_link_is_checked(tmp_path: Path, element: str, problem: str) -> None:
    """A good link has no problem, each other one has its own sentence."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a picture.png").write_bytes(b"")
    (tmp_path / "other.html").write_text('<p id="there">')
    (tmp_path / "page.html").write_text(f'<h1 id="here">{element}</h1>')
    assert broken_links(tmp_path) == ([f"page.html: {problem}"] if problem else [])
