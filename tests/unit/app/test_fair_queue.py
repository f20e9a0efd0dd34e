"""The queue that shares slots among callers."""

import asyncio
from collections.abc import AsyncIterator, Hashable

import pytest
from support.waiting import until

from app.fair_queue import PROCESS, FairQueue
from app.received_volumes import ReceivedVolumes
from policies.errors import LimitError


class Crowd:
    """Operations of several callers in a queue; each runs until it is let go."""

    def __init__(self, queue: FairQueue) -> None:
        self.queue = queue
        self.begun: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.ends: dict[str, asyncio.Event] = {}

    def add(self, caller: Hashable, name: str) -> None:
        """Send an operation of a caller."""
        self.ends[name] = asyncio.Event()
        self.tasks.append(asyncio.create_task(self._run(caller, name)))

    async def _run(self, caller: Hashable, name: str) -> None:
        async with self.queue.slot(caller):
            self.begun.append(name)
            await self.ends[name].wait()

    async def run_on(self) -> list[str]:
        """Let every task run as far as it can, and return the operations that have begun."""
        for _ in range(10):
            await asyncio.sleep(0)
        return self.begun


@pytest.fixture
async def crowd() -> AsyncIterator[Crowd]:
    """Return a queue of three slots, two for one caller, in which four of a caller may wait."""
    crowd = Crowd(FairQueue(slots=3, per_caller=2, waiting_per_caller=4))
    yield crowd
    for task in crowd.tasks:
        task.cancel()
    await asyncio.gather(*crowd.tasks, return_exceptions=True)


async def test_a_caller_gets_some_slots_and_leaves_the_others(crowd: Crowd) -> None:
    """Of four operations of one caller two run; one of another caller begins at once."""
    for number in range(4):
        crowd.add("eve", f"eve {number}")
    assert await crowd.run_on() == ["eve 0", "eve 1"]
    crowd.add("ada", "ada 0")
    assert await crowd.run_on() == ["eve 0", "eve 1", "ada 0"]


async def test_waiting_callers_take_turns(crowd: Crowd) -> None:
    """With all slots taken, freed slots go to each waiting caller in turn, in the order of each caller's operations."""
    crowd.add("bo", "bo 0")
    for number in range(4):
        crowd.add("eve", f"eve {number}")
    await crowd.run_on()
    for name in ("ada 0", "cy 0", "ada 1"):
        crowd.add(name.split()[0], name)
    assert await crowd.run_on() == ["bo 0", "eve 0", "eve 1"]
    for done in ("bo 0", "eve 0", "eve 1", "ada 0", "eve 2"):
        crowd.ends[done].set()
        await crowd.run_on()
    assert crowd.begun == ["bo 0", "eve 0", "eve 1", "ada 0", "eve 2", "cy 0", "ada 1", "eve 3"]


async def test_too_many_waiting_operations_are_refused(crowd: Crowd) -> None:
    """Two run and four wait; the seventh is refused with LIMIT_EXCEEDED, and another caller may still wait."""
    for number in range(6):
        crowd.add("eve", f"eve {number}")
    await crowd.run_on()
    with pytest.raises(LimitError) as caught:
        async with crowd.queue.slot("eve"):
            pass
    assert caught.value.extensions == {"limit": "waiting", "maximum": 4}
    crowd.add("ada", "ada 0")
    assert "ada 0" in await crowd.run_on()


async def test_a_client_that_leaves_gives_its_place_back(crowd: Crowd) -> None:
    """A waiting or running operation that is cancelled leaves no place or slot occupied."""
    for number in range(4):
        crowd.add("eve", f"eve {number}")
    await crowd.run_on()
    for place in (2, 0):
        crowd.tasks[place].cancel()
        await crowd.run_on()
    assert crowd.begun == ["eve 0", "eve 1", "eve 3"]
    for end in crowd.ends.values():
        end.set()
    await until(lambda: all(task.done() for task in crowd.tasks))
    crowd.add("eve", "later 0")
    crowd.add("eve", "later 1")
    assert (await crowd.run_on())[-2:] == ["later 0", "later 1"]


