"""Finds private words and long sentences in the texts of the tree: docstrings, comments, messages, names and documents.

``python -m support.plain_english PATH…`` (in ``tests/``) prints what it finds under these paths. The words and what to
write instead are those of docs/glossary.md and docs/design/language.md.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from support.source_tree import Module, files, modules, read

MAX_WORDS: Final = 30
"""Words of the longest sentence in a docstring or description."""


@dataclass(frozen=True, slots=True)
class Ban:
    """A word with its replacement; ``within`` and ``except_in`` are prefixes of paths, empty for all and none."""

    pattern: str
    instead: str
    within: tuple[str, ...] = ()
    except_in: tuple[str, ...] = ()

    def applies(self, path: str) -> bool:
        """Return whether the ban covers a file."""
        return path.startswith(self.within or "") and not path.startswith(self.except_in or "\0")


_STORE: Final = ("app/graph/", "graphql_schema/", "tests/integration/app/graph/", "tests/unit/app/graph/")
_AUTH: Final = (
    "app/auth/", "app/cli/", "app/policy/", "app/http/", "app/settings.py", "tests/security/", "tests/issuer/",
    "tests/support/", "tests/unit/app/", "tests/integration/app/cli/", "docs/identity.md", "docs/settings.md",
    "tests/architecture/test_any.py", "docs/security-policy-flow.md", "docs/adr/", "docs/design/", "docs/glossary.md",
)  # fmt: skip
_OWN_PAGES: Final = ("docs/glossary.md", "docs/design/language.md", "tests/support/plain_english.py")

PROSE: Final = (
    Ban(r"claims?|claimed", "unconfirmed edge", except_in=_AUTH),
    Ban(r"doubt(s|ed|ful|ing)?", "unconfirmed"),
    Ban(r"fences?|fenced|fencing", "sensitivity floor"),
    Ban(r"facts?", "attached record, value, or property"),
    Ban(r"shel(f|ves|ved)", "hourly bucket"),
    Ban(r"speaks? for|speakers?", "counts for; member edges"),
    Ban(r"counterparts?", "group member"),
    Ban(r"judg(e|es|ed|ing)", "evaluate the policy, decide"),
    Ban(r"sight", "visibility"),
    Ban(r"settl(e|es|ed|ing)", "recompute, resolve"),
    Ban(r"unfounded|founded", "supported"),
    Ban(r"just so", "unchanged"),
    Ban(r"cannot be(?=[.;,:]|$)", "is invalid"),
    Ban(r"goes by|go by", "uses"),
    Ban(r"knows? of|may know", "is visible to"),
    Ban(r"tells?|telling|told|hears?|heard|speaks?", "returns, discloses, records, reads"),
    Ban(r"stands?|stood", "is active, is valid"),
    Ban(r"somebody|nobody|whoever", "the caller, an owner, a client, no caller"),
    Ban(r"desk|housekeeper|chronicle|tales?", "coordinator, expiry job, scenario"),
    Ban(r"grave", "severe"),
    Ban(r"doors?|houses?|rooms?|roads?|worlds?|machinery", "middleware, application, module, path, twin store"),
    Ban(r"hangs?|hung", "attach"),
    Ban(r"stretch(es|ed)?", "batch, page"),
    Ban(r"just so", "unchanged"),
    Ban(r"anyway", "constant time; or leave it out"),
    Ban(r"questions?|asks?|asked|asking", "request, query, fetch", within=_STORE),
    Ban(r"dear(er|est|ly)?", "slow, expensive"),
)
"""Words that do not occur in docstrings, comments, messages, descriptions and documents."""

NAMES: Final = (
    Ban(r"claims?|claimed", "unconfirmed", except_in=_AUTH),
    Ban(r"doubt(s|ed|ful)?", "unconfirmed"),
    Ban(r"fences?|fenced", "floor"),
    Ban(r"facts?", "attached record, values"),
    Ban(r"notes?", "outbox entry, report"),
    Ban(r"shel(f|ves|ved)", "bucket"),
    Ban(r"wholes?", "parent"),
    Ban(r"speak(s|ing|er|ers)?", "member edges"),
    Ban(r"counterparts?", "group member"),
    Ban(r"ways?", "path, hop, selection"),
    Ban(r"judg(e|es|ed)", "row policy, evaluate"),
    Ban(r"sight|seen", "visibility, visible, masked"),
    Ban(r"signs", "evidence", within=("app/graph/", "graphql_schema/")),
    Ban(r"means", "session"),
    Ban(r"points?", "rows by id", within=("app/graph/reading/",)),
    Ban(r"idle", "unused", within=("app/graph/", "graphql_schema/")),
    Ban(r"stretch(es)?", "batch, page"),
    Ban(r"telling|told|tells?|says?|said|hears?|heard", "settings, reported, declared"),
    Ban(r"settl(e|es|ed|ing)", "recompute, resolve"),
    Ban(r"offered|unfounded|founded", "candidates, unsupported"),
    Ban(r"hang|hung", "attach"),
    Ban(r"questions?|asks?|asked|answers?|answered", "request, response", within=_STORE),
    Ban(r"anyway", "constant_time"),
    Ban(r"most|longest|largest", "max", except_in=("tests/", "bench/", "examples/", "app/store/")),
    Ban(r"knows|stands|stood", "is_visible, is_active"),
    Ban(r"somebody|nobody|whoever", "any_caller, no_caller"),
    Ban(r"grave", "severe"),
    Ban(r"desk|housekeeper|chronicle|tale", "coordinator, scenario"),
    Ban(r"door|house|room|road|roads|worlds?|machinery", "twin store, state machine, module"),
)
"""Words that do not occur in identifiers: any part of a name in snake case or camel case."""

_ROLE: Final = re.compile(r":\w+:`~?[^`]*`|``[^`]*``|`[^`]*`|https?://\S+")
_SENTENCE: Final = re.compile(r"(?<=[.!?])[\"')]*\s+(?=[A-Z`:\"'(])|\n\s*\n|\n\s*[-*|]\s|\n\s*\d+\.\s|::\n")
_WORD: Final = re.compile(r"[A-Za-z][\w'-]*")
_GREMLIN: Final = re.compile(r"\.each\b|\.iterator\(\)|addEdge|\bdef \w+ =|\.tryNext\(\)")
"""Marks the text of a traversal, whose names are a contract with the store."""
_NAME_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@dataclass(frozen=True, slots=True)
class Finding:
    """A place with what is wrong there and what to write."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        """Return the line of a report."""
        return f"{self.path}:{self.line}: {self.text}"


def findings(path: str) -> list[Finding]:
    """Return what is to be rewritten in one file of the tree, by its path from the root; nothing for other files."""
    if path in _OWN_PAGES:
        return []
    if path.endswith(".py"):
        module = next(module for module in modules() if module.path == path)
        return [*_prose(path, _texts(module)), *_long(path, _documented(module)), *_names(module)]
    return list(_prose(path, [(1, _without_code(read(path)))])) if path.endswith(".md") else []


def _prose(path: str, texts: list[tuple[int, str]]) -> Iterator[Finding]:
    bans = [(re.compile(rf"\b(?:{ban.pattern})\b", re.IGNORECASE), ban.instead) for ban in PROSE if ban.applies(path)]
    for line, text in texts:
        plain = _ROLE.sub(lambda match: " " * len(match[0]), text)
        for pattern, instead in bans:
            for match in pattern.finditer(plain):
                at = line + plain.count("\n", 0, match.start())
                yield Finding(path, at, f"“{match[0]}”: write {instead}")


def _long(path: str, texts: list[tuple[int, str]]) -> Iterator[Finding]:
    for line, text in texts:
        for sentence in _SENTENCE.split(text):
            count = len(_WORD.findall(_ROLE.sub("name", sentence)))
            if count > MAX_WORDS:
                yield Finding(path, line, f"a sentence of {count} words: “{' '.join(sentence.split())[:60]}…”")


def _names(module: Module) -> Iterator[Finding]:
    bans = [(re.compile(ban.pattern, re.IGNORECASE), ban.instead) for ban in NAMES if ban.applies(module.path)]
    for line, name in sorted(set(_identifiers(module))):
        for part in _NAME_PART.findall(name):
            for pattern, instead in bans:
                if pattern.fullmatch(part):
                    yield Finding(module.path, line, f"the name `{name}`: use {instead}")


def _identifiers(module: Module) -> Iterator[tuple[int, str]]:
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def _documented(module: Module) -> list[tuple[int, str]]:
    """Return docstrings, strings below constants, and descriptions in the schema, each with its line."""
    found = []
    for node in module.nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            found.append((node.lineno, node.value.value))
        elif isinstance(node, ast.keyword) and node.arg == "description":
            found.append((node.value.lineno, _constant(node.value)))
    return found


def _texts(module: Module) -> list[tuple[int, str]]:
    """Return everything that a person reads in a module: comments, docstrings, and strings of several words."""
    strings = [(line, text) for line, text in module.strings if text.count(" ") >= 2 and not _GREMLIN.search(text)]
    return module.comments + strings


def _constant(node: ast.expr) -> str:
    return "".join(
        part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )


def _without_code(text: str) -> str:
    """Return a document with its fenced blocks blanked, line for line."""
    return re.sub(r"(?ms)^```.*?^```", lambda block: "\n" * block[0].count("\n"), text)


if __name__ == "__main__":
    for name in files():
        if name.startswith(tuple(sys.argv[1:])):
            for finding in findings(name):
                print(finding)  # noqa: T201 - a command
