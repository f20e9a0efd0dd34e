"""The event loop, client and graph of hypothesis state machines, whose rules are called outside of any event loop."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from support.stores.janusgraph import StoreGraph

from app.graph.driver.gremlin_client import GremlinClient
from policies.policy import Policy

T = TypeVar("T")


@dataclass
class WriterMachine:
    """The resources of a state machine: one event loop, one client, one graph."""

    runner: asyncio.Runner
    graph: StoreGraph
    client: GremlinClient
    policy: Policy

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end."""
        return self.runner.run(work)
