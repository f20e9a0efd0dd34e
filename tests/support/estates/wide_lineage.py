"""A lineage of many assets behind one root, made without a store or a policy, and which threads calculate over it."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from support.estates.plain_rows import PlainAccess, plain_row
from support.stores.plain_reader import PlainGraph

from graphql_schema.ports.lineage_query import Completeness, LineageQuery, LineageResult, ReachedEdge, ReachedNode
from graphql_schema.ports.row import MaskedRecord

ROOT = "mlg://dataset/test/default/root"


class WideLineage(PlainGraph):
    """Each walk reaches ``count`` datasets, each with an edge from the root."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    async def walk(self, walk: LineageQuery) -> LineageResult:
        """See GraphReader."""
        rows = [plain_row("DATASET", "root"), *(plain_row("DATASET", f"d{number:05}") for number in range(self.count))]
        nodes = [ReachedNode(row, min(number, 1), ()) for number, row in enumerate(rows)]
        edges = []
        for each in nodes[1:]:
            ends = {"id": f"DERIVES:{each.row.urn}", "from": ROOT, "to": each.row.urn}
            record = {**ends, "relation": "DERIVES", "origin": "DECLARED"}
            edges.append(ReachedEdge(MaskedRecord("LineageEdge", ends["id"], record, PlainAccess()), each.place))
        completeness = Completeness((), False, len(nodes), walk.depth, None, self.pin)  # noqa: FBT003 - as declared
        return LineageResult(nodes, edges, (), completeness)


def noted_threads(monkeypatch: pytest.MonkeyPatch, owner: object, *names: str) -> set[tuple[str, int]]:
    """Return a set that gets the name of each of these functions of ``owner``, and the thread that it runs in."""
    threads: set[tuple[str, int]] = set()

    def noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            threads.add((name, threading.get_ident()))
            return function(*arguments, **options)

        return run

    for name in names:
        monkeypatch.setattr(owner, name, noting(name, getattr(owner, name)))
    return threads
