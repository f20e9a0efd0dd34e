"""The finder of broken references finds each sort of them, and nothing in what is right."""

import pytest
from support.references import broken_references, defines, resolves
from support.source_tree import Module

BODY = """
import json

LIMIT = 1

class Basket:
    def __init__(self):
        self.full = False

    def put(self): ...
"""


def module(text: str) -> Module:
    """Return a module that defines some names and whose docstring is the text."""
    source = f'"""{text}"""\n{BODY}'
    return Module("app/made_up.py", source)


@pytest.mark.parametrize(
    "text",
    [
        ":mod:`app.graph.records.read_time`",
        ":class:`~graphql_schema.ports.row.Row`",
        ":meth:`graphql_schema.ports.row.Row.deleted`",
        ":data:`LIMIT`, :class:`Basket`, :meth:`put`, :attr:`full`, :meth:`Basket.put`",
        "README.md and ``docs/policy.md``",
        "docs/design/janusgraph.md, section 5, and docs/design/lineage-rules.md, section 3.3",
        "ADR 0010, decision 0001, rule 3.3",
        "`*.md`",
    ],
)
def test_what_exists_is_accepted(text: str) -> None:
    """A reference to a module, a name, a member, a page, a section, a decision or a rule of the tree is no finding."""
    assert broken_references(module(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        ":mod:`app.graph.records.reed_time`",
        ":class:`graphql_schema.ports.row.Rows`",
        ":meth:`graphql_schema.ports.row.Row.erased`",
        ":meth:`take`",
        "policy.md",
        "``docs/polices.md``",
        "docs/design/janusgraph.md, section 77",
        "ADR 9999",
        "rule 9.9",
    ],
)
def test_what_does_not_exist_is_found(text: str) -> None:
    """Each reference that leads nowhere is one finding, with the path and the line."""
    (finding,) = broken_references(module(text))
    assert finding.startswith("app/made_up.py:1: ")


def test_comments_are_read_too() -> None:
    """A reference in a comment is checked like one in a docstring."""
    source = f"{BODY}\n# see nowhere.md\n"
    assert len(broken_references(Module("app/made_up.py", source))) == 1


def test_helpers_of_tests_resolve_as_they_are_imported() -> None:
    """Modules below ``tests`` are named without that prefix."""
    assert resolves("support.references.resolves")
    assert not resolves("support.references.nothing")


def test_an_import_is_no_definition() -> None:
    """A module that imports a name does not define it."""
    assert defines("tests/support/references.py", "resolves")
    assert not defines("tests/support/references.py", "modules")
