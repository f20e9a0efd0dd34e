"""Suggestions for unknown ids: similar ids of the same kind that are registered and that the caller may see."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from graphql_schema.catalog.enums import Hydration
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.execution.side_thread import run_aside
from graphql_schema.fields.context import Info
from graphql_schema.ports.conditions import (
    PATTERNS_OF_SUBSTRING,
    All,
    AnyOf,
    Condition,
    In,
    ListingQuery,
    MatchesPattern,
    SortOrder,
)
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.outcomes import WriteError, WriteOutcome
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.rules.typos import allowed_errors, fuzzy_pattern, near_names, with_names
from graphql_schema.rules.words import query_tokens
from policies.errors import CodedError

MAX_REFERENCES: Final = 10
"""Number of unknown ids of one call for which similar ids are read."""

_MAX_WORDS: Final = PATTERNS_OF_SUBSTRING
"""Number of words of a name by which similar ids are found: those of one id count as one substring."""

_CANDIDATES: Final = PageRequest(first=50)


async def with_suggestions(info: Info, results: Sequence[WriteOutcome]) -> list[WriteOutcome]:
    """Return the outcomes with similar ids in the errors of the first MAX_REFERENCES unknown ids.

    All calls of an operation use at most half of its substrings. Beyond that there are no suggestions: a limit that
    ends the operation would prevent its further writes.

    Only listings of the caller are read, so a hidden id takes the requests and the response of an absent one. If they
    fail, the outcomes are returned without suggestions, so that the result of the write is not lost.
    """
    unknown = [error.reference for result in results for error in result.errors if error.reference is not None]
    wanted = [*dict.fromkeys(unknown)][: _admitted(info.context.budget)]
    if not wanted:
        return [*results]
    try:
        found = dict(zip(wanted, await asyncio.gather(*(_near_ids(info, urn) for urn in wanted)), strict=True))
    except CodedError as error:
        forget_frames(error)
        return [*results]
    return [
        replace(
            result,
            errors=tuple(with_near_names(error, found.get(error.reference or "", ())) for error in result.errors),
        )
        for result in results
    ]


def _admitted(budget: OperationBudget) -> int:
    """Return for how many ids similar ones may be read."""
    return min(MAX_REFERENCES, max(0, budget.limits.substrings // 2 - budget.substrings))


def with_near_names(error: WriteError, names: Sequence[str]) -> WriteError:
    """Return an error with similar ids or names in its message and its suggestions."""
    return replace(error, message=with_names(error.message, names), suggestions=error.suggestions + tuple(names))


async def _near_ids(info: Info, urn: str) -> tuple[str, ...]:
    """Return visible ids of the same kind that are similar to ``urn``; none if its name has no words."""
    parts = parse_urn(urn)
    words = query_tokens(parts.name)[:_MAX_WORDS]
    if not words:
        return ()
    where = All(
        (
            In("kind", (KINDS[parts.kind].code,)),
            In("hydration", (Hydration.FULL.name,)),
            *(AnyOf(tuple(_alike(word))) for word in words),
        )
    )
    page = await info.context.reader.listing(ListingQuery(where, SortOrder("urn")), _CANDIDATES)
    return await run_aside(near_names, urn, [item.row.urn for item in page.items])


def _alike(word: str) -> Iterator[Condition]:
    yield In("words", (word,))
    errors = allowed_errors(word)
    if errors:
        yield MatchesPattern("words", fuzzy_pattern(word, errors))
