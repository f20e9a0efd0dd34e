"""Checks with their results, and incidents: whether an asset is as it should be."""

from dataclasses import replace
from typing import Annotated, Any

import strawberry

from graphql_schema.catalog.enums import CheckKind, CheckStatus
from graphql_schema.catalog.relations import RESULT_OF
from graphql_schema.fields.connection import After, Connection, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, stored_field
from graphql_schema.fields.node import Node
from graphql_schema.fields.refs import AssetRef, CheckRef, CheckResultRef, IncidentRef
from graphql_schema.fields.relation_fields import to_one
from graphql_schema.fields.scalars import Instant
from graphql_schema.inputs.idempotency_key import key_in
from graphql_schema.inputs.input_fields import _given, key_field
from graphql_schema.inputs.payloads import MutationError, _errors, payload, resolve_created_record
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.values import _within, asset_kind
from graphql_schema.ports.commands import ReportCheckCommand
from graphql_schema.ports.relation_query import newest_first

RESULTS = newest_first(RESULT_OF.into("CheckResult"))
"""From a check to what it found, in the order of observation."""


Since = Annotated[Instant | None, strawberry.argument(description="Observed at this instant or later.")]


async def _asset(root: Parent, info: Info) -> Any:
    return await info.context.reader.node(root.record["subjects"][0])


async def _check(root: Parent, info: Info) -> Any:
    return await info.context.reader.node(root.record["check"])


async def _results(root: Parent, info: Info, since: Since = None, first: First = 20, after: After = None) -> Any:
    page, binding = page_request_of(info, first, after, root.urn, since)
    page = replace(page, since=since or 0)
    return ConnectionSource(await info.context.reader.related(root, RESULTS, page), page, binding)


@strawberry.type(description="A monitor of an asset, known by its name there.")
class Check(Node):
    """A monitor of an asset."""

    name: str = stored_field("The name, unique on its asset.")
    check_kind: CheckKind = stored_field("What it looks at.")
    threshold: str | None = stored_field("What it holds values against, in words.")
    asset: AssetRef | None = strawberry.field(description="The asset that it monitors.", resolver=_asset)
    latest_result: CheckResultRef | None = to_one(RESULTS, "What it found last, by the time of observation.")
    results: Connection[CheckResultRef] | None = strawberry.field(
        description="What it found, the newest observation first.", resolver=_results
    )


@strawberry.type(description="What a check found at one instant.")
class CheckResult(Node):
    """What a check found at one instant."""

    status: CheckStatus = stored_field("What it found.")
    value: float | None = stored_field("The number that was measured.")
    window: str | None = stored_field("The part of the data that was looked at, such as `1h` or a partition.")
    observed_at: Instant = stored_field("When it looked.")
    check: CheckRef | None = strawberry.field(description="The check.", resolver=_check)


MAX_CHECK_NAME_LENGTH = 200
"""Characters of a check's name, and of a window."""


MAX_THRESHOLD_LENGTH = 1_000
"""Characters of a threshold."""


@strawberry.input(description="What a check found.")
class ReportCheckInput:
    """What a check found."""

    asset: strawberry.ID = strawberry.field(description="The id of the asset that was looked at.")
    check: str = strawberry.field(description="The name of the check, unique on the asset; a new name makes a check.")
    check_kind: CheckKind = strawberry.field(description="What it looks at.")
    status: CheckStatus = strawberry.field(description="What it found.")
    value: float | None = _given("The number that was measured.")
    threshold: str | None = _given("What it holds values against, in words; absent leaves the stored one.")
    window: str | None = _given("The part of the data that was looked at: results of several windows stand apart.")
    observed_at: Instant | None = _given("When it looked; now when absent.")
    open_incident_on_fail: bool | None = strawberry.field(
        description="Whether a newest result of FAIL or ERROR opens an incident, unless one by this check is open.",
        default=False,
    )
    idempotency_key: str | None = key_field()


async def _opened(root: Parent, info: Info) -> Any:
    result = await resolve_created_record(root, info)
    urn = None if result is None else result.record.get("incident")
    return await info.context.reader.node(urn) if urn else None


@strawberry.type(description="What came of a report.")
class ReportCheckPayload:
    """What came of a report."""

    result: CheckResult | None = strawberry.field(
        description="The result as it is stored.", resolver=resolve_created_record
    )
    incident: IncidentRef | None = strawberry.field(
        description="The incident that the result opened, or met open; null where it asked for none.", resolver=_opened
    )
    errors: list[MutationError] = _errors()


ReportArg = Annotated[ReportCheckInput, strawberry.argument(description="The check and what it found.")]


async def _report(info: Info, input: ReportArg) -> Any:
    return payload(await submit_one(info, lambda: _reporting(input)))


report_check: ReportCheckPayload = strawberry.field(
    description="Records what a check found. The same again changes nothing, another status for the same instant "
    "corrects it, and what comes late stands in its place in time.",
    resolver=_report,
)


def _reporting(given: ReportCheckInput) -> ReportCheckCommand:
    asset_kind(given.asset, "asset")
    _within(given.check, MAX_CHECK_NAME_LENGTH, "check")
    _within(given.window, MAX_CHECK_NAME_LENGTH, "window")
    _within(given.threshold, MAX_THRESHOLD_LENGTH, "threshold")
    return ReportCheckCommand(
        given.asset,
        given.check,
        given.check_kind.name,
        given.status.name,
        given.observed_at,
        {"value": given.value, "window": given.window, "threshold": given.threshold},
        bool(given.open_incident_on_fail),
        key_in(given),
    )
