"""Webhooks of the caller: their list, and the mutations registerWebhook, updateWebhook and removeWebhook."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import fields
from enum import Enum
from secrets import token_hex
from typing import Annotated, Final, TypeAlias, cast

import orjson
import strawberry

from graphql_schema.catalog.enums import AssetKind, ChangeAction, value
from graphql_schema.fields.context import Context, Info
from graphql_schema.fields.field import Resolved, SchemaField, stored_field
from graphql_schema.fields.scalars import Cursor, Instant, instant_text
from graphql_schema.governance.changes import ChangeFilter, change_condition, commit_log_cursor
from graphql_schema.inputs.input_fields import dry_run_field
from graphql_schema.inputs.payloads import MutationError, errors, errors_field
from graphql_schema.inputs.submit import authorize
from graphql_schema.ports.outcomes import MutationErrorCode, WriteError
from graphql_schema.ports.protocols import ChangeFeed
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.webhooks.webhook_registry import (
    WebhookOrder,
    WebhookRefusedError,
    WebhookRegistry,
    WebhookResult,
)
from policies.errors import InvalidError
from policies.principal import PrincipalKind, Scope

MAX_FILTER_BYTES: Final = 32 * 1024
"""Maximal number of bytes of a filter as JSON."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


@strawberry.enum(description="Whether the server sends the changes of a webhook.")
class WebhookState(Enum):
    """Whether the server sends the changes of a webhook."""

    ACTIVE = value("ACTIVE", description="Changes are sent.")
    FAILING = value("FAILING", description="The last attempt failed; the same change is sent again later.")
    RIGHTS_ENDED = value(
        "RIGHTS_ENDED", description="Nothing is sent, because `rightsUntil` is over; `updateWebhook` renews it."
    )
    DISABLED = value(
        "DISABLED",
        description="Nothing is sent, because the receiver failed for five days or answered with status 410; "
        "`updateWebhook` starts again.",
    )
    OFF = value("OFF", description="Nothing is sent, because the server does not allow this address any more.")


@strawberry.type(description="The filter of a webhook, as it was registered; null values add no condition.")
class WebhookFilter:
    """The filter of a webhook, as it was registered."""

    subjects: list[strawberry.ID] | None = stored_field("The ids of the changed records.")
    kinds: list[AssetKind] | None = stored_field("The kinds of the changed assets.")
    actors: list[str] | None = stored_field("The callers who made the changes.")
    actions: list[ChangeAction] | None = stored_field("The actions.")
    since: str | None = stored_field("The instant from which on changes count, in RFC 3339.")
    until: str | None = stored_field("The instant before which changes count, in RFC 3339.")


@strawberry.type(description="An address of the caller to which the server sends changes, each as a signed request.")
class Webhook:
    """An address of the caller to which the server sends changes."""

    name: str = stored_field("The name, which its owner chose.")
    url: str = stored_field("The address.")
    filter: WebhookFilter | None = stored_field("The condition on the changes that are sent; null for all changes.")
    state: WebhookState = stored_field("Whether changes are sent.")
    created_at: Instant = stored_field("The instant of the registration.")
    rights_until: Instant = stored_field(
        "The instant at which the webhook loses the rights of the token with which its owner last called "
        "`registerWebhook` or `updateWebhook`."
    )
    cursor: Cursor = stored_field(
        "The position of the last change that the receiver accepted, or of the begin. Later changes that were hidden "
        "from the owner, or not in the filter, are not sent any more, unless `after` is given."
    )
    delivered_at: Instant | None = stored_field("The instant of the last delivery; null before the first one.")
    failures: int = stored_field("The number of failed attempts since the last delivery.")
    failing_since: Instant | None = stored_field("The instant of the first of these failures; null without one.")
    next_attempt_at: Instant | None = stored_field("The instant of the next attempt after a failure; null without one.")
    last_error: str | None = stored_field(
        "The last failure: `HTTP` with the status of the response, TIMEOUT, NO_CONNECTION, TLS, TOO_LONG, "
        "ADDRESS_REFUSED for an address that is not permitted (NO_CONNECTION if its host matches a pattern), or the "
        "code of an error of the server; null without a failure."
    )


