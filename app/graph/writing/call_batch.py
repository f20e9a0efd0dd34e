"""A batch of one call: items that are written in one transaction, alone or with the batches of other calls."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from opentelemetry.trace import SpanContext

from app.graph.commits.write_queue import QueuedWrite
from app.graph.propagation.children_ahead import ChildrenAhead
from app.graph.records.native.write_cost import MAX_RESTORE_COST, MAX_WRITE_COST
from app.graph.writing.prefetch import ReadsAhead
from app.graph.writing.unit.author import Author
from app.telemetry.spans import current_span
from graphql_schema.ports.commands import Command, RestoreCommand
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.outcomes import WriteOutcome
from policies.blurred_limit import blurred


@dataclass(eq=False, kw_only=True)
class CallBatch(QueuedWrite):
    """The ``items`` of a batch, and ``done``, the future of outcomes of its first items, all unless the plan is long.

    ``origin`` is the span of the call. ``children`` are those that the call has read ahead for its batches,
    and ``ahead`` is what it has read for this one.
    ``budget`` is that of the operation; its end gives the call its error, unless the transaction is under way.
    ``of_job``, a flag: a background job writes the items, for the caller whose write left them to it.
    ``max_cost`` is what it may take the store to write what the items change
    (:mod:`app.graph.records.native.write_cost`), drawn once, also if the batch is planned again: what is hidden counts.
    ``new_author`` returns the author with a new instant; call it under the write lock. ``atomic`` and ``dry_run`` are
    flags of the call: with the first, nothing is written if an item is rejected; with the second, nothing is written.
    """

    items: Sequence[Command]
    dry_run: bool
    atomic: bool
    budget: OperationBudget
    new_author: Callable[[], Author]
    of_job: bool = False
    children: ChildrenAhead = field(default_factory=ChildrenAhead)
    ahead: ReadsAhead = field(default_factory=ReadsAhead)
    origin: SpanContext = field(default_factory=current_span)
    done: asyncio.Future[list[WriteOutcome]] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    max_cost: int = field(init=False)

    def __post_init__(self) -> None:
        self.max_cost = blurred(self.named_cost)

    @property
    def is_restoration(self) -> bool:
        """Whether the only item restores an asset: all that was deleted with it, also by an earlier release."""
        return len(self.items) == 1 and isinstance(self.items[0], RestoreCommand)

    @property
    def named_cost(self) -> int:
        """The highest value of ``max_cost``, which errors name."""
        return MAX_RESTORE_COST if self.is_restoration else MAX_WRITE_COST

    def renew(self) -> None:
        """Let the call wait for outcomes again, after an error."""
        self.done = asyncio.get_running_loop().create_future()

    def forget_error(self) -> None:
        """Refer to no error that the call got: its frames refer to this batch, and so would keep what it has read."""
        if self.done.done() and not self.done.cancelled() and self.done.exception() is not None:
            self.renew()
            self.done.cancel()

    @property
    def is_over(self) -> bool:
        """Whether the call has outcomes or an error, or was cancelled; an ended ``budget`` gives the call its error."""
        if self.budget.ended is not None:
            self.fail(self.budget.ended)
        return self.done.done()

    def complete(self, outcomes: list[WriteOutcome]) -> None:
        """Give the call its outcomes, unless it was cancelled or has an error."""
        if not self.done.done():
            self.done.set_result(outcomes)

    def fail(self, error: BaseException) -> None:
        """Give the call an error, unless it was cancelled or has outcomes or another error."""
        if not self.done.done():
            self.done.set_exception(error)
