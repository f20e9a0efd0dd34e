"""The pages of the repository as sources of the site: diagrams, and links to folders, are changed; nothing else is."""

import posixpath
import re
import shutil
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Final

from manual.navigation import Navigation, section_page, start_page

_DIAGRAM: Final = re.compile(r"(?ms)^```mermaid\n(.*?)^```$")
_LINK: Final = re.compile(r"\[([^\]]*)\]\((?!\w+:)([^)#\s]+)(#[^)]*)?\)")
_CODE_BLOCK: Final = re.compile(r"(?ms)^ *```.*?^ *```$")


def write_sources(root: Path, folder: Path, navigation: Navigation, generated: dict[str, dict[str, str]]) -> None:
    """Write the sources of all pages into ``folder``, with the files to which pages link.

    ``generated`` has the texts of generated pages by path, for each name of a generator in the navigation.
    """
    folders = {section.folder: section.path for section in navigation.sections if section.folder}
    for page in navigation.pages:
        text = (root / page).read_text("utf-8")
        _write(folder / page, page_source(text, page, root, folders))
        for target in linked_files(text, page, root):
            (folder / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / target, folder / target)
    for section in navigation.sections:
        pages = generated[section.generated] if section.generated else {}
        for path, text in pages.items():
            _write(folder / path, text)
        _write(folder / section.path, section_page(navigation, section, [*section.pages, *pages]))
    _write((folder / "index").with_suffix(".md"), start_page(navigation))


def page_source(text: str, page: str, root: Path, folders: dict[str, str]) -> str:
    """Return the source of a page: a diagram is an HTML block, a link to a folder leads to its section.

    A link to a folder without a section is replaced by its text.
    """
    here = posixpath.dirname(page)

    def redirected(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(here, found[2]))
        if not (root / target).is_dir():
            return found[0]
        return f"[{found[1]}](/{folders[target]})" if target in folders else found[1]

    return _outside_of_code(_DIAGRAM.sub(_as_html, text), redirected)


def linked_files(text: str, page: str, root: Path) -> set[str]:
    """Return the files that a page shows or links to and that are no pages, by their paths from the root."""
    here = posixpath.dirname(page)
    targets = {
        posixpath.normpath(posixpath.join(here, found[2])) for found in _LINK.finditer(_CODE_BLOCK.sub("", text))
    }
    return {target for target in targets if not target.endswith(".md") and (root / target).is_file()}


def _outside_of_code(text: str, replace: Callable[[re.Match[str]], str]) -> str:
    parts = re.split(r"(?ms)(^ *```.*?^ *```$)", text)
    return "".join(part if index % 2 else _LINK.sub(replace, part) for index, part in enumerate(parts))


def _as_html(found: re.Match[str]) -> str:
    # A blank line would end the HTML block.
    text = "\n".join(line for line in found[1].splitlines() if line.strip())
    return f'<pre class="mermaid">\n{escape(text)}\n</pre>\n'


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
