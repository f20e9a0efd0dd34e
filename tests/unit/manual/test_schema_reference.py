"""The reference of the schema: each type, field, argument and value of the SDL is in it, once, with its text."""

import re

import pytest
from graphql import (
    DirectiveDefinitionNode,
    EnumTypeDefinitionNode,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    build_schema,
    parse,
)
from support.source_tree import read

from manual.schema_reference import PAGES, schema_pages

SDL = read("graphql_schema/schema.graphql")
TEXTS = schema_pages(build_schema(SDL), {"ModelVersion.params": "restricted"})
TYPES = [node for node in parse(SDL).definitions if isinstance(node, TypeDefinitionNode)]
REFERENCE = "\n".join(TEXTS.values())

SMALL = '''
"""A thing with `a [b]` and [c] <d>."""
type Thing implements Asset {
  """The id."""
  id: ID!
  """Its parts."""
  parts(
    """The size."""
    first: Int = 20
    after: String
  ): [Thing!]!
  old: String @deprecated(reason: "Use `parts`.")
}
"""What all have."""
interface Asset {
  """The id."""
  id: ID!
}
input Choice @oneOf { a: ID b: [Kind!] = [ONE] }
enum Kind { "The first." ONE TWO }
union Any = Thing
scalar Date @specifiedBy(url: "https://example.org/date")
type Query { thing: Thing }
'''
PAGE_OF = {
    path.rsplit("/", 1)[1].removesuffix(".md"): text
    for path, text in schema_pages(build_schema(SMALL), {"Thing.parts": "secret"}).items()
}


def section(name: str) -> str:
    """Return the text of a type in the reference of the whole schema."""
    (text,) = re.findall(rf"(?ms)^\({name}\)=\n(.*?)(?=^\(\w+\)=\n|^# |\Z)", REFERENCE)
    return str(text)


def test_each_type_of_the_sdl_has_one_heading() -> None:
    """No type is missing, none is on two pages, and no other has a heading but the scalars of the specification."""
    headings = re.findall(r"(?m)^## (\w+)$", REFERENCE)
    assert sorted(headings) == sorted([*(node.name.value for node in TYPES), "Boolean", "Float", "ID", "Int", "String"])


@pytest.mark.parametrize("node", TYPES, ids=lambda node: node.name.value)
def test_each_member_of_a_type_is_in_its_section(node: TypeDefinitionNode) -> None:
    """Each field with its arguments, each value and each field of an input is there, with the type that the SDL has."""
    text, name = section(node.name.value), node.name.value
    if isinstance(node, EnumTypeDefinitionNode):
        assert re.findall(rf"(?m)^`(\w+)`\{{#{name}-\1\}}", text) == [value.name.value for value in node.values or ()]
    if isinstance(node, InputObjectTypeDefinitionNode):
        assert re.findall(rf"(?m)^`(\w+)`\{{#{name}-\1\}}", text) == [field.name.value for field in node.fields or ()]
    if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
        own = re.findall(rf"(?m)^`(\w+)`\{{#{name}-\1\}}", text)
        shared = re.findall(r"\[`(\w+)`\]\(#Asset-\1\)", text)
        assert sorted(own + shared) == sorted(field.name.value for field in node.fields or ())
        for field in node.fields or ():
            entry = text.partition(f"`{{#{name}-{field.name.value}}}")[2].partition("\n`")[0]
            listed = re.findall(r"(?m)^  - `(\w+)` ", entry)
            assert field.name.value in shared or listed == [each.name.value for each in field.arguments or ()]


def test_shared_fields_are_described_with_the_interface() -> None:
    """A field that a kind only repeats is described once, at `Asset`, which is what the links lead to."""
    asset = section("Asset")
    shared = re.findall(r"\(#Asset-(\w+)\)", section("Dataset"))
    assert len(shared) > 30
    assert [name for name in shared if f"`{name}`{{#Asset-{name}}}" not in asset] == []


def test_labels_of_fields_are_shown() -> None:
    """A field whose label is not internal links to it."""
    line = "#ModelVersion-params} [`[Property!]`](#Property) · [restricted](#label-restricted)\n"
    assert line in section("ModelVersion")
    assert REFERENCE.count("(#label-") == 1


def test_the_directives_of_the_sdl_are_listed() -> None:
    """Each directive that the SDL declares has a heading, and no other has."""
    declared = [node.name.value for node in parse(SDL).definitions if isinstance(node, DirectiveDefinitionNode)]
    assert re.findall(r"(?m)^## @(\w+)$", REFERENCE) == declared


def test_a_type_with_all_that_it_may_have() -> None:
    """Marks of Markdown are escaped outside of code; defaults, deprecations, labels and shared fields are there."""
    assert PAGE_OF["assets"] == (
        "# Kinds of assets\n\nObject types that implement `Asset`.\n\n"
        "(Thing)=\n## Thing\n\nA thing with `a [b]` and \\[c\\] \\<d\\>.\n\n"
        "Implements [Asset](#Asset).\n\n"
        "Fields of [Asset](#Asset), with the same meaning: [`id`](#Asset-id).\n\n"
        "`parts`{#Thing-parts} [`[Thing!]!`](#Thing) · [secret](#label-secret)\n"
        ": Its parts.\n\n  Arguments:\n  \n"
        "  - `first` [`Int`](#Int) = `20`: The size.\n  - `after` [`String`](#String)\n\n"
        "`old`{#Thing-old} [`String`](#String) · **deprecated**: Use `parts`.\n: No description.\n"
    )


def test_inputs_values_and_unions() -> None:
    """An input says if it is a choice, values have their texts, a union its members, a scalar its specification."""
    assert "Exactly one of the fields is given.\n\n`a`{#Choice-a} [`ID`](#ID)\n: No description.\n" in PAGE_OF["inputs"]
    assert "`b`{#Choice-b} [`[Kind!]`](#Kind) = `[ONE]`\n" in PAGE_OF["inputs"]
    assert "`ONE`{#Kind-ONE}\n: The first.\n\n`TWO`{#Kind-TWO}\n: No description.\n" in PAGE_OF["enums"]
    assert "One of [Thing](#Thing).\n" in PAGE_OF["interfaces"]
    assert "Specified by <https://example.org/date>.\n" in PAGE_OF["scalars"]


def test_pages_are_in_the_order_of_their_use() -> None:
    """The pages are listed as they are read: operations, then types."""
    assert [*TEXTS] == [page.path for page in PAGES]
