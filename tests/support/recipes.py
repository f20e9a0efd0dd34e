"""The recipes of `docs/recipes/`: their steps, generated files and checks, read from the pages.

The first path in the paragraph above a block names the file of the block. A block in ``diff`` changes the file, a block
in ``python`` is a new file. Blocks in ``sh`` run Python files and modules, which generate files, and checks.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from support.source_tree import files, read

FOLDER = "docs/recipes/"

WORDS = {
    "new_kind": "prompt",
    "new_field": "vendor",
    "new_native_property": "vendor",
    "new_filter": "vendor",
    "new_relation": "retrain",
    "new_mutation": "publish",
    "new_job": "watch",
}
"""The word for the subject of the example of each page."""

JOURNEYS = "tests/journeys/"
"""The folder of the tests over a store."""

_NUMBER = re.compile(r"(?m)^(\d+)\. ")
_BLOCK = re.compile(r"(?ms)^( *)```(\w+)\n(.*?)^ *```$")
_PATH = re.compile(r"`([\w.]+(?:/[\w.]+)+)`")
_COMMAND = re.compile(r"(?m)^\.venv/bin/(python|pytest) (.+)$")


@dataclass(frozen=True, slots=True)
class Step:
    """One block of a recipe: the text of a new file, or a change of a file; ``place`` is its page and number."""

    place: str
    path: str
    text: str
    is_change: bool

    def apply(self, tree: Path) -> None:
        """Write the file in a copy of the repository; raises ValueError if it has not the lines of the page."""
        file = tree / self.path
        if file.exists() is not self.is_change:
            fault = "does not exist" if self.is_change else "exists already"
            raise ValueError(f"{self.place}: {self.path} {fault}; update the page.")
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            file.write_text(changed(file.read_text(), self.text) if self.is_change else self.text)
        except ValueError as error:
            raise ValueError(f"{self.place}: {self.path} {error}") from None


@dataclass(frozen=True, slots=True)
class Recipe:
    """A page: its steps in order, the commands that generate files, and the tests that check the steps.

    ``journeys`` are the tests of the page that need a store.
    """

    name: str
    steps: tuple[Step, ...]
    commands: tuple[str, ...]
    checks: tuple[str, ...]
    journeys: tuple[str, ...]

    @property
    def path(self) -> str:
        """The path of the page."""
        return f"{FOLDER}{self.name}.md"


def recipe(name: str, instead: str = "") -> Recipe:
    """Return a recipe by the name of its page, with another word for that of its example in paths and texts of steps.

    With another word, the example stays correct when the product has something of that name.
    """
    page = read(f"{FOLDER}{name}.md")
    if instead:
        page = renamed(page, WORDS[name], instead)
    steps: list[Step] = []
    commands: list[tuple[str, str]] = []
    for block in _BLOCK.finditer(page):
        text = dedent(block[3])
        if block[2] == "sh":
            commands += _COMMAND.findall(text)
        else:
            above = page[: block.start()].rstrip()
            place = f"{FOLDER}{name}.md, step {_NUMBER.findall(above)[-1]}"
            steps.append(Step(place, _first_path(above.rpartition("\n\n")[2], name), text, block[2] == "diff"))
    tests = [test for program, line in commands if program == "pytest" for test in line.split()]
    return Recipe(
        name,
        tuple(steps),
        tuple(line for program, line in commands if program == "python"),
        tuple(test for test in tests if not test.startswith(JOURNEYS)),
        tuple(test for test in tests if test.startswith(JOURNEYS)),
    )


def recipes() -> tuple[Recipe, ...]:
    """Return all recipes as the pages have them."""
    pages = (name for name in files() if name.startswith(FOLDER))
    return tuple(recipe(page.removeprefix(FOLDER).removesuffix(".md")) for page in pages)


def changed(text: str, change: str) -> str:
    """Return a text after a change; raises ValueError if the text does not have its lines exactly once.

    The lines of a change begin with a space, `+` or `-`. A line `@@` separates two places.
    """
    for place in re.split(r"(?m)^@@\n", change):
        lines = place.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if not line.startswith("+"))
        after = "".join(line[1:] for line in lines if not line.startswith("-"))
        found = [each.start() for each in re.finditer(f"(?m)^{re.escape(before)}", text)]
        if len(found) != 1:
            raise ValueError(
                f"has these lines {len(found)} times instead of once; update the block on the page:\n{before}"
            )
        text = text[: found[0]] + after + text[found[0] + len(before) :]
    return text


def renamed(text: str, word: str, instead: str) -> str:
    """Return a text with another word, in lower case, capitalised and in upper case."""
    for write in (str.lower, str.capitalize, str.upper):
        text = text.replace(write(word), write(instead))
    return text


def _first_path(paragraph: str, name: str) -> str:
    found = _PATH.search(paragraph)
    if found is None:
        raise ValueError(f"{FOLDER}{name}.md has a block without a file: name the path above it.")
    return found[1]
