"""The layout of the product: small folders, and names that say where a thing is and occur once."""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import PurePath

from support.source_tree import Module, product

MAX_MODULES = 15
"""Modules of one folder, ``__init__`` not counted."""

REPEATED = {"__init__", "__main__", "errors"}
"""Names of modules that every package may have."""

OF_EACH_SOURCE = ("app/ingest/sources/", "mapping")
"""The folder of the foreign systems, each of which has its mapping, and the name of that module."""

VAGUE = {"utils", "common", "base", "helpers", "misc"}
"""Names that say nothing of what a module or package holds."""


def repeated(places: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the names with more than one place, each with its places."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, place in places:
        found[name].append(place)
    return {name: where for name, where in found.items() if len(where) > 1}


def named(module: Module) -> str:
    """Return the name of a module's file without its suffix."""
    return PurePath(module.path).stem


def may_repeat(module: Module) -> bool:
    """Return whether another module of the product may have the same name."""
    folder, name = OF_EACH_SOURCE
    return named(module) in REPEATED or (module.path.startswith(folder) and named(module) == name)


def classes(module: Module) -> Iterator[str]:
    """Return the names of the classes of a module, nested ones included."""
    return (node.name for node in module.nodes if isinstance(node, ast.ClassDef))


def test_folders_stay_small() -> None:
    """A folder with more modules than a reader can survey holds a second noun, which gets a folder of its own."""
    counts = Counter(str(PurePath(module.path).parent) for module in product().values() if named(module) != "__init__")
    assert {folder: count for folder, count in counts.items() if count > MAX_MODULES} == {}


def test_module_names_occur_once() -> None:
    """The name of a module in a bug report or a stack trace leads to one file."""
    assert repeated((named(module), module.path) for module in product().values() if not may_repeat(module)) == {}


def test_class_names_occur_once() -> None:
    """The name of a class in a message or a review leads to one definition."""
    assert repeated((name, module.path) for module in product().values() for name in classes(module)) == {}


def test_names_are_nouns_of_the_domain() -> None:
    """A module or package that collects what has no place elsewhere does not exist."""
    vague = [module.path for module in product().values() if {*PurePath(module.path).with_suffix("").parts} & VAGUE]
    assert vague == []


def test_the_rules_find_what_they_refuse() -> None:
    """A name that occurs twice is found with both places, and the exceptions cover only the names they list."""
    twice = [("Row", "ports/row.py"), ("Page", "ports/page.py"), ("Row", "rules/table.py")]
    assert repeated(twice) == {"Row": ["ports/row.py", "rules/table.py"]}
    nested = "class Outer:\n    class Inner:\n        pass"
    assert [*classes(Module("app/x.py", nested))] == ["Outer", "Inner"]
    assert may_repeat(Module("app/ingest/sources/dbt/mapping.py", ""))
    assert may_repeat(Module("app/auth/errors.py", ""))
    assert not may_repeat(Module("graphql_schema/mapping.py", ""))
