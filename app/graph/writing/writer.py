"""The writer of one caller: splits calls into batches, which are written with those of other callers.

The path of an item, top to bottom: :meth:`PolicedWriter.write` splits the call into batches.
:mod:`app.graph.writing.group_commit` takes the oldest batch that waits, and others that fit, into one transaction.
:mod:`app.graph.writing.group_plan` reads what they need and plans each item (:mod:`app.graph.writing.batch_planner`:
replay, handler, audit, receipt), and what each batch implies for other assets (:mod:`app.graph.writing.effects`).
"""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Final

from app.graph.commits.reads.read_limits import ManyDependenciesError
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.errors import CostlyWriteError, VertexExistsError, WriteRefusedError, WriteTooLargeError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.propagation.children_ahead import ChildrenAhead
from app.graph.records.clock import epoch_milliseconds
from app.graph.writing.batch_planner import registered_ids
from app.graph.writing.call_batch import CallBatch
from app.graph.writing.group_commit import MAX_TRANSACTION_BYTES, GroupCommit
from app.graph.writing.item_sizes import ItemSizes
from app.graph.writing.rules.known_references import without_known
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.item_size import edge_count, text_length
from app.graph.writing.unit.rejections import conflict, invalid, over_limit
from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.commands import Command, EventCommand, MergeCommand
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.outcomes import WriteOutcome, outcome_of_event
from graphql_schema.ports.turns.gradual_release import RELEASE
from graphql_schema.rules.index_terms import SHORT_WORD
from policies.access import Access
from policies.errors import LimitError
from policies.installation.disclosure import Disclosure

MAX_BATCH_ITEMS: Final = 250
"""Maximal number of commands of one batch, unless its first item has more or the call is atomic."""

CUT_BATCH_ITEMS: Final = 25
"""Number of commands that later batches of a call may have in any case, after the plan of one had no time for all."""

MAX_BATCH_EDGES: Final = 2_500
"""Maximal number of edges and sources of the items of one batch, unless its first item has more or it is atomic."""

MAX_BATCH_TEXT: Final = 1_250_000
"""Maximal number of characters of the descriptions in one batch, unless one item has more.

Short words count as SHORT_WORD characters.
"""

MAX_EVENT_TABLES: Final = 10
"""Maximal number of assets with columns in an event that is written in one transaction: each may take 10 ms.

The plan of a transaction ends between its items, so an event of 40 wide ones in one item took 0.4 s of the lock.
"""

MAX_ATOMIC_EDGES: Final = 2_500
"""Maximal number of edges and sources of the items of an atomic call: all others wait for its one transaction."""

MAX_ATOMIC_TEXT: Final = MAX_BATCH_TEXT
"""Maximal number of characters of the descriptions in an atomic call, whose words take 125 to 700 ms."""

_ADVICE: Final = "check the types and the size of its values. If these are right, inform the operators."