@strawberry.type(description="The result of a mutation of a webhook.")
class WebhookPayload:
    """The result of a mutation of a webhook."""

    webhook: Webhook | None = stored_field(
        "The webhook after the call, or with `dryRun` as it would be; null if it was removed or the call refused."
    )
    changed: bool = stored_field("Whether anything was written, or would be without `dryRun`.")
    secret: str | None = stored_field(
        "The new secret, with which the receiver verifies signatures. It is returned only here, so keep it; null if "
        "no secret was made."
    )
    errors: list[MutationError] = errors_field()


@strawberry.input(description="Registers a webhook.")
class RegisterWebhookInput:
    """Registers a webhook."""

    name: str = strawberry.field(
        description="A name of your choice, different for each of your webhooks: 1 to 64 letters, digits, dots, "
        "hyphens and underscores, of which the first is a letter or digit."
    )
    url: str = strawberry.field(description="The address that receives the changes, one that the server allows.")
    filter: ChangeFilter | None = strawberry.field(
        description="A condition on the changes that are sent, as of `subscription changes`; default: all changes.",
        default=None,
    )
    after: Cursor | None = strawberry.field(
        description="The `cursor` of a change, to continue after it; default: from now on.", default=None
    )
    dry_run: bool | None = dry_run_field()


@strawberry.input(
    description="Changes a webhook, renews its rights by the token of the call, and sends again if it was disabled."
)
class UpdateWebhookInput:
    """Changes a webhook, and renews its rights."""

    name: str = strawberry.field(description="The name of the webhook.")
    url: str | None = strawberry.field(
        description="The new address; null keeps the stored one, unless the token has teams, roles or scopes that the "
        "token of the last call had not: this is a CONFLICT.",
        default=None,
    )
    filter: ChangeFilter | None = strawberry.field(
        description="The new condition, which replaces the stored one; an empty one is for all changes, null keeps "
        "the stored one.",
        default=None,
    )
    after: Cursor | None = strawberry.field(
        description="The `cursor` of a change after which changes are sent again; null continues after the last "
        "delivery.",
        default=None,
    )
    rotate_secret: bool = strawberry.field(
        description="Whether to make a new secret. For 24 hours, deliveries have a signature by the new secret and one "
        "by the former.",
        default=False,
    )
    dry_run: bool | None = dry_run_field()


@strawberry.input(description="Removes a webhook.")
class RemoveWebhookInput:
    """Removes a webhook."""

    name: str = strawberry.field(description="The name of the webhook.")
    dry_run: bool | None = dry_run_field()


RegisterWebhookArg = Annotated[RegisterWebhookInput, strawberry.argument(description="The webhook.")]
UpdateWebhookArg = Annotated[UpdateWebhookInput, strawberry.argument(description="The webhook and its new values.")]
RemoveWebhookArg = Annotated[RemoveWebhookInput, strawberry.argument(description="The webhook.")]

_Given: TypeAlias = RegisterWebhookInput | UpdateWebhookInput | RemoveWebhookInput

_Act: TypeAlias = Callable[[WebhookRegistry], Awaitable[WebhookResult | None]]


async def _register(info: Info, input: RegisterWebhookArg) -> Resolved:
    async def act(registry: WebhookRegistry) -> WebhookResult:
        cursor = _position(info.context, input.after) or await _now(info.context)
        wanted, dry = _variables(input.filter) or {}, bool(input.dry_run)
        order = WebhookOrder(_checked_name(input.name), input.url, wanted, cursor, rotates=True, dry=dry)
        return await registry.register(order)

    return await _payload(info, "register", input, act)


async def _update(info: Info, input: UpdateWebhookArg) -> Resolved:
    async def act(registry: WebhookRegistry) -> WebhookResult:
        cursor = _position(info.context, input.after)
        rotates, dry = input.rotate_secret, bool(input.dry_run)
        order = WebhookOrder(input.name, input.url, _variables(input.filter), cursor, rotates=rotates, dry=dry)
        return await registry.update(order)

    return await _payload(info, "update", input, act)


async def _remove(info: Info, input: RemoveWebhookArg) -> Resolved:
    async def act(registry: WebhookRegistry) -> None:
        await registry.remove(input.name, dry=bool(input.dry_run))

    return await _payload(info, "remove", input, act)


