"""Commands that update an asset that exists already."""

from typing import Any

from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.inputs.declared_edges import MOST_REFERENCES
from graphql_schema.inputs.values import InputError
from graphql_schema.ports.commands import EdgesOf, Registration
from policies.vocabulary import WriteAction


def _change(
    given: Any,
    action: ChangeAction,
    right: WriteAction,
    *edges: EdgesOf,
    values: dict[str, Any] | None = None,
    reason: str | None = None,
) -> Registration:
    return Registration(
        given.asset,
        values or {},
        edges,
        expected_revision=given.expected_revision,
        action=action,
        right=right.value,
        at="asset",
        reason=reason,
    )


def _bounded(targets: dict[str, Any], name: str) -> dict[str, Any]:
    if len(targets) > MOST_REFERENCES:
        raise InputError(f"`{name}` holds {len(targets)} ids; use at most {MOST_REFERENCES}.", name)
    return targets
