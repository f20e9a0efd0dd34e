"""Checks the links of built pages: each leads to a file and an id that exist, and nothing is loaded from elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_LOADS: Final = {"script": "src", "img": "src", "link": "href", "source": "src", "iframe": "src", "object": "data"}
"""Elements whose address a browser loads by itself."""


@dataclass(slots=True)
class PageLinks:
    """The ids of a page, the addresses that it links to, and those that a browser loads with it."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = PageLinks()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the id and the address of an element."""
        values = {name: value for name, value in attrs if value}
        if "id" in values:
            self.page.ids.add(values["id"])
        if tag == "a" and "href" in values:
            self.page.links.append(values["href"])
        if tag in _LOADS and _LOADS[tag] in values:
            self.page.loads.append(values[_LOADS[tag]])


def read_page(text: str) -> PageLinks:
    """Return the links of a page in HTML."""
    reader = _Reader()
    reader.feed(text)
    return reader.page


def broken_links(folder: Path) -> list[str]:
    """Return one line for each problem of the built pages in a folder, sorted by page."""
    pages = {path.resolve(): read_page(path.read_text("utf-8")) for path in sorted(folder.rglob("*.html"))}
    return [
        f"{path.relative_to(folder.resolve())}: {problem}"
        for path, page in pages.items()
        for problem in _problems(path, page, pages)
    ]


def _problems(path: Path, page: PageLinks, pages: dict[Path, PageLinks]) -> Iterator[str]:
    for address in page.loads:
        if urlsplit(address).scheme not in {"", "data"} or urlsplit(address).netloc:
            yield f"{address} is loaded from elsewhere"
        elif not address.startswith("data:") and not _target(path, address).is_file():
            yield f"{address} does not exist"
    for address in page.links:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        target = _target(path, address)
        if not target.is_file():
            yield f"{address} leads nowhere"
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
            yield f"{address} leads to no id of its page"


def _target(path: Path, address: str) -> Path:
    name = unquote(urlsplit(address).path)
    return (path.parent / name).resolve() if name else path
