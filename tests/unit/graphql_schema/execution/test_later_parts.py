"""Parts that are completed later: values are set, the first of several errors counts, and a cancellation ends all."""

import asyncio
from typing import Any

import pytest

from graphql_schema.execution.later_parts import Later


async def value(given: Any) -> Any:
    """Return a value, or raise an error that is given."""
    await asyncio.sleep(0)
    if isinstance(given, Exception):
        raise given
    return given


def parts(**given: Any) -> Later[dict[str, Any]]:
    """Return an object whose parts are to be awaited."""
    return Later(iter(()), lambda *_: True, {name: value(each) for name, each in given.items()})


async def test_a_part_is_awaited_once() -> None:
    """Its value replaces what is awaited, and nothing is left to be awaited."""
    later = parts(a=1)
    later.awaited = "a"
    await later.wait()
    await later.wait()
    assert (later.completed, later.awaited, later.errors) == ({"a": 1}, None, {})


async def test_the_error_of_the_first_part_counts() -> None:
    """It is first in the order of the parts, however late it comes; the others are forgotten."""
    first, second = ValueError("a"), ValueError("b")
    later = parts(a=first, b=second, c=3)
    for name in "cba":
        await later.set(name)
    assert later.completed["c"] == 3
    assert later.first_error() is first
    assert later.errors == {}


async def test_a_cancellation_ends_all_parts() -> None:
    """The tasks have ended when it returns; a part that was cancelled is known as such."""
    later = parts(a=1)
    waiting = asyncio.Event()
    later.completed["b"] = waiting.wait()
    for name in later.completed:
        task = asyncio.create_task(later.set(name))
        later.tasks.add(task)
        task.add_done_callback(later.tasks.discard)
    await later.cancel()
    assert (later.tasks, later.is_cancelled) == (set(), True)
    assert all(not isinstance(each, ValueError) for each in later.errors.values())


async def test_a_cancelled_part_raises() -> None:
    """What cancels a part that is awaited in the task of the operation cancels this task as well."""
    later = parts()
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    later.completed["a"] = future
    with pytest.raises(asyncio.CancelledError):
        await later.set("a")
    assert later.is_cancelled
