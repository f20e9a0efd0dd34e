"""The reference of the GraphQL schema as pages in Markdown, generated from the SDL.

A type has a heading, and each field, argument and value a line. The id of a field is its coordinate with a hyphen, such
as ``Dataset-format``. Names of types link to their headings.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_introspection_type,
    is_specified_directive,
    print_ast,
)

Labels = Mapping[str, str]
"""The policy label of a field by its coordinate, for fields whose label is not internal."""

Valued = GraphQLArgument | GraphQLInputField

FOLDER: Final = "reference/schema"
_COMMON: Final = "Asset"
"""The interface whose fields each kind of assets has."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the reference: the types for which ``holds`` is true and that no page before it has."""

    name: str
    title: str
    about: str
    holds: Callable[[GraphQLNamedType], bool]

    @property
    def path(self) -> str:
        """Return the path of the page on the site."""
        return f"{FOLDER}/{self.name}.md"


def _is_named(*endings: str) -> Callable[[GraphQLNamedType], bool]:
    return lambda each: isinstance(each, GraphQLObjectType) and each.name.endswith(endings)


def _is_asset(each: GraphQLNamedType) -> bool:
    return isinstance(each, GraphQLObjectType) and _COMMON in {interface.name for interface in each.interfaces}


PAGES: Final = (
    Page("queries", "Queries", "The fields of `Query`.", lambda each: each.name == "Query"),
    Page("mutations", "Mutations", "The fields of `Mutation`.", lambda each: each.name == "Mutation"),
    Page("subscriptions", "Subscriptions", "The fields of `Subscription`.", lambda each: each.name == "Subscription"),
    Page("assets", "Kinds of assets", "Object types that implement `Asset`.", _is_asset),
    Page("connections", "Connections and edges", "Pages of lists.", _is_named("Connection", "Edge")),
    Page("payloads", "Payloads", "Results of mutations.", _is_named("Payload")),
    Page("objects", "Other objects", "Further object types.", lambda each: isinstance(each, GraphQLObjectType)),
    Page(
        "interfaces",
        "Interfaces and unions",
        "Types that several object types have in common.",
        lambda each: isinstance(each, GraphQLInterfaceType | GraphQLUnionType),
    ),
    Page("inputs", "Inputs", "Types of arguments.", lambda each: isinstance(each, GraphQLInputObjectType)),
    Page("enums", "Enumerations", "Types with named values.", lambda each: isinstance(each, GraphQLEnumType)),
    Page(
        "scalars",
        "Scalars and directives",
        "Types of single values; directives of the schema.",
        lambda each: isinstance(each, GraphQLScalarType),
    ),
)


def schema_pages(schema: GraphQLSchema, labels: Labels) -> dict[str, str]:
    """Return the pages by path; types of introspection and of the specification's directives are left out."""
    types = [each for name, each in sorted(schema.type_map.items()) if not is_introspection_type(each)]
    by_page = {each.name: _page_of(each) for each in types}
    writer = _Writer({name: page.name for name, page in by_page.items()}, labels)
    texts = {}
    for page in PAGES:
        held = [writer.type_text(each) for each in types if by_page[each.name] is page]
        if page.name == "scalars":
            held += [writer.directive_text(schema, each.name) for each in schema.directives]
        texts[page.path] = "\n".join([f"# {page.title}\n\n{page.about}\n", *filter(None, held)])
    return texts


def _page_of(each: GraphQLNamedType) -> Page:
    return next(page for page in PAGES if page.holds(each))


