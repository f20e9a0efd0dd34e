"""Precedence: who has it, and for how long."""

import asyncio

from graphql_schema.ports.turns.precedence import Precedence, has_precedence


async def test_a_precedence_ends_in_every_task_that_inherited_it() -> None:
    """A task has that of the task that started it, until this ends it; one that was started before has none."""
    goes_on = asyncio.Event()

    async def task() -> list[bool]:
        found = [has_precedence()]
        await goes_on.wait()
        return [*found, has_precedence()]

    before = asyncio.create_task(task())
    begun = Precedence.begin()
    during = asyncio.create_task(task())
    await asyncio.sleep(0)
    assert has_precedence()
    begun.end()
    assert not has_precedence()
    goes_on.set()
    assert (await before, await during) == ([False, False], [True, False])
