"""The lock, the commit log and the outbox that all writers of a process share."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.graph.commits.commit_log import CommitLog
from app.graph.commits.outbox import Outbox
from app.graph.commits.propagating_tags import PropagatingTags
from graphql_schema.catalog.inference_rules import InferenceRule
from policies.gates import NO_GATES, Gates


@dataclass(frozen=True)
class WriteCoordinator:
    """What the writers of a process share.

    One of them writes at a time, under ``lock``: the embedded store wants it so (janusgraph.md, 6). ``pending`` is what
    is still to be done about sensitivity, tags and enrichment, ``stops`` the kinds at which sensitivity stops,
    ``propagating`` knows which tags pass on, ``gates`` and the ``rules`` of enrichment are those of the installation,
    ``journal`` gives changes their instants and tells of them.
    """

    propagation_stops: frozenset[str] = frozenset()
    gates: Gates = NO_GATES
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    outbox: Outbox = field(default_factory=Outbox)
    commit_log: CommitLog = field(default_factory=CommitLog)
    propagating_tags: PropagatingTags = field(default_factory=PropagatingTags)
    inference_rules: Sequence[InferenceRule] = ()