async def test_clients_that_leave_together_occupy_nothing(crowd: Crowd) -> None:
    """When running and waiting operations are cancelled at once, no slot goes to one that has just left."""
    for number in range(6):
        crowd.add("eve", f"eve {number}")
    await crowd.run_on()
    for place in (0, 1, 2, 3):
        crowd.tasks[place].cancel()
    assert await crowd.run_on() == ["eve 0", "eve 1", "eve 4", "eve 5"]
    assert [task.cancelled() for task in crowd.tasks] == [True] * 4 + [False] * 2


async def test_the_process_goes_first(crowd: Crowd) -> None:
    """What the process does itself waits for no caller that waits; it may have every slot, and has turns otherwise."""
    for number in range(3):
        crowd.add("eve", f"eve {number}")
        crowd.add("ada", f"ada {number}")
    assert await crowd.run_on() == ["eve 0", "ada 0", "eve 1"]
    for number in range(4):
        crowd.add(PROCESS, f"own {number}")
    for done in ("ada 0", "eve 0", "eve 1", "own 0", "own 1"):
        crowd.ends[done].set()
        await crowd.run_on()
    assert crowd.begun[3:] == ["own 0", "own 1", "own 2", "own 3", "ada 1"]


async def test_callers_leave_slots_to_the_process() -> None:
    """Of four slots, callers have three while the process has none, and as many as are left while it has more."""
    crowd = Crowd(FairQueue(slots=4, per_caller=2, reserved=1))
    for who in ("eve", "ada"):
        for number in range(3):
            crowd.add(who, f"{who} {number}")
    assert await crowd.run_on() == ["eve 0", "eve 1", "ada 0"]
    crowd.add(PROCESS, "own 0")
    crowd.add(PROCESS, "own 1")
    assert (await crowd.run_on())[3:] == ["own 0"]
    for done, begun in (("eve 0", "own 1"), ("eve 1", "eve 2"), ("own 0", "ada 1"), ("own 1", "ada 1")):
        crowd.ends[done].set()
        assert (await crowd.run_on())[-1] == begun
    for end in crowd.ends.values():
        end.set()
    await asyncio.gather(*crowd.tasks, return_exceptions=True)


async def test_a_caller_without_a_slot_gets_a_spare_one() -> None:
    """A few callers who hold all slots for long let others go on, one operation each, until the spare ones are used."""
    crowd = Crowd(FairQueue(slots=2, per_caller=2, spare=2))
    for name in ("eve 0", "eve 1", "eve 2", "ada 0", "ada 1", "bo 0", "cy 0"):
        crowd.add(name.split()[0], name)
    assert await crowd.run_on() == ["eve 0", "eve 1", "ada 0", "bo 0"]
    crowd.ends["eve 0"].set()
    assert await crowd.run_on() == ["eve 0", "eve 1", "ada 0", "bo 0", "cy 0"]
    for name in ("eve 1", "bo 0", "cy 0"):
        crowd.ends[name].set()
    assert (await crowd.run_on())[5:] == ["eve 2"]
    for each in crowd.ends.values():
        each.set()
    await asyncio.gather(*crowd.tasks)


async def test_spare_slots_are_not_those_of_the_process() -> None:
    """Without spare slots, those that the others leave to the process stay free for it."""
    crowd = Crowd(FairQueue(slots=2, per_caller=2, reserved=1))
    crowd.add("eve", "eve 0")
    crowd.add("ada", "ada 0")
    assert await crowd.run_on() == ["eve 0"]
    crowd.add(PROCESS, "write")
    assert await crowd.run_on() == ["eve 0", "write"]
    for each in crowd.ends.values():
        each.set()
    await asyncio.gather(*crowd.tasks)


async def test_a_caller_who_received_too_much_has_more_slots_when_time_has_passed() -> None:
    """Its second operation begins beside the first one, which may last for minutes: no release need give the slot."""
    crowd = Crowd(FairQueue(slots=3, per_caller=2, volumes=ReceivedVolumes(limit=0, per_second=20_000)))
    await crowd.queue.acquire("eve")
    crowd.queue.release("eve", 10_000)
    for number in range(2):
        crowd.add("eve", f"eve {number}")
    assert await crowd.run_on() == ["eve 0"]
    await until(lambda: crowd.begun == ["eve 0", "eve 1"])
    for end in crowd.ends.values():
        end.set()
    await asyncio.gather(*crowd.tasks)
