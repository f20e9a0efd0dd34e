"""The check for transactions of other processes, without a store."""

import asyncio
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from app.graph.commits.commit_log import CommitLog
from app.graph.driver.errors import StoreUnavailableError


class Responses:
    """A client that raises or returns one response after the other."""

    def __init__(self, *responses: Exception | list[object]) -> None:
        self.responses = list(responses)

    async def submit(self, *_request: object) -> list[object]:
        """See :class:`app.graph.driver.gremlin_client.GremlinClient`."""
        response = self.responses.pop(0)
        if isinstance(response, Exception):
            raise response
        return response


@pytest.mark.parametrize(
    ("failure", "event"),
    [
        (StoreUnavailableError("down"), "commit_log_unread"),
        (TypeError("a value of another type"), "commit_log_failed"),
    ],
)
async def test_a_failed_check_is_logged_and_repeated(failure: Exception, event: str) -> None:
    """After a check that fails with any error, the next check finds the transaction and wakes the waiting reader."""
    log = CommitLog()
    client: Any = cast("Any", Responses(failure, KeyError("newest"), [7]))
    waiting = asyncio.create_task(log.wait(log.count))
    with capture_logs() as logs:
        watching = asyncio.create_task(log.watch(client, seconds=0))
        await asyncio.wait([waiting, watching], return_when=asyncio.FIRST_COMPLETED)
    assert (waiting.done(), watching.done()) == (True, False)
    assert [line["event"] for line in logs] == [event, "commit_log_failed"]
    watching.cancel()
