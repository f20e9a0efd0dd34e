"""What a store client receives: the texts of its requests, and the size of their responses."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from app.graph.admin.index_repair import COMPARE
from app.graph.admin.index_watch import READ_POSITION, STORE_POSITION
from app.graph.commits.write_log import LEARN
from app.graph.driver.gremlin_client import GremlinClient

BESIDE = (LEARN, COMPARE, READ_POSITION, STORE_POSITION)
"""Statements that a process sends beside those of operations, because other processes write to its store."""


@dataclass
class ReceivedRows:
    """The requests of a client in order: ``texts``, and for each the number of values in its response.

    Ids, records, edges and counts are one value each. ``characters`` are those of all texts in each response.
    """

    texts: list[str] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    characters: list[int] = field(default_factory=list)


@contextmanager
def received_rows(client: GremlinClient) -> Iterator[ReceivedRows]:
    """Return what a client receives while the context is open, except for the statements BESIDE operations."""
    received, submit = ReceivedRows(), client.submit

    async def counted(*args: Any, **more: Any) -> Any:
        response = await submit(*args, **more)
        if args[0] in BESIDE:
            return response
        received.texts.append(args[0].text)
        received.values.append(sum(1 for _ in _values(response)))
        received.characters.append(sum(len(each) for each in _values(response) if isinstance(each, str)))
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
