"""Passes on what transactions of other processes touched, in parts, so that no callback of the event loop is long."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice

from app.graph.driver.gremlin_client import WriteWatch
from app.graph.records.touched import Touched
from graphql_schema.ports.operation_budget import OperationBudget


async def pass_on(touched: Touched, watches: Sequence[WriteWatch], seconds: float) -> None:
    """Let each of ``watches`` record the begin of what a transaction touched, and its end after some seconds.

    When this returns, the begin of all parts is recorded. If it is cancelled, those that have begun end nevertheless.
    """
    turns, ends = OperationBudget(), list[Callable[[], None]]()
    try:
        for part in touched.parts():
            if ends:
                await turns.pause()
            for watch in watches:
                watch.begun(part)
                ends.append(partial(watch.ended, part, certain=True))
    finally:
        asyncio.get_running_loop().call_later(seconds, _call_in_turns, iter(ends))


def _call_in_turns(calls: Iterator[Callable[[], None]]) -> None:
    """Make the next of some calls, and each of the others in a later iteration of the event loop."""
    for call in islice(calls, 1):
        call()
        asyncio.get_running_loop().call_soon(_call_in_turns, calls)
