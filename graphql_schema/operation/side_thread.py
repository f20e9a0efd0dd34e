"""The thread for work of many milliseconds on one request, so that the event loop serves others meanwhile."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

ParametersT = ParamSpec("ParametersT")
ResultT = TypeVar("ResultT")

_SIDE_THREAD: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="side")
"""A single thread, because threads take turns with the event loop: the loop keeps half of the time."""


async def run_aside(
    function: Callable[ParametersT, ResultT], *arguments: ParametersT.args, **options: ParametersT.kwargs
) -> ResultT:
    """Return the result of a function that runs in the side thread, after the calls that came before."""
    return await asyncio.get_running_loop().run_in_executor(_SIDE_THREAD, lambda: function(*arguments, **options))
