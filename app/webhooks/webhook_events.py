"""The events of a webhook: those of the subscription `changes`, read as its owner.

Policy, redaction and access log are those of a subscription over a WebSocket. A change with more fields than an event
may have is sent without them, because a failure would keep all later changes waiting. Only the event itself has limits:
the subscription reads less at once if the changes before it, which may be hidden, are large.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final, TypeAlias

from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from app.graph.webhooks.stored_webhook import StoredWebhook
from app.telemetry.log_share import LIMIT as LOG_SHARE
from app.webhooks.webhook_rights import WebhookRights
from graphql_schema.fields.context import Context
from graphql_schema.governance.changes import commit_log_cursor
from graphql_schema.ports.record import JsonObject
from graphql_schema.schema import GraphSchema
from policies.errors import Code, CodedError
from policies.principal import Principal

FIELDS: Final = "fields { field alias before after }"

DOCUMENT: Final = f"""subscription Webhook($filter: ChangeFilter, $after: Cursor) {{
  changes(filter: $filter, after: $after) {{
    id
    action
    subjectId
    subject {{ id kind displayName }}
    {FIELDS}
    actor
    at
    reason
    requestId
    reverts {{ id }}
    cursor
  }}
}}"""
"""What a webhook sends of a change."""

WITHOUT_FIELDS: Final = DOCUMENT.replace(FIELDS, "")
"""What a webhook sends of a change whose fields are more than an event may have."""

OpenContext: TypeAlias = Callable[[Principal, str, Callable[[], Awaitable[Principal]]], Context]
"""Opens the context of a subscription: of a caller, with a request id, and the function that returns current rights."""


CurrentOwners: TypeAlias = Callable[[Principal], Awaitable[Principal]]
"""Returns a caller with the owners that its token's teams give it now; raises CodedError if they cannot be read."""


class WebhookEvents:
    """Reads the changes of webhooks."""

    def __init__(
        self, schema: GraphSchema, open_context: OpenContext, rights: WebhookRights, current: CurrentOwners
    ) -> None:
        self._schema = schema
        self._open_context = open_context
        self._rights = rights
        self._current = current

    async def after(
        self, webhook: StoredWebhook, cursor: str, passed: Callable[[str], None]
    ) -> AsyncGenerator[JsonObject, None]:
        """Yield the changes after a cursor until the subscription ends, each as the owner may see it at that moment.

        The ``fields`` of a change that has too many are None. ``passed`` is called with the cursor of hidden changes,
        when all changes up to there were yielded. Raises RightsEndedError, the CodedError of the operation, and
        AccessLogError.
        """

        def advance(to: str) -> None:
            nonlocal cursor
            cursor = to
            passed(to)

        while True:
            try:
                async with aclosing(self._read(webhook, DOCUMENT, cursor, advance)) as changes:
                    async for change in changes:
                        yield change
                        cursor = change["cursor"]
            except CodedError as error:
                if error.code is not Code.LIMIT_EXCEEDED or error.extensions.get("limit") == LOG_SHARE:
                    raise  # the change is not too large: it is sent later
            else:
                return
            async with aclosing(self._read(webhook, WITHOUT_FIELDS, cursor, advance)) as changes:
                large = await anext(changes, None)
            if large is None:
                return
            yield {**large, "fields": None}
            cursor = large["cursor"]

    async def _read(
        self, webhook: StoredWebhook, document: str, cursor: str, advance: Callable[[str], None]
    ) -> AsyncGenerator[JsonObject, None]:
        """Yield the changes after a cursor by a document; raises as :meth:`after`."""

        async def recheck() -> Principal:
            return await self._current(self._rights.principal(webhook))

        context = self._open_context(await recheck(), f"webhook:{webhook.name}", recheck)
        context.passed = lambda position: advance(commit_log_cursor(context).seal(position))
        results = await self._schema.stream(
            document,
            variable_values={"filter": webhook.filter or None, "after": cursor or None},
            context_value=context,
            allowed_operation_types=[OperationType.SUBSCRIPTION],
        )
        async with aclosing(results):
            async for result in results:
                assert isinstance(result, ExecutionResult)  # noqa: S101 - incremental delivery is off
                _raise_errors(result)
                context.finish()
                yield (result.data or {})["changes"]


def _raise_errors(result: ExecutionResult) -> None:
    """Raise the first error of an event, unless all are about values that cannot be returned: these are null then."""
    causes = [error.original_error or error for error in result.errors or ()]
    if result.data is None or any(getattr(cause, "code", None) is not Code.UNREADABLE for cause in causes):
        large = (cause for cause in causes if getattr(cause, "code", None) is Code.LIMIT_EXCEEDED)
        raise next(large, causes[0]) if causes else CodedError("An event of a webhook has no data.")
