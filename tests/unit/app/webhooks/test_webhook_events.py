"""The events of a webhook: which results are events, and which are failures."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from graphql import GraphQLError
from strawberry.types import ExecutionResult
from support.stores.webhook_memory import webhook

from app.webhooks.receiver_hosts import ReceiverHosts
from app.webhooks.webhook_events import WebhookEvents
from app.webhooks.webhook_rights import RightsEndedError, WebhookRights
from policies.errors import Code, CodedError


class Schema:
    """Returns given results of a subscription; ``variables`` are those of the last one."""

    def __init__(self, *results: ExecutionResult) -> None:
        self.results = results
        self.variables: dict[str, Any] = {}

    async def stream(self, _: str, **given: Any) -> AsyncGenerator[ExecutionResult, None]:
        """Return the results, one after the other."""
        self.variables = given["variable_values"]
        return self._all()

    async def _all(self) -> AsyncGenerator[ExecutionResult, None]:
        for each in self.results:
            yield each


class Finished:
    """A context that counts the events whose access log was written."""

    finished = 0

    def finish(self) -> None:
        """Count an event."""
        self.finished += 1


def failed(code: Code) -> GraphQLError:
    """Return an error with a code."""
    return GraphQLError("x", original_error=CodedError("x", code))


async def read(schema: Schema, now: int = 0, **values: Any) -> tuple[list[Any], Finished]:
    """Return the changes of all results, and the context."""
    context, rights = Finished(), WebhookRights(ReceiverHosts(), 100, b"k" * 32, lambda: now)
    events = WebhookEvents(schema, lambda *_: context, rights)  # type: ignore[arg-type]  # results of a test
    return [each async for each in events.after(webhook(**values), "c1")], context


async def test_each_result_is_logged_and_yielded() -> None:
    """The access log of each event is written; a value that cannot be returned is null, as in a subscription."""
    unreadable = ExecutionResult(data={"changes": 2}, errors=[failed(Code.UNREADABLE)])
    schema = Schema(ExecutionResult(data={"changes": 1}, errors=None), unreadable)
    found, context = await read(schema, filter={"kinds": ["MODEL"]})
    assert (found, context.finished) == ([1, 2], 2)
    assert schema.variables == {"filter": {"kinds": ["MODEL"]}, "after": "c1"}


@pytest.mark.parametrize("data", [None, {"changes": 1}])
async def test_other_errors_are_failures(data: dict[str, Any] | None) -> None:
    """An event with an error of the server is not sent, whether it has data or not."""
    schema = Schema(ExecutionResult(data=data, errors=[failed(Code.STORE_UNAVAILABLE)]))
    with pytest.raises(CodedError) as found:
        await read(schema)
    assert found.value.code is Code.STORE_UNAVAILABLE


async def test_nothing_is_read_without_rights() -> None:
    """After the end of the rights no subscription begins."""
    schema = Schema()
    with pytest.raises(RightsEndedError):
        await read(schema, now=100)
    assert schema.variables == {}
