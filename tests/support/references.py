"""References in the texts of Python files: dotted paths in roles, pages, numbered decisions and rules.

Names are looked up in the syntax trees of :mod:`support.source_tree`, so nothing is imported.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from support.source_tree import ROOT, Function, Module, modules, read

_ROLE: Final = re.compile(r":(?:mod|class|func|data|meth|attr|exc):`~?([^`]+)`")
_PAGE: Final = re.compile(r"(?<![\w./\\*-])([\w./-]*\w\.md)\b(?:``?)?(?:, sections? (\d+(?:\.\d+)?))?")
_DECISION: Final = re.compile(r"\b(?:ADR|decision) (\d{4})\b")
_RULE: Final = re.compile(r"\brule (\d\.\d)\b")
_RULES: Final = "docs/design/lineage-rules.md"


def broken_references(module: Module) -> list[str]:
    """Return one line for each reference in the comments and strings of a file that leads nowhere."""
    return [
        f"{module.path}:{line}: {problem}"
        for line, text in module.comments + module.strings
        for problem in (*_broken_roles(module, text), *_broken_pages(text))
    ]


def resolves(dotted: str) -> bool:
    """Return whether a dotted path names a module of the tree, or a name or member in one."""
    names = dotted.split(".")
    for length in range(len(names), 0, -1):
        module = _by_name().get(".".join(names[:length]))
        if module is not None:
            return _has(module, names[length:])
    return False


def defines(path: str, name: str) -> bool:
    """Return whether a Python file, by its path from the root, defines a name itself and does not import it."""
    module = next(module for module in modules() if module.path == path)
    return name in _defined(module.tree.body, imports=False)


def _broken_roles(module: Module, text: str) -> Iterator[str]:
    for name in _ROLE.findall(text):
        known = resolves(name) or _has(module, name.split(".")) or name in _members_of_all(module)
        if not known:
            yield f"`{name}` names nothing"


def _broken_pages(text: str) -> Iterator[str]:
    for page, section in _PAGE.findall(text):
        if not (ROOT / page).is_file():
            yield f"{page} is no file of the tree; write its path from the root"
        elif section and not _has_section(page, section):
            yield f"{page} has no section {section}"
    for number in _DECISION.findall(text):
        if not list(ROOT.glob(f"docs/adr/{number}-*.md")):
            yield f"there is no decision {number}"
    for number in _RULE.findall(text):
        if not _has_section(_RULES, number):
            yield f"{_RULES} has no rule {number}"


def _has_section(page: str, number: str) -> bool:
    return re.search(rf"(?m)^#+ {re.escape(number)}[. ]", read(page)) is not None


@cache
def _by_name() -> dict[str, Module]:
    """Every module by its dotted name; those below ``tests`` also without that prefix, as they are imported."""
    found = {module.name: module for module in modules()}
    return found | {name.removeprefix("tests."): module for name, module in found.items()}


def _has(module: Module, names: list[str]) -> bool:
    """Return whether a module has a name, and a class of it the member that follows."""
    if not names:
        return True
    first, *rest = names
    if first not in _defined(module.tree.body):
        return False
    classes = [node for node in module.tree.body if isinstance(node, ast.ClassDef) and node.name == first]
    return not rest or not classes or rest[0] in _members(classes[0])


@cache
def _members_of_all(module: Module) -> frozenset[str]:
    classes = (node for node in module.nodes if isinstance(node, ast.ClassDef))
    return frozenset(name for each in classes for name in _members(each))


def _members(node: ast.ClassDef) -> set[str]:
    """Return the names that a class body binds, and the attributes that its methods set."""
    set_by_methods = {
        each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)
    }
    return _defined(node.body) | set_by_methods


def _defined(body: list[ast.stmt], *, imports: bool = True) -> set[str]:
    """Return the names that statements bind, by default with those that they import."""
    names: set[str] = set()
    for node in body:
        if isinstance(node, Function | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names} if imports else set()
        else:
            names |= {
                each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            }
    return names
