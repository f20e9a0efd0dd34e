"""Checks and their results, and the mutation reportCheck."""

from dataclasses import replace
from typing import Annotated, Final

import strawberry

from graphql_schema.catalog.enums import CheckKind, CheckStatus, References
from graphql_schema.catalog.instants import MAX_AHEAD_MS, is_ahead
from graphql_schema.catalog.relations import MONITORED_BY, RESULT_OF
from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.execution.side_thread import run_aside
from graphql_schema.fields.connection import After, Connection, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Parents, Resolved, resolved_for_all, stored_field
from graphql_schema.fields.node import Node, named_row, resolve_subject
from graphql_schema.fields.refs import AssetRef, CheckRef, CheckResultRef, IncidentRef
from graphql_schema.fields.scalars import Instant
from graphql_schema.inputs.idempotency_key import key_in
from graphql_schema.inputs.input_fields import dry_run_field, key_field, named_references_field, optional_input
from graphql_schema.inputs.near_ids import with_near_names
from graphql_schema.inputs.payloads import MutationError, changed_field, errors_field, payload, resolve_created_record
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.values import asset_kind, check_text
from graphql_schema.ports.commands import ReportCheckCommand
from graphql_schema.ports.conditions import Above, Negated
from graphql_schema.ports.outcomes import MutationErrorCode, WriteOutcome
from graphql_schema.ports.relation_query import ONE, PageRequest, RowFilter, newest_first, related
from graphql_schema.rules.typos import near_names
from policies.errors import CodedError

RESULTS = newest_first(RESULT_OF.into("CheckResult"))
"""From a check to its results, newest observation first."""

CHECKS = related(MONITORED_BY.out("Check"))
"""From an asset to the checks that monitor it."""

_CANDIDATES: Final = PageRequest(first=500)
"""The checks of an asset whose names are compared with an unknown one."""


Since = Annotated[Instant | None, strawberry.argument(description="Only results observed at this instant or later.")]


async def _check(root: Parent, info: Info) -> Resolved:
    return await info.context.reader.node(root.record["check"])


async def _latest(roots: Parents, info: Info) -> list[Resolved]:
    """Return the newest result of each check, None without one; results that are ahead of the clock are left out."""
    reader, now = info.context.reader, info.context.now()
    pages = info.context.budget.in_turns(await reader.related_to_all(roots, RESULTS, ONE))
    found = [each.items[0].row if each.items else None async for each in pages]
    ahead = [n for n, row in enumerate(found) if row is not None and is_ahead(row.record["observedAt"], now)]
    if ahead:
        earlier = replace(ONE, keep=RowFilter(Negated(Above("observedAt", now + MAX_AHEAD_MS))))
        others = await reader.related_to_all([roots[n] for n in ahead], RESULTS, earlier)
        for n, page in zip(ahead, others, strict=True):
            found[n] = page.items[0].row if page.items else None
    return found


async def _results(root: Parent, info: Info, since: Since = None, first: First = 20, after: After = None) -> Resolved:
    page, binding = page_request_of(info, first, after, root.urn, since)
    page = replace(page, since=since or 0)
    return ConnectionSource(await info.context.reader.related(root, RESULTS, page), page, binding)


@strawberry.type(description="A monitor of an asset, identified by its name on the asset.")
class Check(Node):
    """A monitor of an asset, identified by its name on the asset."""

    name: str = stored_field("Name of the check, unique on its asset.")
    check_kind: CheckKind = stored_field("Property of the asset that the check monitors.")
    threshold: str | None = stored_field("Threshold that values are compared with, in words; null if none was given.")
    asset: AssetRef | None = strawberry.field(description="Asset that the check monitors.", resolver=resolve_subject)
    latest_result: CheckResultRef | None = strawberry.field(
        description="Result with the latest observation; null without results. A result that is more than five minutes "
        "ahead of the clock, which ran ahead when it was reported, is left out.",
        resolver=_latest,
        metadata=resolved_for_all(),
    )
    results: Connection[CheckResultRef] | None = strawberry.field(
        description="Results of the check, the newest observation first.", resolver=_results
    )


@strawberry.type(description="Result of a check at one instant.")
class CheckResult(Node):
    """Result of a check at one instant."""

    status: CheckStatus = stored_field("Status of the result.")
    value: float | None = stored_field("Measured value; null if none was reported.")
    window: str | None = stored_field("Part of the data that was checked, such as `1h` or a partition; null for all.")
    observed_at: Instant = stored_field("Instant of the observation.")
    check: CheckRef | None = strawberry.field(description="Check that gave the result.", resolver=_check)