class PolicedWriter:
    """Implements :class:`graphql_schema.ports.protocols.GraphWriter` for one caller.

    ``coordinator`` is shared by all writers of the process. ``batch_size`` is the maximal number of items of one
    batch, unless the call is atomic; a batch that is too large lowers it. Once ``budget`` has ended, no further
    transaction begins for this caller's items. With ``of_job``, a background job writes for the caller.
    """

    def __init__(
        self,
        client: GremlinClient,
        coordinator: WriteCoordinator,
        access: Access,
        request_id: str = "",
        clock: Callable[[], int] = epoch_milliseconds,
    ) -> None:
        self._coordinator = coordinator
        self._group = GroupCommit(client, coordinator)
        self._children = ChildrenAhead()
        self._access = access
        self._principal = access.principal
        self._clock = clock
        self._request_id = request_id
        self.batch_size = MAX_BATCH_ITEMS
        self.budget = OperationBudget()
        self.of_job = False
        self._sizes = ItemSizes()

    async def write(self, items: Sequence[Command], *, dry_run: bool, atomic: bool) -> list[WriteOutcome]:
        """Write the items in batches, an atomic call in one, and return one outcome per item, in order.

        With ``dry_run``, nothing is written.
        Raises LimitError if an atomic call declares more than MAX_ATOMIC_EDGES edges, has descriptions of more than
        MAX_ATOMIC_TEXT characters, or changes records and edges of more than MAX_TRANSACTION_BYTES. So
        it does if it takes the store more than MAX_WRITE_COST to write, stored texts included.
        So it does as well if its plan takes more than MAX_ATOMIC_SECONDS, or needs more than one item may depend on.
        Raises StoreUnavailableError if the store does not complete a request or a conflict with another process
        persists, and the error of ``budget`` if the operation has ended. Raises StoreFailedError if the store fails a
        request, refuses the credentials or returns an unusable response. Earlier batches of the call are written then,
        and the current one may be: repeat the call with the same idempotency keys, or read the state. An atomic call
        that the store refuses raises WriteRefusedError or VertexExistsError; nothing is written then.
        """
        # A dry run counts as well: it is planned under the write lock, for which all others wait.
        with (
            self._coordinator.contention.call((self._principal.tenant, self._principal.subject)),
            self._children.in_use(),
            self._sizes.in_use(),
        ):
            return await self._written(items, dry_run=dry_run, atomic=atomic)

    async def _written(self, items: Sequence[Command], *, dry_run: bool, atomic: bool) -> list[WriteOutcome]:
        if atomic:
            return await self._atomic(items, dry_run=dry_run) if items else []
        outcomes: list[WriteOutcome] = []
        refused: set[str] = set()
        await self._sizes.measure(items)
        while len(outcomes) < len(items):
            first = items[len(outcomes)]
            if isinstance(first, EventCommand) and self._is_too_long(first):
                outcomes.append(await self._divided(first, dry_run=dry_run))
                continue
            batch = [without_known(each, refused) for each in self._batch_from(items, len(outcomes))]
            written = await self._halving(batch, dry_run=dry_run)
            planned = zip(batch, written, strict=False)  # the plan may have had no time for the last items
            refused |= registered_ids(each for each, outcome in planned if not outcome.stored)
            outcomes += written
            if len(written) < len(batch):  # what is read for a batch should not be read again for most of its items
                growth = max(2, self._coordinator.contention.share)  # divided by the share: as many as were written
                self.batch_size = min(self.batch_size, max(CUT_BATCH_ITEMS, growth * len(written)))
        return outcomes

    async def _atomic(self, items: Sequence[Command], *, dry_run: bool) -> list[WriteOutcome]:
        """Write all items in one transaction; raises LimitError if it would be too large."""
        _refuse_long(items)
        try:
            return await self._batch(items, dry_run=dry_run, atomic=True)
        except WriteTooLargeError as error:
            raise LimitError(
                f"{error.message} What the items of this atomic call change has more; nothing was written. Split the "
                "call, or send it without `atomic`.",
                limit=error.limit,
                maximum=error.maximum or MAX_TRANSACTION_BYTES,
            ) from None

    def _is_too_long(self, event: EventCommand) -> bool:
        """Return whether an event has more commands, edges or tables, or longer texts, than one transaction should."""
        size, contention = self._sizes.of(event), self._coordinator.contention
        is_long = size.edges > MAX_BATCH_EDGES // contention.share
        is_long = is_long or size.text > MAX_BATCH_TEXT // contention.time_share
        return is_long or size.commands > MAX_BATCH_ITEMS or size.tables > MAX_EVENT_TABLES

    def _batch_from(self, items: Sequence[Command], begin: int) -> Sequence[Command]:
        """Return the items of the next batch, which begin at the index ``begin``: fewer while several callers write."""
        share, max_text = self._coordinator.contention.share, MAX_BATCH_TEXT // self._coordinator.contention.time_share
        end, commands, edges, text = begin, 0, 0, 0
        while end < len(items):
            size = self._sizes.of(items[end])
            commands += size.commands
            edges += size.edges
            text += size.text
            is_full = commands > max(1, self.batch_size // share) or edges > MAX_BATCH_EDGES // share
            if (is_full or text > max_text) and end > begin:
                break
            end += 1
        return items[begin:end]

    async def _halving(self, items: Sequence[Command], *, dry_run: bool) -> list[WriteOutcome]:
        """Write a batch, or its halves if the store refuses it, down to single commands; return an outcome per item.

        If the plan takes long, these are the outcomes of its first items, at least of one; write the others next.
        The store refuses a batch because of its values or its size, or because another process created one of its
        vertices. A single item that is refused gets the outcome CONFLICT because of another process, otherwise INVALID.
        One that depends on too much, or takes the store too much to write, gets CONFLICT, with the code LIMIT_EXCEEDED.
        """
        is_indivisible = len(items) == 1 and not isinstance(items[0], EventCommand)
        try:
            return await self._batch(items, dry_run=dry_run, atomic=False)
        except (VertexExistsError, ManyDependenciesError, WriteRefusedError) as error:
            RELEASE.free([*forget_frames(error)])  # they lead to all that was read, up to 100,000 records and edges
            if is_indivisible:
                return [_refused(error)]
            if isinstance(error, WriteTooLargeError):
                self.batch_size = max(1, len(items) // 2)  # the next items of the call are probably as large
        if len(items) == 1 and isinstance(items[0], EventCommand):
            return [await self._divided(items[0], dry_run=dry_run)]
        half = len(items) // 2
        written = await self._halving(items[:half], dry_run=dry_run)
        if len(written) < half:
            return written
        return [*written, *await self._halving(items[half:], dry_run=dry_run)]

    async def _divided(self, event: EventCommand, *, dry_run: bool) -> WriteOutcome:
        """Write an event in several transactions, and then its record.

        That is one that is too long for a transaction, or one that the store refuses.
        """
        parts = tuple(await self._written(event.commands, dry_run=dry_run, atomic=False))
        record = await run_in_turn(event.record, len(parts) > MAX_BATCH_ITEMS, parts)
        if record is not None:
            await self._halving([record], dry_run=dry_run)
        return outcome_of_event(event.subject, parts)

    async def _batch(self, items: Sequence[Command], *, dry_run: bool, atomic: bool) -> list[WriteOutcome]:
        """Write the accepted items of a batch in one transaction; return the outcomes as :meth:`_halving` does.

        A dry run, and an atomic batch with a rejected item, write nothing. Raises VertexExistsError if a conflict with
        another process persists, WriteRefusedError if the store refuses the values, and the other errors of
        :meth:`write`.
        """
        sizes = [self._sizes.of(item) for item in items]
        batch = CallBatch(
            tenant=self._principal.tenant,
            caller=self._principal.subject,
            item_count=sum(size.commands for size in sizes),
            edge_count=sum(size.weight for size in sizes),
            text_length=sum(size.text for size in sizes),
            alone=bool(self._children.parents) or any(isinstance(item, MergeCommand) for item in items),
            items=items,
            dry_run=dry_run,
            atomic=atomic,
            budget=self.budget,
            new_author=self._author,
            children=self._children,
            of_job=self.of_job,
        )
        return await self._group.write(batch)

    def _author(self) -> Author:
        principal, coordinator = self._principal, self._coordinator
        now = coordinator.commit_log.present(self._clock())
        return Author(
            principal.tenant,
            principal.subject,
            now,
            self._access.may,
            self._access.is_discoverable,
            self._access.reads_field,
            coordinator.outbox.floors.view(principal.tenant),
            coordinator.propagation_stops,
            audit_instant=coordinator.commit_log.instant(now, principal.tenant),
            request_id=self._request_id,
            gates=coordinator.gates,
            hidden_fields=self._access.fields_hidden_by_rules,
            identities=principal.owners,
            logged_fields=self._access.logged_fields,
            user=principal.user,
            owners=principal.owners,
            principal=principal,
            discloses_hidden=coordinator.disclosure is not Disclosure.NONE,
            planned_ends=coordinator.outbox.planned_ends,
            reserved_names=coordinator.reserved_names,
        )


def _refused(error: VertexExistsError | ManyDependenciesError | WriteRefusedError) -> WriteOutcome:
    """Return the outcome of a single item that is refused."""
    match error:
        case VertexExistsError():
            message = "Another client created an object of this item at the same time; nothing was written. Retry."
            return conflict(message, None).outcome
        case ManyDependenciesError():
            return over_limit(error.message).outcome
        case CostlyWriteError():
            return over_limit(
                f"{error.message} What this item changes has more, and nothing was written. Change some of it before, "
                "in other calls: delete versions before their model, register assets before the one that refers to "
                "them, or shorten descriptions."
            ).outcome
        case WriteTooLargeError():
            reason = f"{error.message} What this item changes has more, and nothing was written"
        case _:
            reason = f"The store refuses this item with {', '.join(error.classes) or 'an unknown error'}"
    return invalid(f"{reason}; {_ADVICE}").outcome


def _refuse_long(items: Sequence[Command]) -> None:
    """Raise LimitError if the items of an atomic call declare too many edges, or have too long descriptions.

    Descriptions are measured up to the first that is too much: to measure a million characters takes 10 ms.
    """
    edges = sum(map(edge_count, items))
    if edges > MAX_ATOMIC_EDGES:
        raise LimitError(
            f"The items of an atomic call may declare at most {MAX_ATOMIC_EDGES} edges, and these "
            f"declare {edges}; split the call, or send it without `atomic`.",
            limit="atomicEdges",
            maximum=MAX_ATOMIC_EDGES,
            actual=edges,
        )
    text = next((length for length in accumulate(map(text_length, items)) if length > MAX_ATOMIC_TEXT), 0)
    if text:
        raise LimitError(
            f"The descriptions in an atomic call may have at most {MAX_ATOMIC_TEXT} characters, at least {SHORT_WORD} "
            f"for each word, and these have {text} or more; split the call, or send it without `atomic`.",
            limit="atomicText",
            maximum=MAX_ATOMIC_TEXT,
            actual=text,
        )
