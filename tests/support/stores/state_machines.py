"""What state machines of hypothesis work on, whose rules are called from outside of any event loop."""

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
    """What the machine works on: one event loop, one client, one graph."""

    runner: asyncio.Runner
    graph: StoreGraph
    client: GremlinClient
    policy: Policy

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end."""
        return self.runner.run(work)
