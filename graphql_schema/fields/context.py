"""What resolvers share during one operation: who asks, how to read and write, and what to note beside the data."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import strawberry

from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.protocols import ChangeFeed, GraphReader, GraphWriter
from policies.gates import NO_GATES, Gates
from policies.principal import Principal


def _now() -> int:
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Context:
    """The state of one operation.

    ``open_reader`` makes a caller's reader of the graph and the policy of that moment, or of the graph as it was
    ``as_of`` an instant.
    A subscription is an operation that lasts: ``journal`` tells it when to read on, and ``recheck`` who its caller is
    by then; it raises what authentication raises. ``gates`` are the installation's, ``clock`` tells epoch milliseconds.
    """

    principal: Principal
    open_reader: Callable[[Principal, int | None], GraphReader]
    writer: GraphWriter
    notes: PolicyReport
    cursor_key: bytes
    request_id: str = ""
    gates: Gates = NO_GATES
    clock: Callable[[], int] = _now
    log_access: Callable[[Principal, str, PolicyReport], None] = lambda *_: None
    totals: dict[int, bool] = field(default_factory=dict)
    journal: ChangeFeed | None = None
    recheck: Callable[[], Awaitable[Principal]] | None = None
    as_of: int | None = None
    instants: frozenset[int | None] | None = None
    reader: GraphReader = field(init=False)

    def __post_init__(self) -> None:
        self.reset_reader()

    def reset_reader(self) -> None:
        """Forget what was read: what comes after a write sees what it wrote."""
        self.reader = self.open_reader(self.principal, self.as_of)

    def read_at(self, as_of: int | None) -> None:
        """Read the graph as it was at an instant from here on; as it is now where that is None."""
        if as_of != self.as_of:
            self.as_of = as_of
            self.reset_reader()

    def now(self) -> int:
        """The instant that the operation is about, in epoch milliseconds."""
        return self.clock() if self.as_of is None else self.as_of

    async def reauthenticate(self) -> None:
        """Go on as who the caller is now, over the graph and the policy as they are now."""
        if self.recheck is not None:
            self.principal = await self.recheck()
        self.reset_reader()

    def finish(self) -> dict[str, Any]:
        """What the response says beside its data, after the access log has what belongs into it.

        A subscription has many responses, each with notes of its own.
        """
        self.log_access(self.principal, self.request_id, self.notes)
        extensions = self.notes.extensions()
        self.notes.clear()
        return extensions


Info = strawberry.Info[Context, None]
