"""The context that the resolvers of one operation share: caller, reader, writer and policy report."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import strawberry

from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.protocols import ChangeFeed, GraphReader, GraphWriter
from graphql_schema.ports.record import JsonObject
from policies.gates import NO_GATES, Gates
from policies.principal import Principal


@dataclass(slots=True)
class Context:
    """The state of one operation.

    - ``open_reader`` opens a reader for a caller, as of an instant or of the present (None).
    - ``budget`` is what the operation may use while it runs.
    - ``policy_report`` collects the fields, ids and writes that the policy hid, logged or denied.
    - ``log_access`` writes a policy report to the access log; it raises CodedError if it cannot.
    - ``change_feed`` wakes a subscription when there may be new changes. ``recheck`` authenticates the caller of a
      subscription again and returns the principal; it raises CodedError if that fails.
    - ``gates`` are those of the installation. ``clock`` returns epoch milliseconds.
    - ``totals`` caches whether a field of the document selects ``totalCount``, by the id() of its syntax node.
    - ``instants`` caches the values of ``asOf`` in the document; None before they are read.
    """

    principal: Principal
    open_reader: Callable[[Principal, int | None], GraphReader]
    writer: GraphWriter
    policy_report: PolicyReport
    cursor_key: bytes
    clock: Callable[[], int]
    budget: OperationBudget = field(default_factory=OperationBudget)
    request_id: str = ""
    gates: Gates = NO_GATES
    log_access: Callable[[Principal, str, PolicyReport], None] = lambda *_: None
    totals: dict[int, bool] = field(default_factory=dict)
    change_feed: ChangeFeed | None = None
    recheck: Callable[[], Awaitable[Principal]] | None = None
    as_of: int | None = None
    instants: frozenset[int | None] | None = None
    reader: GraphReader = field(init=False)

    def __post_init__(self) -> None:
        self.reset_reader()

    def reset_reader(self) -> None:
        """Discard cached rows, so that fields resolved after a write return the new state."""
        self.reader = self.open_reader(self.principal, self.as_of)

    def read_at(self, as_of: int | None) -> None:
        """Set the read time of the operation, None for the present; another one than before opens a new reader."""
        if as_of != self.as_of:
            self.as_of = as_of
            self.reset_reader()

    def now(self) -> int:
        """Return the read time of the operation in epoch milliseconds; in the present that is the time of the clock."""
        return self.clock() if self.as_of is None else self.as_of

    async def reauthenticate(self) -> None:
        """Authenticate the caller again and open a new reader, so that a subscription reads with current rights.

        Without ``recheck`` the caller is not authenticated again. The counts of the budget start at 0. Raises the error
        of ``recheck``.
        """
        if self.recheck is not None:
            self.principal = await self.recheck()
        self.budget.renew()
        self.reset_reader()

    def finish(self) -> JsonObject:
        """Write the access log, clear the policy report, and return the extensions of the response.

        A subscription has many responses, each with its own report. Raises the error of ``log_access``; the report is
        then not cleared.
        """
        self.log_access(self.principal, self.request_id, self.policy_report)
        extensions = self.policy_report.extensions()
        self.policy_report.clear()
        return extensions


Info = strawberry.Info[Context, None]
