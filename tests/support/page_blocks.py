"""The code blocks of a page, as its reader takes them: files to save, commands to run, and what these print."""

import re
from dataclasses import dataclass

from support.source_tree import read

_BLOCK = re.compile(r"(?ms)^( *)```(\w+)\n(.*?)^ *```$")
_FILE = re.compile(r"Save this as `([\w.]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """One code block; ``file`` is the name that the paragraph above it says to save it under, or empty."""

    page: str
    line: int
    language: str
    text: str
    file: str

    @property
    def caller(self) -> str:
        """Return the persona in a first line such as ``# as ada``; ada without one."""
        found = re.match(r"# as ([\w-]+)\n", self.text)
        return found[1] if found else "ada"


def page_blocks(page: str) -> list[Block]:
    """Return all code blocks of a page, in order."""
    text, blocks = read(page), []
    for found in _BLOCK.finditer(text):
        paragraph = text[: found.start()].rstrip("\n").rpartition("\n\n")[2]
        name = _FILE.search(paragraph)
        line = text.count("\n", 0, found.start()) + 1
        blocks.append(Block(page, line, found[2], found[3], name[1] if name else ""))
    return blocks
