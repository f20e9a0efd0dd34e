"""What subscriptions share: results until the next transaction, and turns."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from app.runtime import fan_out
from app.runtime.fan_out import FanOut, SubscriptionFanOut, SubscriptionTurns
from graphql_schema.fields.context import Context
from graphql_schema.ports.operation_budget import OperationBudget
from policies.principal import Principal, PrincipalKind

ADA = Principal("ada", PrincipalKind.PERSON, "default")
BO = Principal("bo", PrincipalKind.PERSON, "default")


@pytest.fixture(autouse=True)
def _slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no turn become long unless a test wants it."""
    monkeypatch.setattr(fan_out, "LONG_SECONDS", 30.0)


class Commits:
    """A counter of transactions."""

    count = 0


def none(_principal: Principal) -> Context:
    """Open no context."""
    raise NotImplementedError


def subscription(shared: FanOut, caller: str, *, strict: bool = False) -> SubscriptionFanOut:
    """Return what one subscription shares."""
    return SubscriptionFanOut(shared, ("default", caller), strict, none)


async def some_turns() -> None:
    """Give the event loop so many turns that all tasks run which wait for one another only, at whatever speed."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_callers_with_equal_rights_share_results() -> None:
    """Two subscriptions of ada share; one with hidden fields as errors does not, and bo and ada with a role do not."""
    shared = FanOut(lambda: 0)
    first = subscription(shared, "ada").results(ADA)
    assert subscription(shared, "ada").results(ADA) is first
    others = [
        subscription(shared, "ada", strict=True).results(ADA),
        subscription(shared, "bo").results(BO),
        subscription(shared, "ada").results(Principal("ada", PrincipalKind.PERSON, "default", roles=frozenset({"r"}))),
    ]
    assert all(each is not first for each in others)


async def test_results_are_new_after_a_transaction_and_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was read before a transaction of this process, or long ago, is read again."""
    commits = Commits()
    shared = FanOut(lambda: commits.count)
    first = shared.results("a")
    commits.count += 1
    second = shared.results("a")
    assert second is not first
    monkeypatch.setattr(fan_out, "FRESH_SECONDS", -1.0)
    assert shared.results("a") is not second


@pytest.fixture
def freed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return the list to which results are added that are to be freed in turns of the event loop."""
    given = list[object]()
    monkeypatch.setattr(fan_out, "RELEASE", SimpleNamespace(free=given.extend))
    return given


async def test_old_results_are_dropped_without_a_further_event(
    monkeypatch: pytest.MonkeyPatch, freed: list[object]
) -> None:
    """They may have megabytes, and the subscriptions with these rights may have ended."""
    monkeypatch.setattr(fan_out, "FRESH_SECONDS", 0.01)
    shared = FanOut(lambda: 0)
    results = shared.results("a")
    async with asyncio.timeout(5):
        while not freed:  # noqa: ASYNC110 - until a timer of the event loop ends
            await asyncio.sleep(0)
    assert freed == [results]


async def test_old_results_are_freed_in_turns_where_new_ones_take_their_place(
    monkeypatch: pytest.MonkeyPatch, freed: list[object]
) -> None:
    """The timer of the old ones may be late, if the event loop is held."""
    shared = FanOut(lambda: 0)
    first = shared.results("a")
    monkeypatch.setattr(fan_out, "FRESH_SECONDS", -1.0)
    assert shared.results("a") is not first
    assert freed == [first]


async def test_results_are_dropped_at_a_transaction(freed: list[object]) -> None:
    """Hundreds of transactions in a second would otherwise keep as many results."""
    commits = Commits()
    shared = FanOut(lambda: commits.count)
    first = shared.results("a")
    commits.count += 1
    shared.results("b")
    assert freed == [{"a": first}]


async def test_a_caller_has_one_turn_at_once() -> None:
    """The second subscription of a caller waits for the end of the first turn, and another caller does not."""
    shared = FanOut(lambda: 0)
    first, second, other = (subscription(shared, who) for who in ("ada", "ada", "bo"))
    await first.begin_turn()
    await first.begin_turn()
    await other.begin_turn()
    waiting = asyncio.create_task(second.begin_turn())
    await some_turns()
    assert not waiting.done()
    first.end_turn()
    first.end_turn()
    async with asyncio.timeout(5):
        await waiting


async def test_few_callers_have_a_turn_at_once() -> None:
    """However many callers there are, most of the store and of the event loop is left to other operations."""
    shared = FanOut(lambda: 0)
    waiting = [asyncio.create_task(subscription(shared, str(number)).begin_turn()) for number in range(20)]
    await some_turns()
    assert sum(task.done() for task in waiting) == fan_out.TURNS < 8
    for task in waiting:
        task.cancel()


async def test_callers_with_large_turns_leave_one_to_others() -> None:
    """Ten callers whose last event read much have all turns but one, for ten minutes."""
    now = 0.0
    turns = SubscriptionTurns(lambda: now)
    slow = [f"slow {number}" for number in range(10)]
    for caller in slow:
        turn = await turns.begin(caller)
        turn.end(is_large=True)
    waiting = [asyncio.create_task(turns.begin(caller)) for caller in slow]
    await some_turns()
    begun = [task.result() for task in waiting if task.done()]
    assert len(begun) == fan_out.TURNS - 1
    for _ in range(3):
        async with asyncio.timeout(5):
            (await turns.begin("quick")).end()
    for turn in begun:
        turn.end(is_large=True)
    for task in waiting[len(begun) :]:
        async with asyncio.timeout(5):
            (await task).end(is_large=True)
    assert (turns.all.running, turns.slow.running) == (0, 0)
    now += fan_out.REMEMBERED_SECONDS
    assert not (await turns.begin(slow[0])).is_slow


@pytest.mark.parametrize(
    ("rows", "stored", "is_slow"), [(0, 0, False), (2_000, 2**23, False), (2_001, 0, True), (0, 2**23 + 1, True)]
)
async def test_a_caller_is_slow_by_what_its_turns_read(rows: int, stored: int, *, is_slow: bool) -> None:
    """The time that a turn takes depends on those of others as well. What others have read for it does not count."""
    shared, budget = FanOut(lambda: 0), OperationBudget()
    context = cast("Context", SimpleNamespace(budget=budget))
    follower = SubscriptionFanOut(shared, ("default", "ada"), False, lambda _: context)  # noqa: FBT003
    await follower.begin_turn()
    follower.open(ADA, of_event=True)
    budget.rows, budget.stored = rows, stored
    follower.end_turn()
    turn = await shared.turns.begin(("default", "ada"))
    assert turn.is_slow is is_slow
    turn.end()
    reader = SubscriptionFanOut(shared, ("default", "bo"), False, lambda _: context)  # noqa: FBT003
    await reader.begin_turn()
    reader.open(BO)  # for changes, which anybody may have made
    reader.end_turn()
    assert not (await shared.turns.begin(("default", "bo"))).is_slow


async def test_turns_that_become_long_leave_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the first events of many callers take long, others begin; other turns of these callers are slow ones.

    A caller whose turn was long only because of others is not slow afterwards.
    """
    monkeypatch.setattr(fan_out, "LONG_SECONDS", 0.01)
    turns = SubscriptionTurns()
    async with asyncio.timeout(5):
        long = [await turns.begin(f"slow {number}") for number in range(fan_out.LONG_TURNS)]
        for _ in range(fan_out.TURNS):
            (await turns.begin("quick")).end()
        while turns.all.running:  # noqa: ASYNC110 - until timers of the event loop end
            await asyncio.sleep(0)  # the last of them become long
    waiting = [asyncio.create_task(turns.begin(turn.caller)) for turn in long]
    await some_turns()
    again = [task.result() for task in waiting if task.done()]
    assert len(again) == fan_out.TURNS - 1
    for turn in (*again, *long):
        turn.end()
    for task in waiting[len(again) :]:
        (await task).end()
    assert (turns.all.running, turns.slow.running) == (0, 0)
    assert not any([(await turns.begin(turn.caller)).is_slow for turn in long[: fan_out.TURNS]])


