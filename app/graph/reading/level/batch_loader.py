"""Loaders that do not keep their owner alive.

A loader that its owner refers to and whose function is a method of the owner is a cycle of references. What the loader
has read, such as all rows of an operation, would then stay in memory until a full garbage collection, which holds the
event loop.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Sequence
from typing import TypeVar, cast
from weakref import WeakMethod, ref

from aiodataloader import DataLoader

from graphql_schema.execution.failed_frames import forget_frames
from policies.errors import CodedError, LimitError

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


def batch_loader(
    method: Callable[..., Coroutine[object, object, Sequence[ValueT]]],
    *arguments: object,
    get_cache_key: Callable[[KeyT], Hashable] | None = None,
) -> DataLoader[KeyT, ValueT]:
    """Return a loader whose batches ``method`` reads, called with ``arguments`` and the keys.

    ``get_cache_key`` returns what identifies a key, by default the key. The owner of the method must live as long as
    results are awaited; without it each result is None.

    An expected error is the result of each key, which is read again when it is loaded again. If the method raised it in
    the loader, it would have a frame with the results, and these have the error. If the method is cancelled, because
    the operation has ended, an error is the result, too. Else a task that awaits it waits for ever, and keeps all rows.
    """
    weak = WeakMethod(method)

    async def load(keys: list[KeyT]) -> list[ValueT]:
        owned = weak()
        if owned is None:  # the operation was cancelled, so no resolver awaits the results
            return cast("list[ValueT]", [None] * len(keys))
        try:
            return list(await owned(*arguments, keys))
        except asyncio.CancelledError as error:
            forget_frames(error)
            return failed(keys, LimitError("The operation has ended."))
        except CodedError as error:
            forget_frames(error)
            return failed(keys, error)

    def failed(keys: list[KeyT], error: CodedError) -> list[ValueT]:
        if loader := weak_loader():
            for key in keys:
                loader.clear(key)
        return cast("list[ValueT]", [error] * len(keys))

    cache_key = cast("Callable[[KeyT], KeyT] | None", get_cache_key)
    loader = DataLoader[KeyT, ValueT](load, get_cache_key=cache_key)
    weak_loader = ref(loader)
    return loader