MAX_CHECK_NAME_LENGTH = 200
"""Maximal number of characters of the name of a check, and of a window."""


MAX_THRESHOLD_LENGTH = 1_000
"""Maximal number of characters of a threshold."""


@strawberry.input(description="Result of a check to record.")
class ReportCheckInput:
    """Result of a check to record."""

    asset: strawberry.ID = strawberry.field(description="Id of the checked asset.")
    check: str = strawberry.field(
        description=f"Name of the check, unique on the asset, at most {MAX_CHECK_NAME_LENGTH} characters; a new name "
        "creates a check."
    )
    check_kind: CheckKind = strawberry.field(description="Property of the asset that the check monitors.")
    status: CheckStatus = strawberry.field(description="Status of the result.")
    value: float | None = optional_input("Measured value, if the check measures one.")
    threshold: str | None = optional_input(
        "Threshold that values are compared with, in words; the stored one if absent."
    )
    window: str | None = optional_input(
        "Part of the data that was checked, all if absent; results of different windows are kept separately."
    )
    observed_at: Instant | None = optional_input(
        "Instant of the observation, at most five minutes in the future; now if absent."
    )
    open_incident_on_fail: bool | None = strawberry.field(
        description="Whether FAIL or ERROR as the newest result opens an incident, unless the check has an open one or "
        "the same result has opened one before.",
        default=False,
    )
    references: References | None = named_references_field("the asset must have the check already")
    idempotency_key: str | None = key_field()
    dry_run: bool | None = dry_run_field()


async def _opened(root: Parent, info: Info) -> Resolved:
    """Return the incident that the result opened or found open; None if there is none or it is not visible."""
    result = await resolve_created_record(root, info)
    return await named_row(None if result is None else result.record.get("incident"), info)


@strawberry.type(description="Result of reporting a check.")
class ReportCheckPayload:
    """Result of reporting a check."""

    result: CheckResult | None = strawberry.field(
        description="The result as stored; null if it is not stored or not visible to you.",
        resolver=resolve_created_record,
    )
    incident: IncidentRef | None = strawberry.field(
        description="The incident recorded for this result: opened, or found open, with `openIncidentOnFail`. Null if "
        "there is none or it is not visible to you.",
        resolver=_opened,
    )
    changed: bool = changed_field()
    errors: list[MutationError] = errors_field()


ReportArg = Annotated[ReportCheckInput, strawberry.argument(description="The check and its result.")]


async def _report(info: Info, input: ReportArg) -> Resolved:
    result = await submit_one(info, _reporting, input, dry_run=input.dry_run)
    return payload(await _with_near_checks(info, input, result))


async def _with_near_checks(info: Info, given: ReportCheckInput, result: WriteOutcome) -> WriteOutcome:
    """Return the outcome with similar names of checks of the asset, if it has no check of the given name.

    They are read after the transaction, for whose plan all writers wait. If that fails, there are none.
    """
    if all(error.code is not MutationErrorCode.UNKNOWN_REFERENCE for error in result.errors):
        return result
    reader = info.context.reader
    try:
        asset = await reader.node(given.asset)
        page = None if asset is None else await reader.related(asset, CHECKS, _CANDIDATES)
    except CodedError as error:
        forget_frames(error)
        return result
    names = [item.row.record["name"] for item in page.items] if page else []
    near = await run_aside(near_names, given.check, names)
    return replace(result, errors=tuple(with_near_names(error, near) for error in result.errors))


report_check: ReportCheckPayload = strawberry.field(
    description="Records the result of a check. An equal result for the same instant and window is stored once, "
    "another one corrects the stored one. A late result is ordered by its observation.",
    resolver=_report,
)


def _reporting(given: ReportCheckInput) -> ReportCheckCommand:
    """Return the command for a report; raise InputError if it is invalid."""
    asset_kind(given.asset, "asset")
    check_text(given.check, MAX_CHECK_NAME_LENGTH, "check")
    check_text(given.window, MAX_CHECK_NAME_LENGTH, "window")
    check_text(given.threshold, MAX_THRESHOLD_LENGTH, "threshold")
    return ReportCheckCommand(
        given.asset,
        given.check,
        given.check_kind.name,
        given.status.name,
        given.observed_at,
        {"value": given.value, "window": given.window, "threshold": given.threshold},
        bool(given.open_incident_on_fail),
        key_in(given),
        given.references is References.EXISTING,
    )