class _Writer:
    """Writes types as Markdown; knows the page of each type."""

    def __init__(self, page_of: Mapping[str, str], labels: Labels) -> None:
        self._page_of = page_of
        self._labels = labels

    def type_text(self, each: GraphQLNamedType) -> str:
        """Return the section of a type."""
        lines = [f"({each.name})=\n## {each.name}\n", *_paragraph(each.description)]
        if isinstance(each, GraphQLObjectType | GraphQLInterfaceType):
            lines += [*self._members("Implements", each.interfaces), *self._fields(each)]
        elif isinstance(each, GraphQLUnionType):
            lines += self._members("One of", each.types)
        elif isinstance(each, GraphQLInputObjectType):
            lines += ["Exactly one of the fields is given.\n"] if each.is_one_of else []
            lines += [self._valued(f"{each.name}.{name}", name, value) for name, value in each.fields.items()]
        elif isinstance(each, GraphQLEnumType):
            lines += [
                f"{_name(f'{each.name}.{name}', name)}{_deprecation(value.deprecation_reason)}"
                f"\n{_definition(value.description)}"
                for name, value in each.values.items()
            ]
        elif isinstance(each, GraphQLScalarType) and each.specified_by_url:
            lines.append(f"Specified by <{each.specified_by_url}>.\n")
        return "\n".join(lines)

    def directive_text(self, schema: GraphQLSchema, name: str) -> str:
        """Return the section of a directive; empty for those of the specification, unless the SDL declares it."""
        directive = schema.get_directive(name)
        if directive is None or (is_specified_directive(directive) and directive.ast_node is None):
            return ""
        places = ", ".join(f"`{place.name}`" for place in directive.locations)
        values = [self._valued(f"{name}.{argument}", argument, value) for argument, value in directive.args.items()]
        return "\n".join([f"## @{name}\n", *_paragraph(directive.description), f"On {places}.\n", *values])

    def _fields(self, each: GraphQLObjectType | GraphQLInterfaceType) -> Iterator[str]:
        shared = _shared_fields(each)
        if shared:
            names = ", ".join(f"[`{name}`](#{_COMMON}-{name})" for name in shared)
            yield f"Fields of [{_COMMON}](#{_COMMON}), with the same meaning: {names}.\n"
        for name, field in each.fields.items():
            if name not in shared:
                yield self._field(f"{each.name}.{name}", name, field)

    def _field(self, coordinate: str, name: str, field: GraphQLField) -> str:
        label = self._labels.get(coordinate)
        suffix = f" · [{label}](#label-{label})" if label else ""
        head = f"{_name(coordinate, name)} {self._type(field)}{suffix}{_deprecation(field.deprecation_reason)}"
        arguments = [self._argument(argument, value) for argument, value in field.args.items()]
        return f"{head}\n{_definition(field.description, arguments)}"

    def _valued(self, coordinate: str, name: str, value: Valued) -> str:
        suffix = f"{_default(value)}{_deprecation(value.deprecation_reason)}"
        return f"{_name(coordinate, name)} {self._type(value)}{suffix}\n{_definition(value.description)}"

    def _argument(self, name: str, value: Valued) -> str:
        head = f"- `{name}` {self._type(value)}{_default(value)}{_deprecation(value.deprecation_reason)}"
        return f"{head}: {_escaped(value.description)}" if value.description else head

    def _type(self, value: GraphQLField | Valued) -> str:
        """Return the type with its brackets and marks, as a link to the named type."""
        return f"[`{value.type}`](#{get_named_type(value.type).name})"

    def _members(self, text: str, members: tuple[GraphQLNamedType, ...]) -> Iterator[str]:
        if members:
            yield f"{text} {', '.join(f'[{each.name}](#{each.name})' for each in members)}.\n"


def _shared_fields(each: GraphQLObjectType | GraphQLInterfaceType) -> dict[str, GraphQLField]:
    """Return the fields of a type that the common interface has with the same type, arguments and description."""
    common = next((interface for interface in each.interfaces if interface.name == _COMMON), None)
    if common is None:
        return {}
    return {name: field for name, field in each.fields.items() if _is_same(field, common.fields.get(name))}


def _is_same(field: GraphQLField, other: GraphQLField | None) -> bool:
    return other is not None and _printed(field) == _printed(other)


def _printed(field: GraphQLField) -> str:
    return print_ast(field.ast_node) if field.ast_node else ""


def _name(coordinate: str, name: str) -> str:
    """Return a name with the id of its coordinate; an id has no dot, because MyST would read a class there."""
    return f"`{name}`{{#{coordinate.replace('.', '-')}}}"


def _default(value: Valued) -> str:
    node = value.ast_node.default_value if value.ast_node else None
    return f" = `{print_ast(node)}`" if node else ""


def _deprecation(reason: str | None) -> str:
    return f" · **deprecated**: {_escaped(reason)}" if reason else ""


def _paragraph(text: str | None) -> list[str]:
    return [f"{_escaped(text)}\n"] if text else []


def _definition(text: str | None, lines: list[str] | None = None) -> str:
    """Return the body of an entry of a definition list; its marker needs a text."""
    parts = [_escaped(text)] if text else []
    if lines:
        parts.append("\n  ".join(["Arguments:", "", *lines]))
    return ": " + "\n\n  ".join(parts or ["No description."]) + "\n"


def _escaped(text: str) -> str:
    """Return a description on one line, with the marks of Markdown escaped outside of code."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    return "".join(part if part.startswith("`") else re.sub(r"([<>*_\[\]{}\\$])", r"\\\1", part) for part in parts)
