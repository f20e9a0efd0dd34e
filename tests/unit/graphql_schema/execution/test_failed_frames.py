"""What failed work has read is freed without a garbage collection."""

import asyncio
import gc
import sys
from collections.abc import Iterator
from weakref import WeakSet

import pytest

from graphql_schema.execution.failed_frames import forget_failed, forget_frames
from policies.errors import LimitError


class Read:
    """Something that an operation has read."""


@pytest.fixture(autouse=True)
def no_collections() -> Iterator[None]:
    """Let no garbage collection run during a test."""
    gc.disable()
    yield
    gc.enable()


async def test_what_a_failed_task_group_read_is_freed() -> None:
    """Of three tasks one fails and two are cancelled; their errors, that of the group and its frames are a cycle."""
    living = WeakSet[Read]()

    async def reading(error: Exception | None) -> None:
        read = Read()
        living.add(read)
        async with asyncio.TaskGroup() as group:
            await group.create_task(asyncio.sleep(0))
            if error is not None:
                raise error
            await asyncio.Event().wait()

    async def all_of_it() -> None:
        tasks: list[asyncio.Task[None]] = []
        try:
            async with asyncio.TaskGroup() as group:
                tasks += [group.create_task(reading(error)) for error in (None, LimitError("Too many."), None)]
        finally:
            forget_failed(tasks)
            forget_frames(sys.exception())

    with pytest.raises(ExceptionGroup):
        await all_of_it()
    assert not [*living]


async def test_the_error_behind_a_cancelled_task_holds_no_frame() -> None:
    """A task may be cancelled while it handles an error, which a budget keeps."""
    kept = LimitError("Too many.")

    async def handling() -> None:
        try:
            raised(kept)
        except LimitError:
            await asyncio.Event().wait()

    task = asyncio.create_task(handling())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    forget_failed([task])
    assert kept.__traceback__ is None


def raised(error: BaseException) -> None:
    """Raise an error."""
    raise error


def test_an_error_that_is_kept_holds_no_frame() -> None:
    """The error behind it is freed of its frames, too; that of a defect keeps them, as its log needs them."""
    living, kept, defect = WeakSet[Read](), LimitError("Too many."), KeyError("x")

    def fail() -> None:
        read = Read()
        living.add(read)
        try:
            raised(asyncio.CancelledError())
        except asyncio.CancelledError:
            raised(kept)

    with pytest.raises(LimitError):
        fail()
    assert [*living]
    forget_frames(kept)
    assert not [*living]
    with pytest.raises(KeyError):
        raised(defect)
    forget_frames(defect)
    assert defect.__traceback__ is not None


async def test_the_errors_of_a_group_are_visited_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two thousand tasks a thousand fail: each cancelled one would lead to the group, and to all errors in it."""
    contexts: list[BaseException | None] = []

    def visited(error: BaseException) -> list[object]:
        contexts.append(error.__context__)
        return []

    monkeypatch.setattr("graphql_schema.execution.failed_frames.forget_frames", visited)
    tasks = [asyncio.create_task(asyncio.Event().wait()) for _ in range(3)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    try:
        raised(ExceptionGroup("failed", [LimitError("Too many."), LimitError("Too many.")]))
    except ExceptionGroup:
        forget_failed(tasks)
    assert contexts == [None] * 3


async def test_an_unexpected_error_keeps_its_frames_for_the_log() -> None:
    """Also if its result was read before: the task then no longer has the frames, but the error does."""

    async def fail() -> None:
        raise RuntimeError

    task = asyncio.ensure_future(fail())
    with pytest.raises(RuntimeError) as raised:
        await task
    forget_failed([task])
    names, frame = list[str](), raised.value.__traceback__
    while frame is not None:
        names.append(frame.tb_frame.f_code.co_name)
        frame = frame.tb_next
    assert names[-1] == "fail"
