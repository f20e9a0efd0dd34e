"""The queries that are written in the repository: in pages, examples, the product and the tests.

A query is any literal of a Python file, or block of another file, that is a valid query of the schema. Ids in it are
replaced by those of an estate. Values for its variables come from pools, by their names and types.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
    parse,
    print_ast,
    type_from_ast,
    validate,
)
from support.source_tree import ROOT, files

from graphql_schema.catalog.urn import slug_of
from graphql_schema.operation.input_validation import VALIDATION_RULES

_READ = (".py", ".md", ".graphql", ".sh", ".js", ".ts", ".mjs", ".json", ".txt", ".toml")
_QUOTED = re.compile(r"(?s)```\w*\n(.*?)```|`([^`]+)`|'([^']+)'|\"((?:[^\"\\]|\\.)+)\"")
_START = re.compile(r"\s*(#[^\n]*\n\s*)*(query\b|fragment\b|\{)")
_UNKNOWN = "mlg://dataset/test/default/unknown"
_ID = re.compile(r"mlg://([a-z-]+)/[^\"\s]+")
_FRAGMENT = re.compile(r"\bon (\w+)")
Pools = Mapping[str, tuple[Any, ...]]


def written_queries(schema: GraphQLSchema) -> list[str]:
    """Return the valid queries of all files of the repository, each once, in the order of the files."""
    found: dict[str, str] = {}
    for name in files():
        if name.endswith(_READ):
            for text in _texts(name):
                document = _query(schema, text)
                if document is not None:
                    found.setdefault(print_ast(document), text)
    return [*found.values()]


def _texts(name: str) -> Iterator[str]:
    """Yield the texts of a file that may be queries."""
    content = (ROOT / name).read_text(errors="replace")
    if name.endswith(".py"):
        tree = ast.parse(content)
        constants = dict(_constants(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(_part(each, constants) for each in node.values)
        return
    yield content
    for groups in _QUOTED.findall(content):
        yield from (text.replace('\\"', '"').replace("\\n", "\n") for text in groups if text)


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the texts that a module names, by name."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from ((each.id, node.value.value) for each in node.targets if isinstance(each, ast.Name))


def _part(node: ast.expr, constants: Mapping[str, str]) -> str:
    """Return a part of a composed text; any other value than a named text is an unknown id."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    value = node.value if isinstance(node, ast.FormattedValue) else node
    return constants.get(value.id, _UNKNOWN) if isinstance(value, ast.Name) else _UNKNOWN


def _query(schema: GraphQLSchema, text: str) -> DocumentNode | None:
    """Return the document of a text that is a valid document with one query."""
    if _START.match(text) is None:
        return None
    try:
        document = parse(text)
    except GraphQLError:
        return None
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    is_query = [each.operation for each in operations] == [OperationType.QUERY]
    return document if is_query and not validate(schema, document, VALIDATION_RULES) else None


def with_ids_of(text: str, random: Random, ids: Sequence[str]) -> str:
    """Return a query with the ids of an estate: each id becomes one of the same kind, if there is one."""

    def known(found: re.Match[str]) -> str:
        same = [urn for urn in ids if slug_of(urn) == found[1]]
        return random.choice(same) if same else found[0]

    return _ID.sub(known, text)


def variables_of(schema: GraphQLSchema, text: str, random: Random, pools: Pools) -> dict[str, Any]:
    """Return values for the variables of a query, from the pool of the variable's name or of its type.

    Ids are mostly of the types that the query has fragments on.
    """
    fitting = [urn for kind in _FRAGMENT.findall(text) for urn in pools.get(kind, ())]
    if fitting and random.random() < OFTEN:
        pools = {**{key: pool for key, pool in pools.items() if pool is not pools["id"]}, "ID": tuple(fitting)}
    (operation,) = (each for each in parse(text).definitions if isinstance(each, OperationDefinitionNode))
    return {
        each.variable.name.value: _value(each.variable.name.value, _type(schema, each), random, pools)
        for each in operation.variable_definitions or ()
        if isinstance(_type(schema, each), GraphQLNonNull) or random.random() < OFTEN
    }


OFTEN = 0.6
"""Probability that a variable that needs no value has one."""


def _type(schema: GraphQLSchema, variable: VariableDefinitionNode) -> Any:
    return type_from_ast(schema, variable.type)


def _value(name: str, type_: Any, random: Random, pools: Pools) -> Any:
    if isinstance(type_, GraphQLNonNull):
        return _value(name, type_.of_type, random, pools)
    if isinstance(type_, GraphQLList):
        return [_value(name, type_.of_type, random, pools) for _ in range(random.randint(1, 2))]
    if isinstance(type_, GraphQLEnumType):
        return random.choice([*type_.values])
    if isinstance(type_, GraphQLInputObjectType):
        return {
            key: _value(key, each.type, random, pools)
            for key, each in type_.fields.items()
            if isinstance(each.type, GraphQLNonNull)
        }
    return random.choice(pools.get(name) or pools.get(type_.name) or (None,))