async def _payload(info: Info, action: str, given: _Given, act: _Act) -> JsonObject:
    """Do what ``act`` does with the registry, and return the source of the payload; report it to the access log.

    Raises ScopeError, and the CodedError of the store.
    """
    authorize(info)
    report = info.context.policy_report
    try:
        _require_service(info.context)
        result = await act(_registry(info.context))
    except WebhookRefusedError as error:
        if error.reason is MutationErrorCode.DENIED:
            report.report_refused(f"{action} webhook", "", error.message)
        path = (error.path,) if error.path else ()
        refusals = errors([WriteError(error.reason, error.message, path)])
        return {"webhook": None, "changed": False, "secret": None, "errors": refusals}
    if not given.dry_run:
        report.webhooks.append((action, given.name, info.context.principal.subject))
        if result is not None and result.removed is not None:
            report.webhooks.append(("remove", *result.removed))
    webhook, secret = (None, None) if result is None else (result.webhook, result.secret)
    return {"webhook": webhook, "changed": True, "secret": secret, "errors": []}


def _registry(context: Context) -> WebhookRegistry:
    if context.webhooks is None:
        raise WebhookRefusedError(
            MutationErrorCode.INVALID,
            "Webhooks are off on this server; its operator sets MLG_WEBHOOK_HOSTS to the hosts that may receive them.",
        )
    return context.webhooks


def _require_service(context: Context) -> None:
    """Raise WebhookRefusedError unless the caller is a service account without break-glass."""
    who = context.principal
    if who.kind is not PrincipalKind.SERVICE_ACCOUNT:
        raise WebhookRefusedError(
            MutationErrorCode.DENIED, "A webhook belongs to a service account; call with the token of one."
        )
    if who.may(Scope.BREAK_GLASS):
        raise WebhookRefusedError(
            MutationErrorCode.DENIED, "A webhook has no break-glass access; call with a token without that scope."
        )


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise WebhookRefusedError(
            MutationErrorCode.INVALID,
            "`name` is invalid; use 1 to 64 letters, digits, dots, hyphens and underscores, first a letter or digit.",
            "name",
        )
    return name


def _position(context: Context, after: str | None) -> str | None:
    """Return the cursor ``after``, None if it is None; raises WebhookRefusedError if it is not one of the caller."""
    if after is None:
        return None
    try:
        commit_log_cursor(context).open(after)
    except InvalidError as error:
        raise WebhookRefusedError(MutationErrorCode.INVALID, error.message, "after") from None
    return after


async def _now(context: Context) -> str:
    """Return a cursor after the last stored change, a different one at each call.

    Equal cursors would disclose that nothing was written between two calls, and different ones a hidden change.
    """
    instant, after_all = await cast("ChangeFeed", context.change_feed).end()
    return commit_log_cursor(context).seal((instant, f"{after_all}{token_hex(8)}"))


def _variables(given: ChangeFilter | None) -> JsonObject | None:
    """Return a filter as variables of a document, None if it is None; raises WebhookRefusedError if it is invalid."""
    if given is None:
        return None
    try:
        change_condition(given)
    except InvalidError as error:
        raise WebhookRefusedError(MutationErrorCode.INVALID, error.message, "filter") from None
    found: JsonObject = {}
    for field in fields(given):
        wanted = getattr(given, field.name)
        if isinstance(wanted, int):
            found[field.name] = instant_text(wanted)
        elif wanted is not None:
            found[field.name] = [each.name if isinstance(each, Enum) else each for each in wanted]
    if len(orjson.dumps(found)) > MAX_FILTER_BYTES:
        raise WebhookRefusedError(
            MutationErrorCode.INVALID, f"`filter` has more than {MAX_FILTER_BYTES} bytes; name fewer ids.", "filter"
        )
    return found


async def _webhooks(info: Info) -> Resolved:
    registry = info.context.webhooks
    return [] if registry is None else await info.context.once("webhooks", registry.owned)


webhooks: SchemaField = strawberry.field(
    description="The webhooks of the viewer, ordered by name; empty if webhooks are off on this server.",
    resolver=_webhooks,
)

register_webhook: SchemaField = strawberry.field(
    description="Registers an address of the caller, a service account, to which the server sends each change that the "
    "caller may see, as a signed request. CONFLICT if the caller has a webhook of this name.",
    resolver=_register,
)

update_webhook: SchemaField = strawberry.field(
    description="Changes a webhook of the caller, and renews its rights by the token of the call, also if nothing else "
    "changes. NOT_FOUND if the caller has no webhook of this name.",
    resolver=_update,
)

remove_webhook: SchemaField = strawberry.field(
    description="Removes a webhook of the caller: nothing more is sent. NOT_FOUND if the caller has no webhook of this "
    "name.",
    resolver=_remove,
)
