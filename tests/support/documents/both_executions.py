"""One query executed twice over plain rows: by graphql-core, and over vectors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import orjson
import strawberry
from strawberry.types import ExecutionResult

from graphql_schema.execution.plan import Plans
from graphql_schema.fields.context import Context


@dataclass(frozen=True)
class Outcome:
    """All that a caller, the access log and the cost report get of a query; the data as bytes, with the order of keys.

    ``reads`` and ``absent`` are sorted, because the access log has them in no order.
    """

    data: bytes
    errors: tuple[tuple[Any, ...], ...]
    hidden: Mapping[str, int]
    why: Mapping[str, object]
    reads: Mapping[str, list[str]]
    absent: tuple[str, ...]
    used: tuple[int, int, int, int]

    @property
    def json(self) -> Any:
        """Return the data."""
        return orjson.loads(self.data)


async def executed_twice(
    schema: strawberry.Schema, open_context: Callable[[], Context], document: str, variables: Mapping[str, Any]
) -> tuple[Outcome, int]:
    """Return the outcome of a query, which must be equal on both paths, and how often graphql-core executed it again.

    ``open_context`` returns a new context with an empty report.
    """
    again: list[Context] = []
    planned: list[Plans] = []
    restart, root = Context.restart, Plans.root

    def counted_restart(context: Context) -> None:
        again.append(context)
        restart(context)

    def counted_root(plans: Plans, *given: Any) -> Any:
        planned.append(plans)
        return root(plans, *given)

    with patch.object(Context, "restart", counted_restart), patch.object(Plans, "root", counted_root):
        stock = await _outcome(schema, replace(open_context(), vectored=False), document, variables)
        vectored = await _outcome(schema, open_context(), document, variables)
    for name in vectored.__dataclass_fields__:
        assert getattr(vectored, name) == getattr(stock, name), name
    assert len(planned) == 1, "the query was not executed over vectors"
    return stock, len(again)


async def _outcome(schema: strawberry.Schema, context: Context, document: str, variables: Mapping[str, Any]) -> Outcome:
    found = await schema.execute(document, variable_values=dict(variables), context_value=context)
    assert isinstance(found, ExecutionResult)
    return outcome_of(found, context)


def outcome_of(found: ExecutionResult, context: Context) -> Outcome:
    """Return the outcome of an operation."""
    errors = [(each.message, each.path, tuple(each.locations or ())) for each in found.errors or ()]
    errors.sort(
        key=str
    )  # a response has them in the order of their paths; when a turn ends decides in which they arrive
    report, budget = context.policy_report, context.budget
    return Outcome(
        orjson.dumps(found.data),
        tuple(errors),
        dict(report.hidden),
        dict(report.why),
        {coordinate: sorted(urns) for coordinate, urns in report.reads.items()},
        tuple(sorted(report.absent)),
        (budget.items, budget.values, budget.characters, budget.rows),
    )