async def test_few_turns_go_on_without_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may have read all that an operation may; those of sixty callers would take gigabytes."""
    monkeypatch.setattr(fan_out, "LONG_SECONDS", 0.01)
    turns = SubscriptionTurns()
    callers = iter(range(99))
    async with asyncio.timeout(5):
        first, *long = [await turns.begin(next(callers)) for _ in range(fan_out.LONG_TURNS + fan_out.TURNS)]
        monkeypatch.setattr(fan_out, "LONG_SECONDS", 0.001)
        waiting = asyncio.create_task(turns.begin("quick"))
        await asyncio.wait([waiting], timeout=0.05)
        assert (waiting.done(), turns.all.running) == (False, fan_out.TURNS)
        first.end()
        (await waiting).end()
    for turn in long:
        turn.end()
    assert (turns.all.running, turns.slow.running) == (0, 0)


async def test_a_small_turn_does_not_hide_that_others_of_its_caller_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller could otherwise have one small subscription beside large ones, and would never be slow."""
    monkeypatch.setattr(fan_out, "LONG_SECONDS", 0.01)
    turns = SubscriptionTurns()
    small = await turns.begin("caller")
    async with asyncio.timeout(5):
        large = await turns.begin("caller")  # the small one has become long
    assert large.is_slow
    large.end(is_large=True)
    small.end()
    assert (await turns.begin("caller")).is_slow
    (await turns.begin("other")).end()
    assert not (await turns.begin("other")).is_slow


async def test_turns_that_wait_already_become_slow_ones() -> None:
    """Six callers begin ten long events each at once, and are known as slow only after the first of them."""
    turns = SubscriptionTurns()
    waiting = [asyncio.create_task(turns.begin(f"slow {number % 6}")) for number in range(60)]
    waits = list[bool]()
    while waiting:
        quick = asyncio.create_task(turns.begin("quick"))
        await some_turns()
        begun = [task.result() for task in waiting if task.done()]
        waiting = [task for task in waiting if not task.done()]
        waits.append(not quick.done())
        if quick.done():
            quick.result().end()
        for turn in begun:
            turn.end(is_large=True)
        if waits[-1]:
            quick.cancel()
            await asyncio.wait([quick])
    assert sum(waits) <= 2
    assert len(waits) >= 60 // fan_out.TURNS
    assert (turns.all.running, turns.slow.running) == (0, 0)


async def test_a_slow_caller_that_leaves_while_it_waits_holds_no_turn() -> None:
    """A subscription may end while it waits for a turn, in either queue."""
    turns = SubscriptionTurns()
    (await turns.begin("slow")).end(is_large=True)
    held = [await turns.begin(f"quick {number}") for number in range(fan_out.TURNS)]
    waiting = asyncio.create_task(turns.begin("slow"))
    await some_turns()
    assert (waiting.done(), turns.slow.running) == (False, 1)
    waiting.cancel()
    await asyncio.wait([waiting])
    for each in held:
        each.end()
    assert (turns.all.running, turns.slow.running) == (0, 0)
