"""A batch of a call: its end and its outcomes."""

import asyncio

import pytest
from support.stores.in_memory_writer import ROOT, Memory
from support.stores.memory_store import Callers, MemoryStore

from policies.errors import LimitError


async def test_a_call_that_has_ended_gets_no_outcomes(memory: Memory) -> None:
    """A call whose budget has ended has its error, and a cancelled call takes neither outcomes nor an error."""
    callers = Callers(MemoryStore(memory))
    late, gone, good = (callers.batch(ROOT) for _ in range(3))
    late.budget.end(LimitError("too long"))
    gone.done.cancel()
    assert (late.is_over, gone.is_over, good.is_over) == (True, True, False)
    late.complete([])
    with pytest.raises(LimitError):
        await late.done
    gone.fail(ValueError())
    with pytest.raises(asyncio.CancelledError):
        await gone.done
    good.complete([])
    assert good.is_over
