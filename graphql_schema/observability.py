"""Checks with their results, and incidents: whether an asset is as it should be."""

from dataclasses import replace
from typing import Annotated, Any

import strawberry

from graphql_schema.asset import Node
from graphql_schema.catalog import RESULT_OF
from graphql_schema.connection import After, Connection, First, Pages, paged
from graphql_schema.context import Info
from graphql_schema.enums import CheckKind, CheckStatus, IncidentState, Severity
from graphql_schema.fields import Parent, own, to_one
from graphql_schema.impact import Impact, impacting
from graphql_schema.refs import AssetRef, CheckRef, CheckResultRef
from graphql_schema.related import newest
from graphql_schema.scalars import Instant

RESULTS = newest(RESULT_OF.into("CheckResult"))
"""From a check to what it found, in the order of observation."""

Since = Annotated[Instant | None, strawberry.argument(description="Observed at this instant or later.")]


async def _subjects(root: Parent, info: Info) -> Any:
    found = await info.context.reader.nodes(root.record["subjects"])
    return [row for row in found if row is not None]


async def _impact(root: Parent, info: Info) -> Any:
    """What is touched by what is affected, as far as the viewer may know of that: the rest is not even a root."""
    known = await _subjects(root, info)
    return impacting(info, [row.urn for row in known], None, None)


async def _asset(root: Parent, info: Info) -> Any:
    return await info.context.reader.node(root.record["subjects"][0])


async def _check(root: Parent, info: Info) -> Any:
    return await info.context.reader.node(root.record["check"])


async def _cause(root: Parent, info: Info) -> Any:
    """The cause as the viewer may see it: it may be about something else than the incident."""
    urn = root.record.get("cause")
    return await info.context.reader.node(urn) if urn else None


async def _results(root: Parent, info: Info, since: Since = None, first: First = 20, after: After = None) -> Any:
    page, binding = paged(info, first, after, root.urn, since)
    page = replace(page, since=since or 0)
    return Pages(await info.context.reader.related(root, RESULTS, page), page, binding)


@strawberry.type(description="A monitor of an asset, known by its name there.")
class Check(Node):
    """A monitor of an asset."""

    name: str = own("The name, unique on its asset.")
    check_kind: CheckKind = own("What it looks at.")
    threshold: str | None = own("What it holds values against, in words.")
    asset: AssetRef | None = strawberry.field(description="The asset that it monitors.", resolver=_asset)
    latest_result: CheckResultRef | None = to_one(RESULTS, "What it found last, by the time of observation.")
    results: Connection[CheckResultRef] | None = strawberry.field(
        description="What it found, the newest observation first.", resolver=_results
    )


@strawberry.type(description="What a check found at one instant.")
class CheckResult(Node):
    """What a check found at one instant."""

    status: CheckStatus = own("What it found.")
    value: float | None = own("The number that was measured.")
    window: str | None = own("The part of the data that was looked at, such as `1h` or a partition.")
    observed_at: Instant = own("When it looked.")
    check: CheckRef | None = strawberry.field(description="The check.", resolver=_check)


@strawberry.type(description="A problem with assets that stands until somebody says that it is over.")
class Incident(Node):
    """A problem with assets."""

    title: str = own("What is wrong, in words.")
    state: IncidentState = own("Whether it stands.")
    severity: Severity = own("How bad it is.")
    opened_at: Instant = own("When it was opened here.")
    resolved_at: Instant | None = own("When it was resolved here; null while it stands.")
    assets: list[AssetRef] | None = strawberry.field(
        description="What is affected, as far as the viewer may know of it.", resolver=_subjects
    )
    cause: Node | None = strawberry.field(
        description="The check result or change that it comes from; null when unknown or hidden.", resolver=_cause
    )
    impact: Impact | None = strawberry.field(
        description="What is touched by what is affected, as far as the viewer may know of that.", resolver=_impact
    )
