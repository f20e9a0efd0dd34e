"""The lock, the commit log and the outbox that all writers of a process share."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.graph.commits.commit_log import Journal
from app.graph.commits.outbox import Pending
from app.graph.commits.propagating_tags import Propagating
from graphql_schema.catalog.inference_rules import Rule
from policies.gates import NO_GATES, Gates


@dataclass(frozen=True)
class Desk:
    """What the writers of a process share.

    One of them writes at a time, under ``lock``: the embedded store wants it so (janusgraph.md, 6). ``pending`` is what
    is still to be done about sensitivity, tags and enrichment, ``stops`` the kinds at which sensitivity stops,
    ``propagating`` knows which tags pass on, ``gates`` and the ``rules`` of enrichment are those of the installation,
    ``journal`` gives changes their instants and tells of them.
    """

    stops: frozenset[str] = frozenset()
    gates: Gates = NO_GATES
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    pending: Pending = field(default_factory=Pending)
    journal: Journal = field(default_factory=Journal)
    propagating: Propagating = field(default_factory=Propagating)
    rules: Sequence[Rule] = ()
