"""The navigation of the site, read from ``navigation.toml``: parts, their pages, and sections of further pages."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
FILE: Final = Path(__file__).with_name("navigation.toml")


@dataclass(frozen=True, slots=True)
class Section:
    """A page that lists further pages: those in ``pages``, or those that the generator ``generated`` makes.

    ``folder`` is a folder of the repository; links to it lead to this page. It is empty without one.
    """

    title: str
    about: str
    pages: tuple[str, ...] = ()
    generated: str = ""
    folder: str = ""

    @property
    def path(self) -> str:
        """Return the path of its page, which exists on the site only."""
        return f"sections/{re.sub(r'[^a-z]+', '-', self.title.lower())}.md"


@dataclass(frozen=True, slots=True)
class Part:
    """A kind of documentation: what it is for, pages that the start page lists, and sections."""

    title: str
    about: str
    pages: tuple[str, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Navigation:
    """The parts in order, and the text of the start page; ``titles`` has other titles of pages in lists."""

    title: str
    about: str
    titles: dict[str, str]
    parts: tuple[Part, ...]

    @property
    def sections(self) -> list[Section]:
        """Return the sections of all parts."""
        return [section for part in self.parts for section in part.sections]

    @property
    def pages(self) -> list[str]:
        """Return the pages of the repository, in order, by their paths from its root."""
        found = []
        for part in self.parts:
            found += [*part.pages, *(page for section in part.sections for page in section.pages)]
        return found


def read_navigation(path: Path = FILE) -> Navigation:
    """Return the navigation of a file; raises TypeError for a key that nothing reads."""
    content = tomllib.loads(path.read_text("utf-8"))
    parts = [_part(**each) for each in content.pop("part")]
    return Navigation(**content, parts=tuple(parts))


def _part(*, title: str, about: str, pages: list[str], section: list[dict[str, Any]]) -> Part:
    return Part(title, about, tuple(pages), tuple(_section(**each) for each in section))


def _section(*, title: str, about: str, pages: Sequence[str] = (), generated: str = "", folder: str = "") -> Section:
    if folder and not pages:
        pages = sorted(f"{folder}/{path.name}" for path in (ROOT / folder).glob("*.md"))
    return Section(title, about, tuple(pages), generated, folder)


def start_page(navigation: Navigation) -> str:
    """Return the Markdown of the start page, with one list of pages for each part."""
    chapters = []
    for part in navigation.parts:
        pages = [*part.pages, *(section.path for section in part.sections)]
        entries = _table_of_contents(navigation, pages, f":caption: {part.title}\n")
        chapters.append(f"## {part.title}\n{part.about}\n\n{entries}")
    return "\n".join([f"# {navigation.title}\n\n{navigation.about}\n", *chapters])


def section_page(navigation: Navigation, section: Section, pages: list[str]) -> str:
    """Return the Markdown of the page of a section, which lists ``pages`` by their paths from the root."""
    return f"# {section.title}\n\n{section.about}\n\n{_table_of_contents(navigation, pages)}"


def _table_of_contents(navigation: Navigation, pages: list[str], options: str = "") -> str:
    lines = []
    for page in pages:
        target = "/" + page.removesuffix(".md")
        lines.append(f"{navigation.titles[page]} <{target}>" if page in navigation.titles else target)
    return f"```{{toctree}}\n:maxdepth: 1\n{options}\n" + "\n".join(lines) + "\n```\n"
