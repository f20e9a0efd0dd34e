"""The tree as the architecture tests read it: its files, and Python modules parsed at most once."""

import ast
import io
import os
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "graphql_schema", "policies")
HIDDEN_BUT_OURS = {".ci", ".gitignore", ".npmrc"}
MADE = {"node_modules", "__pycache__", "results"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One Python file: its path from the root, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Return the tree; parsed when it is first used, because few tests need the trees of all modules."""
        return ast.parse(self.text, self.path)

    @property
    def name(self) -> str:
        """Return the dotted name."""
        return self.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")

    @property
    def product(self) -> bool:
        """Return whether it belongs to the product and not to the tests."""
        return self.path.split("/")[0] in PACKAGES

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Return all nodes of the tree; kept, because most tests of the architecture walk all modules."""
        return tuple(ast.walk(self.tree))

    @property
    def comments(self) -> list[tuple[int, str]]:
        """The comments, each with its line."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]

    @property
    def strings(self) -> list[tuple[int, str]]:
        """The string constants, docstrings included, each with its line."""
        nodes = (node for node in self.nodes if isinstance(node, ast.Constant))
        return [(node.lineno, node.value) for node in nodes if isinstance(node.value, str)]

    @property
    def functions(self) -> Iterator[Function]:
        """Return all functions and methods, nested ones too."""
        return (node for node in self.nodes if isinstance(node, Function))


@cache
def files() -> tuple[str, ...]:
    """Return every file of the tree by its path from the root, except hidden, generated and installed ones."""
    found: list[str] = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if _ours(name))
        found.extend(str((Path(folder) / name).relative_to(ROOT)) for name in sorted(names) if _ours(name))
    return tuple(found)


def code_blocks(page: str, *languages: str) -> list[str]:
    """Return the code blocks of a page in some languages, in order."""
    found: list[str] = re.findall(rf"(?s)```(?:{'|'.join(languages)})\n(.*?)\n```", read(page))
    return found


@cache
def modules() -> tuple[Module, ...]:
    """Return every Python file."""
    return tuple(Module(name, read(name)) for name in files() if name.endswith(".py"))


@cache
def product() -> dict[str, Module]:
    """Return the modules of the three packages by dotted name."""
    return {module.name: module for module in modules() if module.product}


def read(name: str) -> str:
    """Return the text of a file, by its path from the root."""
    return (ROOT / name).read_text()


def _ours(name: str) -> bool:
    hidden = name.startswith(".") and name not in HIDDEN_BUT_OURS
    return not (hidden or name in MADE or name.endswith(".egg-info"))
