"""``Any`` switches the type checker off: it is rare, and each module that uses it has a reason.

Values that a type cannot describe have a name: ``Json`` and ``Record`` (``graphql_schema/ports/record.py``),
``Resolved`` and ``SchemaField`` (``graphql_schema/fields/field.py``), ``InputValue``, ``TypeRef``. Input that is not
checked yet is an ``object``.
"""

import ast

import pytest
from support.source_tree import PACKAGES, Module, product

MAX_PER_1000_LINES = 6

REASONS = {
    "app.auth.claims": "values of a validated token, which have the types of their names",
    "app.auth.dev_issuer": "properties of tokens, which are JSON",
    "app.auth.issuers": "keyword arguments of a dataclass, each read by the reader of its type",
    "app.auth.roles": "keyword arguments of a dataclass from TOML; a wrong key is an error with a message",
    "app.auth.sign_in.browser_session": "sealed values, which are JSON; other ones are refused",
    "app.auth.sign_in.issuer_client": "the client of Authlib, which ships no types",
    "app.auth.sign_in.sealed_text": "sealed values, which are JSON",
    "app.cli.lazy_commands": "signatures of overridden methods; Typer exports no types of its commands",
    "app.http.connections.connection_protocols": "signatures of overridden methods of uvicorn",
    "app.http.connections.unambiguous_requests": "a method of h11, whose union of events has no public name",
    "app.http.connections.listener": "the address of a socket, as the standard library types it",
    "app.graph.reading.level.index_filter": "texts or numbers of one property, whose order is compared",
    "app.graph.reading.computed.computed_conditions": "the sequence of conditions, each with its own class of reports",
    "app.graph.writing.batch_planner": "the table of handlers, each of which takes its own class of commands",
    "app.settings": "a field specifier, as in dataclasses, and keyword arguments of a dataclass",
    "app.ingest.sources.mlflow.registry_entities": "objects of MLflow's client, an optional package",
    "policies.policy_file": "values of TOML, whose shape each reader checks",
    "graphql_schema.catalog.instants": "values of records and inputs, of which those of instants are numbers",
    "graphql_schema.execution.failed_frames": "tasks of any result, of which only the errors are read",
    "graphql_schema.fields.field": "the names for sources, results and fields, whose types Strawberry reads elsewhere",
    "graphql_schema.fields.refs": "the name for lazy references, which type checkers cannot resolve",
    "graphql_schema.inputs.input_fields": "the name for values of inputs, read by the metadata of their fields",
    "graphql_schema.inputs.values": "metadata of a field, as Strawberry types them",
    "graphql_schema.execution.later_parts": "an object or a list of graphql-core, whose values have any type",
    "graphql_schema.operation.execution": "signatures of overridden methods with private types of graphql-core",
    "graphql_schema.operation.limited_schema": "the parameters of Strawberry's Schema, passed on",
    "graphql_schema.ports.record": "the name for JSON values, whose keys determine their types",
}
"""Modules that use ``Any``, each with its reason."""


def uses(module: Module) -> int:
    """Return how often a module uses ``Any`` as a type, in a cast as well."""
    names = [node.id for node in module.nodes if isinstance(node, ast.Name)]
    texts = [node.value for node in module.nodes if isinstance(node, ast.Constant)]
    return names.count("Any") + texts.count("Any")


@pytest.mark.parametrize("package", PACKAGES)
def test_any_is_rare(package: str) -> None:
    """A package has at most six uses in 1,000 lines."""
    modules = [module for module in product().values() if module.path.startswith(f"{package}/")]
    lines = sum(len(module.text.splitlines()) for module in modules)
    assert sum(map(uses, modules)) <= MAX_PER_1000_LINES * lines / 1_000


def test_every_module_with_any_has_a_reason() -> None:
    """The table names exactly the modules that use ``Any``: a new use is reviewed, and an old reason is removed."""
    assert {name for name, module in product().items() if uses(module)} == REASONS.keys()


def test_each_form_is_counted() -> None:
    """Annotations, type arguments and casts count; the import and a word in a docstring do not."""
    source = (
        '"""Any."""\nfrom typing import Any, cast\nx: dict[str, Any] = cast("Any", {})\ndef f(y: Any) -> int: ...\n'
    )
    assert uses(Module("app/x.py", source)) == 3
