"""Reporting check results, and opening and resolving incidents."""

from typing import Annotated, Any

import strawberry

from graphql_schema.context import Info
from graphql_schema.enums import CheckKind, CheckStatus, Severity
from graphql_schema.fields import Parent
from graphql_schema.inputs import key_field, reason_field
from graphql_schema.intents import CheckReporting, IncidentOpening, IncidentResolving
from graphql_schema.keys import key_in
from graphql_schema.observability import CheckResult, Incident
from graphql_schema.payloads import MutationError, made, payload
from graphql_schema.plain import InputError, asset_kind, check_id, checked_reason
from graphql_schema.scalars import Instant
from graphql_schema.writing import write_one

LONGEST_CHECK = 200
"""Characters of a check's name, and of a window."""

LONGEST_THRESHOLD = 1_000
"""Characters of a threshold."""

LONGEST_TITLE = 300
"""Characters of an incident's title."""

MOST_ASSETS = 20
"""Assets of one incident."""


def _given(description: str) -> Any:
    return strawberry.field(description=description, default=None)


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


@strawberry.input(description="A problem with assets.")
class OpenIncidentInput:
    """A problem with assets."""

    assets: list[strawberry.ID] = strawberry.field(description=f"Ids of what is affected, 1 to {MOST_ASSETS}.")
    title: str = strawberry.field(description=f"What is wrong, in 1 to {LONGEST_TITLE} characters.")
    severity: Severity = strawberry.field(description="How bad it is.")
    cause: strawberry.ID | None = _given("The id of the check result or change that it comes from.")
    idempotency_key: str | None = key_field()


@strawberry.input(description="Says that an incident is over.")
class ResolveIncidentInput:
    """Says that an incident is over."""

    incident: strawberry.ID = strawberry.field(description="The id of the incident.")
    reason: str | None = reason_field()


async def _opened(root: Parent, info: Info) -> Any:
    result = await made(root, info)
    urn = None if result is None else result.record.get("incident")
    return await info.context.reader.node(urn) if urn else None


def _errors() -> Any:
    return strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type(description="What came of a report.")
class ReportCheckPayload:
    """What came of a report."""

    result: CheckResult | None = strawberry.field(description="The result as it is stored.", resolver=made)
    incident: Incident | None = strawberry.field(
        description="The incident that the result opened, or met open; null where it asked for none.", resolver=_opened
    )
    errors: list[MutationError] = _errors()


@strawberry.type(description="What came of opening or resolving an incident.")
class IncidentPayload:
    """What came of opening or resolving an incident."""

    incident: Incident | None = strawberry.field(description="The incident as it is now.", resolver=made)
    errors: list[MutationError] = _errors()


ReportArg = Annotated[ReportCheckInput, strawberry.argument(description="The check and what it found.")]
OpenArg = Annotated[OpenIncidentInput, strawberry.argument(description="The problem.")]
ResolveArg = Annotated[ResolveIncidentInput, strawberry.argument(description="The incident.")]


async def _report(info: Info, input: ReportArg) -> Any:
    return payload(await write_one(info, lambda: _reporting(input)))


async def _open(info: Info, input: OpenArg) -> Any:
    return payload(await write_one(info, lambda: _opening(input)))


async def _resolve(info: Info, input: ResolveArg) -> Any:
    return payload(await write_one(info, lambda: _resolving(input)))


report_check: ReportCheckPayload = strawberry.field(
    description="Records what a check found. The same again changes nothing, another status for the same instant "
    "corrects it, and what comes late stands in its place in time.",
    resolver=_report,
)
open_incident: IncidentPayload = strawberry.field(
    description="Opens an incident on assets that the caller may update.", resolver=_open
)
resolve_incident: IncidentPayload = strawberry.field(
    description="Says that an incident is over; takes the right to update one of its assets.", resolver=_resolve
)


def _reporting(given: ReportCheckInput) -> CheckReporting:
    asset_kind(given.asset, "asset")
    _within(given.check, LONGEST_CHECK, "check")
    _within(given.window, LONGEST_CHECK, "window")
    _within(given.threshold, LONGEST_THRESHOLD, "threshold")
    return CheckReporting(
        given.asset,
        given.check,
        given.check_kind.name,
        given.status.name,
        given.observed_at,
        {"value": given.value, "window": given.window, "threshold": given.threshold},
        bool(given.open_incident_on_fail),
        key_in(given),
    )


def _opening(given: OpenIncidentInput) -> IncidentOpening:
    if not 1 <= len(given.assets) <= MOST_ASSETS:
        raise InputError(f"An incident is on 1 to {MOST_ASSETS} assets; name what is affected first.", "assets")
    for index, urn in enumerate(given.assets):
        asset_kind(urn, "assets", str(index))
    _within(given.title, LONGEST_TITLE, "title")
    if given.cause is not None:
        check_id(given.cause, ("CheckResult", "Change"), "cause")
    assets = tuple(dict.fromkeys(given.assets))
    return IncidentOpening(assets, given.title, given.severity.name, given.cause, key_in(given))


def _resolving(given: ResolveIncidentInput) -> IncidentResolving:
    check_id(given.incident, ("Incident",), "incident")
    return IncidentResolving(given.incident, checked_reason(given.reason))


def _within(text: str | None, most: int, name: str) -> None:
    """Raise InputError for a text that is blank, too long, or holds what no text holds."""
    if text is not None and (not text.strip() or len(text) > most or "\0" in text):
        raise InputError(f"`{name}` has 1 to {most} characters that can be read; change it.", name)
