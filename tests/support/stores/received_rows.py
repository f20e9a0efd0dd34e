"""What a store client receives: the texts of its requests, and the size of their responses."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from support.stores.observed_requests import BESIDE

from app.graph.driver.gremlin_client import GremlinClient


@dataclass
class ReceivedRows:
    """The requests of a client in order: ``texts``, and for each the number of values in its response.

    Ids, records, edges and counts are one value each. ``characters`` are those of all texts in each response,
    ``sizes`` the bytes of each response.
    """

    texts: list[str] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    characters: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)


@contextmanager
def received_rows(client: GremlinClient) -> Iterator[ReceivedRows]:
    """Return what a client receives while the context is open, except for the statements of BESIDE."""
    received, submit = ReceivedRows(), client.submit

    async def counted(*args: Any, **more: Any) -> Any:
        response = await submit(*args, **more)
        if args[0].name in BESIDE:
            return response
        received.texts.append(args[0].text)
        received.values.append(sum(1 for _ in _values(response)))
        received.characters.append(sum(len(each) for each in _values(response) if isinstance(each, str)))
        received.sizes.append(len(orjson.dumps(response)))
        return response

    client.submit = counted  # type: ignore[method-assign]
    try:
        yield received
    finally:
        del client.submit


def _values(response: Any) -> Iterator[Any]:
    if isinstance(response, Mapping | list):
        for each in response.values() if isinstance(response, Mapping) else response:
            yield from _values(each)
    else:
        yield response
