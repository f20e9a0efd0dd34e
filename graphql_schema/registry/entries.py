"""The register of kinds: the entry of every kind of `KINDS`, found in the files of `graphql_schema/assets/`."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from graphql_schema import assets
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.governance.approvals import Approval
from graphql_schema.governance.changes import Change
from graphql_schema.inputs.kind_entry import KindEntry
from graphql_schema.observability.checks import Check, CheckResult
from graphql_schema.observability.incidents import Incident
from graphql_schema.observability.ingestions import Ingestion
from graphql_schema.observability.thin_events import ThinEvent
from graphql_schema.plans.change_plan import ChangePlan
from graphql_schema.ports.record import JsonObject

_CATALOG: Final = "graphql_schema/catalog/kinds.py"


def _found() -> Iterator[tuple[str, KindEntry]]:
    """Yield the entries of every file of `graphql_schema/assets/`, each with the name of its file."""
    for module in iter_modules(assets.__path__):
        entries = getattr(import_module(f"{assets.__name__}.{module.name}"), "ENTRIES", ())
        yield from ((module.name, entry) for entry in entries)


def _by_kind(found: dict[str, tuple[str, KindEntry]]) -> dict[str, KindEntry]:
    """Return the entries in the order of the catalog; raises ValueError if entries and catalog do not agree."""
    faults = [
        f"{name} has no entry: add one to ENTRIES in graphql_schema/assets/{kind.concept}.py."
        for name, kind in KINDS.items()
        if name not in found
    ]
    for name, (file, _) in found.items():
        kind = KINDS.get(name)
        if kind is None:
            faults.append(f"{name} of graphql_schema/assets/{file}.py is no kind: add it to KINDS in {_CATALOG}.")
        elif kind.concept != file:
            faults.append(f'{name} is in graphql_schema/assets/{file}.py: give it declared_in="{file}" in {_CATALOG}.')
    if faults:
        raise ValueError("\n".join(("The register of kinds does not agree with the catalog.", *faults)))
    return {name: found[name][1] for name in KINDS}


REGISTRY: Final = _by_kind({entry.node.__name__: (file, entry) for file, entry in _found()})
"""The entry of each kind by name, in the order of the catalog."""


def node_types() -> tuple[type, ...]:
    """Return the types of nodes, which the schema needs even if no field names them."""
    attached = (Check, CheckResult, Incident, Ingestion, ThinEvent, Approval, ChangePlan, Change)
    return (*(entry.node for entry in REGISTRY.values()), *attached)


def item_fields() -> JsonObject:
    """Return the fields of `AssetInput` that register a kind, by Python name."""
    return {entry.attribute: entry.item for entry in REGISTRY.values()}


def mutation_fields() -> JsonObject:
    """Return the mutations that register or record one item of a kind, by Python name."""
    return dict(entry.mutation for entry in REGISTRY.values())
