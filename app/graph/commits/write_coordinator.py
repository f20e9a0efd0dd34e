"""State that all writers of a process share."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.graph.commits.commit_log import CommitLog
from app.graph.commits.index_state import IndexState
from app.graph.commits.late_writes import LateWrites
from app.graph.commits.outbox import Outbox
from app.graph.commits.propagating_tags import PropagatingTags
from app.graph.commits.turns.job_lock import JobLock
from app.graph.commits.turns.long_writers import LongWriters
from app.graph.commits.turns.write_lock import WriteLock
from app.graph.commits.write_queue import WriteQueue
from app.graph.commits.writer_contention import WriterContention
from app.graph.driver.gremlin_client import GremlinClient
from graphql_schema.catalog.inference_rules import InferenceRule
from policies.access import Access
from policies.installation.disclosure import Disclosure
from policies.installation.gates import NO_GATES, Gates
from policies.installation.reserved_names import NOTHING_RESERVED, ReservedNames
from policies.principal import Principal


def _without_policy(who: Principal) -> Access:
    raise LookupError(f"no policy has the rights of {who.subject}")


@dataclass(frozen=True)
class WriteCoordinator:
    """The lock of the writers of a process, and the state that they share.

    One writer or background job writes at a time, under ``lock``: concurrent transactions of the embedded store fail
    or block (docs/design/janusgraph.md). Its holder has every second turn of the event loop. Jobs take it by
    :meth:`job_lock`. ``queue`` has the batches that wait for a transaction, and ``contention`` records whether several
    callers write. ``long_writers`` are those who then wait after a long transaction. ``outbox`` holds work for
    background jobs, ``commit_log`` orders transactions, and ``late_writes`` records those without a response.
    ``propagating_tags`` caches which tags propagate, and ``index_state`` is how far the index of an external store was
    compared.
    ``propagation_stops`` are the kinds to which no sensitivity propagates; ``gates``, ``inference_rules`` and
    ``reserved_names`` are those of the installation, and so is ``disclosure``: how much results disclose of hidden
    nodes. ``access`` returns the rights of a caller by the policy of the installation, for work that a job does later.
    """

    propagation_stops: frozenset[str] = frozenset()
    gates: Gates = NO_GATES
    lock: WriteLock = field(default_factory=WriteLock)
    queue: WriteQueue = field(default_factory=WriteQueue)
    contention: WriterContention = field(default_factory=WriterContention)
    long_writers: LongWriters = field(init=False)
    outbox: Outbox = field(default_factory=Outbox)
    commit_log: CommitLog = field(default_factory=CommitLog)
    late_writes: LateWrites = field(default_factory=LateWrites)
    propagating_tags: PropagatingTags = field(default_factory=PropagatingTags)
    index_state: IndexState = field(default_factory=IndexState)
    inference_rules: Sequence[InferenceRule] = ()
    disclosure: Disclosure = Disclosure.NONE
    reserved_names: ReservedNames = NOTHING_RESERVED
    access: Callable[[Principal], Access] = _without_policy
    _job_step: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        object.__setattr__(self, "long_writers", LongWriters(self.contention))

    def job_lock(self, client: GremlinClient) -> JobLock:
        """Return the lock for the steps of one job.

        Callers who write do not count while they wait for the jobs. Over an external store a job does not rest: another
        process may wait for its next transaction.
        """

        def others_write() -> bool:
            return client.write_order is None and not self.contention.writers <= self.outbox.waiting

        return JobLock(self.lock, self._job_step, others_write)
