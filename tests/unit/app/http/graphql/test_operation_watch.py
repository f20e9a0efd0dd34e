"""The watch over an operation: its deadline, its budget, and the departure of its client."""

import asyncio
import gc
from weakref import WeakSet

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message
from support.waiting import until

from app.http.connections.departure import Departure
from app.http.graphql import operation_watch
from app.http.graphql.graphql_request import RequestLimits
from app.http.graphql.operation_watch import watched
from graphql_schema.ports.operation_budget import OperationBudget
from policies.errors import CodedError, InvalidError, LimitError

LIMITS = RequestLimits()
"""Those of the product, which no test reaches."""


class Client:
    """A client that sends an empty body, and leaves after its event."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.body_sent = False

    async def receive(self) -> Message:
        """Return the body, then the disconnect once the client has left."""
        if not self.body_sent:
            self.body_sent = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    @property
    def departure(self) -> Departure:
        """Return the departure of the client, after the body of its request."""
        return Departure(self.receive)


class Work:
    """An operation that runs until its event, and records how it ended."""

    def __init__(self, budget: OperationBudget) -> None:
        self.budget = budget
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.ended = ""

    async def run(self) -> str:
        """Return a result after the event."""
        self.begun.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        self.ended = "completed"
        return "result"


@pytest.fixture
def budget() -> OperationBudget:
    """Return the budget of a query."""
    return OperationBudget()


async def test_a_result_is_returned(budget: OperationBudget) -> None:
    """An operation that ends in time returns its result, and its budget has not ended."""
    work = Work(budget)
    work.may_end.set()
    assert await watched(Client().departure, work.run(), budget, LIMITS) == "result"
    assert budget.ended is None


async def test_an_error_is_raised(budget: OperationBudget) -> None:
    """An error of the operation passes through unchanged."""

    async def fails() -> None:
        raise InvalidError("wrong")

    with pytest.raises(InvalidError, match="wrong"):
        await watched(Client().departure, fails(), budget, LIMITS)


async def test_a_query_ends_when_its_client_leaves(budget: OperationBudget) -> None:
    """The query is cancelled at once, and its budget ends, so that no further request is sent to the store."""
    client, work = Client(), Work(budget)
    watching = asyncio.create_task(watched(client.departure, work.run(), budget, LIMITS))
    await work.begun.wait()
    client.left.set()
    with pytest.raises(ClientDisconnect):
        await watching
    assert work.ended == "cancelled"
    with pytest.raises(CodedError):
        budget.check()


async def test_a_mutation_whose_client_leaves_completes_its_transaction(budget: OperationBudget) -> None:
    """A mutation is not cancelled; its budget ends, so that it begins no further transaction."""
    budget.writes = True
    client, work = Client(), Work(budget)
    watching = asyncio.create_task(watched(client.departure, work.run(), budget, LIMITS))
    await work.begun.wait()
    client.left.set()
    await until(lambda: budget.ended is not None)
    assert not watching.done()
    work.may_end.set()
    with pytest.raises(ClientDisconnect):
        await watching
    assert work.ended == "completed"


@pytest.mark.parametrize("seconds", [60, 0.01])
async def test_no_response_of_a_mutation_is_made_for_a_client_that_left(
    budget: OperationBudget, seconds: float
) -> None:
    """A mutation that has written, and only makes its response, is cancelled at once, also after its deadline."""
    budget.writes = budget.responds = True
    client, work = Client(), Work(budget)
    limits = RequestLimits(query_seconds=seconds, mutation_seconds=seconds)
    watching = asyncio.create_task(watched(client.departure, work.run(), budget, limits))
    await work.begun.wait()
    if seconds < 1:
        await until(lambda: budget.ended is not None)
    assert not watching.done()
    client.left.set()
    with pytest.raises(ClientDisconnect):
        await watching
    assert work.ended == "cancelled"


async def test_a_query_ends_at_its_deadline(budget: OperationBudget) -> None:
    """After the deadline the query is cancelled, and the error says what to do."""
    short = RequestLimits(query_seconds=0.05)
    work = Work(budget)
    with pytest.raises(LimitError, match=r"longer than 0.05 s\. Use a smaller `first`") as caught:
        await watched(Client().departure, work.run(), budget, short)
    assert caught.value.extensions == {"limit": "seconds", "maximum": 0.05}
    assert work.ended == "cancelled"


async def test_a_mutation_has_more_time(budget: OperationBudget) -> None:
    """A mutation goes on after the deadline of queries, until its own; then it completes its transaction."""
    short = RequestLimits(query_seconds=0.01, mutation_seconds=0.06)
    budget.writes = True
    work = Work(budget)
    watching = asyncio.create_task(watched(Client().departure, work.run(), budget, short))
    await work.begun.wait()
    await until(lambda: budget.ended is not None)
    assert budget.ended is not None
    assert "read the state" in budget.ended.message
    work.may_end.set()
    assert await watching == "result"


async def test_a_query_that_exceeds_its_budget_raises_the_limit(budget: OperationBudget) -> None:
    """A limit that is reached during the query ends it at once, with the error of that limit."""
    work = Work(budget)

    async def query() -> str:
        budget.end(LimitError("too many", limit="items"))
        return await work.run()

    with pytest.raises(LimitError, match="too many"):
        await watched(Client().departure, query(), budget, LIMITS)
    assert work.ended in {"", "cancelled"}


async def test_an_ended_operation_keeps_nothing_that_it_read(
    budget: OperationBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The budget keeps its error; the frames of the query, and of a loader that raises it later, are freed.

    Here no time passes between the rests, as in a process that was paused, and the loader goes on between them.
    """
    monkeypatch.setattr(operation_watch, "REST_SECONDS", 0.0)
    living, late = WeakSet[Client](), asyncio.Event()

    async def load() -> None:
        living.add(read := Client())
        await late.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        assert read.body_sent is False
        budget.check()

    async def query() -> None:
        living.add(read := Client())
        loading.append(asyncio.create_task(load()))
        await asyncio.sleep(0)
        budget.end(LimitError("Too many."))
        assert read.body_sent is False
        budget.check()

    loading: list[asyncio.Task[None]] = []
    gc.disable()
    try:
        with budget.request(), pytest.raises(LimitError):
            await watched(Client().departure, query(), budget, LIMITS)
        late.set()
        await asyncio.wait(loading)
        assert isinstance(loading.pop().exception(), LimitError)
        await until(lambda: not [*living])
    finally:
        gc.enable()
