"""The events of a webhook: which results are events, and which are failures."""

from collections.abc import AsyncGenerator, Callable
from typing import Any, cast

import pytest
from graphql import GraphQLError
from strawberry.types import ExecutionResult
from support.stores.webhook_memory import SERVICE, webhook

from app.telemetry.log_share import LIMIT
from app.webhooks.receiver_hosts import ReceiverHosts
from app.webhooks.webhook_events import WebhookEvents
from app.webhooks.webhook_rights import RightsEndedError, WebhookRights
from graphql_schema.fields.context import Context
from graphql_schema.governance.changes import commit_log_cursor
from policies.errors import Code, CodedError, LimitError
from policies.principal import Principal


class Schema:
    """Returns given results of a subscription, those without fields for another document.

    A position among them is one that the subscription passes without an event. ``variables`` are those of the last one.
    """

    def __init__(self, *results: ExecutionResult | tuple[int, str]) -> None:
        self.results = [*results]
        self.variables: dict[str, Any] = {}
        self.short: list[ExecutionResult | tuple[int, str]] = []
        self.passed: list[str] = []

    async def stream(self, document: str, **given: Any) -> AsyncGenerator[ExecutionResult, None]:
        """Return the results, one after the other, each once."""
        self.variables = given["variable_values"]
        self.context = given["context_value"]
        return self._all(self.results if "fields {" in document else self.short)

    async def _all(self, results: list[ExecutionResult | tuple[int, str]]) -> AsyncGenerator[ExecutionResult, None]:
        while results:
            result = results.pop(0)
            if isinstance(result, tuple):
                self.context.passed(result)
            else:
                yield result


class Finished:
    """A context that counts the events whose access log was written, and seals the cursors of one caller."""

    finished = 0
    principal = SERVICE
    cursor_key = b"k" * 32
    passed: Callable[[tuple[int, str]], None]

    def finish(self) -> None:
        """Count an event."""
        self.finished += 1


def failed(code: Code) -> GraphQLError:
    """Return an error with a code."""
    return GraphQLError("x", original_error=CodedError("x", code))


def change(number: int) -> dict[str, Any]:
    """Return what a subscription yields of a change."""
    return {"id": f"change {number}", "cursor": f"c{number}"}


async def unchanged(caller: Principal) -> Principal:
    """Return a caller whose teams have the owners that they had."""
    return caller


async def read(schema: Schema, now: int = 0, **values: Any) -> tuple[list[Any], Finished]:
    """Return the changes of all results, and the context."""
    context, rights = Finished(), WebhookRights(ReceiverHosts(), 100, b"k" * 32, lambda: now)
    events = WebhookEvents(schema, lambda *_: context, rights, unchanged)  # type: ignore[arg-type]  # results of a test
    return [each async for each in events.after(webhook(**values), "c1", schema.passed.append)], context


async def test_each_result_is_logged_and_yielded() -> None:
    """The access log of each event is written; a value that cannot be returned is null, as in a subscription."""
    unreadable = ExecutionResult(data={"changes": change(2)}, errors=[failed(Code.UNREADABLE)])
    schema = Schema(ExecutionResult(data={"changes": change(1)}, errors=None), unreadable)
    found, context = await read(schema, filter={"kinds": ["MODEL"]})
    assert (found, context.finished) == ([change(1), change(2)], 2)
    assert schema.variables == {"filter": {"kinds": ["MODEL"]}, "after": "c1"}


@pytest.mark.parametrize("data", [None, {"changes": 1}])
async def test_other_errors_are_failures(data: dict[str, Any] | None) -> None:
    """An event with an error of the server is not sent, whether it has data or not."""
    schema = Schema(ExecutionResult(data=data, errors=[failed(Code.STORE_UNAVAILABLE)]))
    with pytest.raises(CodedError) as found:
        await read(schema)
    assert found.value.code is Code.STORE_UNAVAILABLE


async def test_a_change_with_too_many_fields_is_sent_without_them() -> None:
    """It is read again without its fields, after the change before it; then the others follow, after it."""
    large = ExecutionResult(data=None, errors=[failed(Code.LIMIT_EXCEEDED)])
    first, last = (ExecutionResult(data={"changes": change(number)}, errors=None) for number in (1, 3))
    schema = Schema(first, large, last)
    schema.short = [ExecutionResult(data={"changes": change(2)}, errors=None)]
    found, _ = await read(schema)
    assert found == [change(1), {**change(2), "fields": None}, change(3)]
    assert schema.variables["after"] == "c2"


async def test_a_change_is_sent_later_if_the_share_of_the_log_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not too large: without its fields it would be lost to the receiver."""

    def spent(_context: Finished) -> None:
        raise LimitError("Your share is spent.", limit=LIMIT)

    monkeypatch.setattr(Finished, "finish", spent)
    with pytest.raises(LimitError):
        await read(Schema(ExecutionResult(data={"changes": change(1)}, errors=None)))


async def test_hidden_changes_are_passed_once() -> None:
    """The position after them is reported as a cursor of the owner, and the next document begins there."""
    large = ExecutionResult(data=None, errors=[failed(Code.LIMIT_EXCEEDED)])
    schema = Schema(ExecutionResult(data={"changes": change(1)}, errors=None), (7, "change 7"), large)
    schema.short = [(8, "change 8")]
    found, context = await read(schema)
    codec = commit_log_cursor(cast("Context", context))
    assert found == [change(1)]
    assert [codec.open(cursor) for cursor in schema.passed] == [(7, "change 7"), (8, "change 8")]
    assert codec.open(schema.variables["after"]) == (7, "change 7")


async def test_nothing_is_read_without_rights() -> None:
    """After the end of the rights no subscription begins."""
    schema = Schema()
    with pytest.raises(RightsEndedError):
        await read(schema, now=100)
    assert schema.variables == {}
