"""The subscription of changes: each once, in order, with the rights of the caller checked before every batch."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, cast

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.fields.context import Context
from graphql_schema.ports.conditions import Condition
from graphql_schema.ports.row import FeedBatch, PageItem, Row
from graphql_schema.schema import GraphSchema
from policies.errors import Code, CodedError, LimitError
from policies.principal import Principal

FOLLOW = (
    "subscription ($after: Cursor, $filter: ChangeFilter) { changes(after: $after, filter: $filter) { id cursor } }"
)
MODEL = "mlg://model/test/default/m"


class Feed:
    """A change feed of one test; a write is signalled with ``notice``."""

    def __init__(self) -> None:
        self.count = 0
        self.bound: int | None = None
        self.position = (0, "")
        self._noticed = asyncio.Event()

    def notice(self) -> None:
        """Signal a transaction."""
        self.count += 1
        self._noticed.set()

    async def wait(self, count: int) -> None:
        """See ChangeFeed."""
        while self.count == count:
            self._noticed.clear()
            await self._noticed.wait()

    def complete_until(self) -> int | None:
        """Return the bound of the feed."""
        return self.bound

    async def learn(self) -> None:
        """Return at once: there is no other process."""

    async def end(self) -> tuple[int, str]:
        """See ChangeFeed."""
        return self.position


class FeedGraph(PlainGraph):
    """A plain graph whose batches are positions of time, and which keeps the sizes of the batches."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self.examined = 0
        self.max_size = 500
        self.needs_few_ends = False
        self.weight = 0
        self.hidden_weight = 0
        self.context: Callable[[], Context]

    def change(self, at: int, **values: object) -> str:
        """Add a change of the model."""
        usual = {"subject": MODEL, "subjectKind": "MODEL", "actor": "ada", "action": "UPDATED", "fields": []}
        return self.add("CHANGE", f"c{at:03}", createdAt=at, **{**usual, **values})

    async def next_batch(
        self, kind: str, where: Condition, after: Sequence[Any], size: int, *, few_ends: bool = False
    ) -> FeedBatch:
        """See GraphReader; ``examined`` positions without a visible change come first, which may be too large."""
        self.sizes.append(0 if few_ends else size)
        if self.examined and (size > self.max_size or self.needs_few_ends > few_ends):
            raise LimitError("too large", limit="stored")
        if self.examined:
            self.examined -= 1
            self.context().budget.count_stored(size * self.hidden_weight)
            return FeedBatch((), (0, ""))
        found = (await super().next_batch(kind, where, (-1,), 1_000)).items
        items = [item._replace(position=(item.row.record["createdAt"], item.row.urn)) for item in found]
        later = [item for item in items if item.position > tuple(after)][:size]
        self.context().budget.count_stored(len(later) * self.weight)
        return FeedBatch(tuple(later), later[-1].position if later else None)


class Following:
    """A subscription of Ada."""

    def __init__(self, schema: GraphSchema, ada: Principal) -> None:
        self.schema = schema
        self.graph = FeedGraph()
        self.feed = Feed()
        self.checks = 0
        self.context = Context(
            ada,
            lambda *_: self.graph,
            self.graph,
            self.graph.report,
            b"k" * 32,
            lambda: 0,
            change_feed=self.feed,
            recheck=self.recheck,
        )
        self.graph.context = lambda: self.context

    async def recheck(self) -> Principal:
        """Authenticate the caller again; the hundredth time is refused, so that no test runs without end."""
        self.checks += 1
        if self.checks == 100:
            raise CodedError("The token expired.", Code.UNAUTHENTICATED)
        return self.context.principal

    async def events(self, **variables: object) -> AsyncIterator[ExecutionResult]:
        """Return the stream of events."""
        stream = await self.schema.subscribe(FOLLOW, variable_values=variables, context_value=self.context)
        return cast("AsyncIterator[ExecutionResult]", stream)


@pytest.fixture
def following(schema: GraphSchema, ada: Principal) -> Following:
    """Return a subscription over an empty graph."""
    return Following(schema, ada)


async def following_ids(stream: AsyncIterator[ExecutionResult], count: int) -> list[str]:
    """Return the ids of the next changes."""
    found = []
    async with asyncio.timeout(5):
        for _ in range(count):
            event = await anext(stream)
            assert event.errors is None
            found.append(event.data["changes"]["id"])
    return found


async def test_changes_since_the_subscription_are_sent_in_order(following: Following) -> None:
    """Older changes are not sent, and a change that is written later arrives without another request."""
    following.graph.change(1)
    following.feed.position = (1, "~")
    later = [following.graph.change(at) for at in (2, 3)]
    stream = await following.events()
    assert await following_ids(stream, 2) == later
    waiting = asyncio.ensure_future(following_ids(stream, 1))
    await asyncio.wait([waiting], timeout=0)
    assert not waiting.done()
    last = following.graph.change(4)
    following.feed.notice()
    assert await waiting == [last]


async def test_a_subscription_continues_after_a_cursor(following: Following) -> None:
    """The change of the cursor itself is not sent again."""
    first, second = following.graph.change(1), following.graph.change(2)
    stream = await following.events()
    async with asyncio.timeout(5):
        event = await anext(stream)
    assert event.data["changes"]["id"] == first
    again = await following.events(after=event.data["changes"]["cursor"])
    assert await following_ids(again, 1) == [second]


async def test_only_changes_of_the_filter_are_sent(following: Following) -> None:
    """A filter applies to every batch."""
    following.graph.change(1)
    of_bo = following.graph.change(2, actor="bo")
    stream = await following.events(filter={"actors": ["bo"]})
    assert await following_ids(stream, 1) == [of_bo]


async def test_hidden_changes_are_passed_in_growing_batches(following: Following) -> None:
    """Without a visible change the next batch is twice as large, up to 500; a visible one resets the size."""
    following.graph.examined = 7
    urn = following.graph.change(1)
    stream = await following.events()
    assert await following_ids(stream, 1) == [urn]
    assert following.graph.sizes == [20, 40, 80, 160, 320, 500, 500, 500]
    later = following.graph.change(2)
    assert await following_ids(stream, 1) == [later]
    assert following.graph.sizes[8:] == [20]


async def test_large_hidden_changes_are_passed_in_halved_batches(following: Following) -> None:
    """A batch that reads too much ends no subscription: what follows it arrives."""
    following.graph.examined, following.graph.max_size = 3, 3
    passed: list[object] = []
    following.context.passed = passed.append
    urn = following.graph.change(1)
    stream = await following.events()
    assert await following_ids(stream, 1) == [urn]
    assert following.graph.sizes == [20, 10, 5, 2, 4, 2, 4, 2, 4]
    assert passed == [(0, "")] * 3


async def test_of_a_large_change_few_far_ends_are_read(following: Following) -> None:
    """A single change that is too large with all its far ends is read with few of them, and the next ones follow."""
    following.graph.examined, following.graph.needs_few_ends = 1, True
    urn = following.graph.change(1)
    stream = await following.events()
    assert await following_ids(stream, 1) == [urn]
    assert following.graph.sizes == [20, 10, 5, 2, 1, 0, 2]


async def test_of_a_large_batch_no_change_is_kept(following: Following) -> None:
    """While a client reads an event slowly, its batch is in no memory; the others are read again, in order.

    Nor is the change of the event itself, which may have megabytes.
    """
    urns = [following.graph.change(at) for at in range(40)]
    following.graph.weight = 300_000
    stream = await following.events()
    assert await following_ids(stream, 1) == urns[:1]
    assert [each for each in gc.get_objects() if isinstance(each, PageItem) and each.row.urn in urns] == []
    assert [each for each in gc.get_objects() if isinstance(each, Row) and each.urn in urns] == []
    assert await following_ids(stream, 10) == urns[1:11]
    assert following.graph.sizes[:2] == [20, 3]
    following.graph.weight = 0
    assert await following_ids(stream, 29) == urns[11:]
    assert following.graph.sizes[-2:] == [6, 12] or following.graph.sizes[-1] == 20


async def test_large_hidden_batches_are_followed_by_shorter_ones(following: Following) -> None:
    """They are read at once, for all subscriptions with equal rights, and charged to none of them."""
    following.graph.examined = 12
    following.graph.hidden_weight = 1_000_000
    urn = following.graph.change(1)
    assert await following_ids(await following.events(), 1) == [urn]
    assert max(following.graph.sizes) <= 40


async def test_a_large_batch_that_a_write_ends_is_followed_by_a_shorter_one(following: Following) -> None:
    """Others write between all events, and each batch of large changes is not read again for each of them."""
    urns = [following.graph.change(at) for at in range(40)]
    following.graph.weight = 300_000
    stream = await following.events()
    for urn in urns[:12]:
        assert await following_ids(stream, 1) == [urn]
        following.feed.notice()
    assert following.graph.sizes[0] == 20
    assert max(following.graph.sizes[1:]) <= 6


async def test_a_write_ends_the_batch_that_was_read_before(following: Following) -> None:
    """The rest of a batch may be outdated, so it is read again with the rights of the caller at that time."""
    urns = [following.graph.change(at) for at in (1, 2, 3)]
    stream = await following.events()
    assert await following_ids(stream, 1) == urns[:1]
    del following.graph.records[urns[1]]
    following.feed.notice()
    assert await following_ids(stream, 1) == urns[2:]


async def test_the_caller_is_authenticated_before_each_batch(following: Following) -> None:
    """A token that is no longer valid ends the stream with its code, and no further change is sent."""
    following.checks = 98
    following.graph.change(1)
    stream = await following.events()
    await following_ids(stream, 1)
    following.graph.change(2)
    following.feed.notice()
    async with asyncio.timeout(5):
        event = await anext(stream)
    assert event.data is None
    assert [error.extensions["code"] for error in event.errors or ()] == ["UNAUTHENTICATED"]


async def test_a_change_that_may_be_a_part_of_a_transaction_waits(following: Following) -> None:
    """Changes after the bound of the feed are not sent before it moves, and then each once."""
    first, second, third = (following.graph.change(at) for at in (1, 3, 5))
    following.feed.bound = 2
    stream = await following.events(after=None)
    assert await following_ids(stream, 1) == [first]
    later = asyncio.create_task(following_ids(stream, 2))
    await asyncio.sleep(0)
    following.feed.bound = 4
    following.feed.notice()
    await asyncio.sleep(0)
    following.feed.bound = None
    following.feed.notice()
    assert await later == [second, third]
