"""Contamination of an evaluation: whether its data is also in the training lineage of the version that it measures.

The version, the data of the evaluation, and its run are read first. The datasets that the run read are data of the
evaluation too, unless the run is part of the training: then they are training data. Meanwhile
:mod:`app.graph.reading.lineage.data_sources` walks the training lineage and the origins of the data.
The levels of all evaluations of an operation are read together. A training and data are compared once in an operation,
and the ids that they may share count in its budget. The rule is
:mod:`graphql_schema.rules.contamination_verdict`, the page for users docs/contamination.md.
"""

import asyncio
from collections.abc import Generator, Sequence
from functools import partial
from itertools import product
from typing import Final

from app.graph.reading.lineage.data_sources import SourceWalk, data_sources, expand_level, upstream_walk
from app.graph.reading.lineage.lineage_walk import WalkState
from app.graph.reading.lineage.walk_budget import DATA
from app.graph.reading.lineage.walk_session import Extent, WalkSession
from graphql_schema.catalog.enums import ContaminationVerdict
from graphql_schema.catalog.relations import Hop
from graphql_schema.execution.many_calls import gathered
from graphql_schema.execution.side_thread import run_in_parts
from graphql_schema.ports.contamination_report import ContaminationReport, ContaminationSource
from graphql_schema.ports.lineage_query import COMPLETE, SnapshotTime
from graphql_schema.ports.row import Row
from graphql_schema.rules.contamination_verdict import (
    MAX_DATA,
    MEASURED,
    MEASURED_FIELDS,
    ORIGIN,
    SNAPSHOTS,
    TRAINING,
    Overlap,
    compared_ids,
    overlap,
    verdict_of,
)

_MEASURED_LEVELS: Final = 2

LONG_COMPARISON: Final = 10_000
"""Number of assets to compare above which the side thread does it; so many take 2 ms."""

SOURCE_BYTES: Final = 400
"""Bytes of memory of a source in a report beside its path; an operation keeps the reports of all evaluations."""

STEP_BYTES: Final = 16
"""Bytes of memory of a step of the path of a source."""

_PAIR: Final = 10
"""Number of ids that take as long to compare as the rest of the comparison of a training with data."""

_NODES: Final = 10
"""Number of visited assets that are counted together in the time in which one id is compared."""


async def contamination_of(session: WalkSession, evaluation: Row, pin: SnapshotTime) -> ContaminationReport:
    """Return the contamination report of an evaluation; ``pin`` is the read time that is stated in the report.

    Raises LimitError if the operation starts too many walks.
    """
    session.budget.begin()
    return await examined(session, evaluation, pin)


async def examined(session: WalkSession, evaluation: Row, pin: SnapshotTime) -> ContaminationReport:
    """Return the report as :func:`contamination_of` does, without counting a walk in the budget."""
    return await session.shared.get(("contamination", evaluation.vid), lambda: _examine(session, evaluation, pin))


async def _examine(session: WalkSession, evaluation: Row, pin: SnapshotTime) -> ContaminationReport:
    walk = upstream_walk(session, evaluation, MEASURED, _MEASURED_LEVELS)
    with session.freeing(walk):
        return await _examine_with(walk, evaluation, pin)


async def _examine_with(walk: WalkState, evaluation: Row, pin: SnapshotTime) -> ContaminationReport:
    session = walk.session
    await _advance(walk, 0)
    if not MEASURED_FIELDS.isdisjoint(evaluation.access.hidden):
        walk.blocked, walk.frontier = True, {}
    trainings, origins, inputs = await asyncio.gather(
        _all_sources(session, _bounded(walk, _of_kinds(walk, "ModelVersion")), TRAINING),
        _all_sources(session, _bounded(walk, _of_kinds(walk, *SNAPSHOTS)), ORIGIN),
        _run_inputs(session, walk),
    )
    origins += _read_to_measure(inputs, trainings)
    turns = session.rows.budget
    await turns.pause()
    size = (1 + len(trainings)) * sum(len(each.walk.nodes) + len(each.walk.hidden) for each in (*trainings, *origins))
    with turns.reading_on():
        overlaps, extent = await run_in_parts(_compared(walk, trainings, origins), is_long=size > LONG_COMPARISON)
    turns.check()
    completeness = session.completeness(extent, pin)
    known = bool(trainings and origins) and all(each.sources.paths for each in trainings)
    verdict = verdict_of(overlaps.values(), known=known and completeness.state == COMPLETE)
    turns.count_stored(sum(SOURCE_BYTES + STEP_BYTES * len(each.path) for each in overlaps.values()))
    sources = [_source(session, overlaps[urn]) for urn in sorted(overlaps)]
    return ContaminationReport(verdict, sources, completeness)


async def _advance(walk: WalkState, depth: int) -> None:
    """Expand the frontier of a walk and follow its edges; do nothing if the frontier is empty."""
    if walk.frontier:
        expansions = await expand_level(walk)
        if walk.frontier:
            await walk.advance(depth, expansions)


def _of_kinds(walk: WalkState, *kinds: str) -> list[Row]:
    """Return the rows of some kinds in the frontier, by id."""
    rows = (row for row, _ in walk.frontier.values() if row.kind in kinds)
    return sorted(rows, key=lambda row: row.urn)


def _bounded(walk: WalkState, data: Sequence[Row]) -> Sequence[Row]:
    """Return the first MAX_DATA rows; if there are more, add DATA to the budgets that limited the walk."""
    if len(data) > MAX_DATA:
        walk.ended.append(DATA)
    return data[:MAX_DATA]


async def _all_sources(session: WalkSession, rows: Sequence[Row], hops: tuple[Hop, ...]) -> list[SourceWalk]:
    calls = [partial(data_sources, session, row, hops) for row in rows]
    return await gathered(session.rows.budget, calls, "data sources")


async def _run_inputs(session: WalkSession, walk: WalkState) -> list[tuple[SourceWalk, frozenset[str]]]:
    """Return for each data asset that runs in the frontier read its source walk, and the URNs of these runs.

    The result has at most MAX_DATA assets, the first by id.
    """
    runs = {row.vid: row.urn for row in _of_kinds(walk, "Run")}
    walk.frontier = {vid: reached for vid, reached in walk.frontier.items() if vid in runs}
    await _advance(walk, 1)
    readers: dict[int, set[str]] = {}
    async for _, near, far in session.rows.budget.in_turns(walk.edges.values()):
        if near in runs:
            readers.setdefault(far, set()).add(runs[near])
    inputs = sorted((walk.nodes[vid].row for vid in readers if vid in walk.nodes), key=lambda row: row.urn)
    found = await _all_sources(session, _bounded(walk, inputs), ORIGIN)
    return [(each, frozenset(readers[walk.session.rows.vid(each.sources.root)])) for each in found]


def _read_to_measure(
    inputs: Sequence[tuple[SourceWalk, frozenset[str]]], trainings: Sequence[SourceWalk]
) -> list[SourceWalk]:
    """Return the source walks of the inputs that at least one run read which is no part of the training.

    The inputs of a run that trains and measures are training data; which of them it measured on is only known if the
    evaluation declares it.
    """
    read = frozenset().union(*(runs for _, runs in inputs))
    training_runs = frozenset().union(*(read & each.sources.reached for each in trainings))
    return [each for each, runs in inputs if not runs <= training_runs]


def _compared(
    walk: WalkState, trainings: Sequence[SourceWalk], origins: Sequence[SourceWalk]
) -> Generator[None, None, tuple[dict[str, Overlap], Extent]]:
    """Return by data asset its overlap with the training lineage of a version, and how far all walks came together.

    Of several overlaps DIRECT precedes DERIVED, then the shortest path is taken.
    If the budget of compared ids is exhausted, nothing more is compared, and the extent says so.
    """
    extent = yield from _extent(walk, [*trainings, *origins])
    found: dict[str, Overlap] = {}
    for each, training in product(origins, trainings):
        ended = _compare(walk.session, training, each)
        if ended is not None:
            extent.ended = [*extent.ended, ended]
            break
        one = training.overlaps[each.sources.root]
        if one is not None:
            found[one.path[-1]] = min(found.get(one.path[-1], one), one, key=_nearest)
        yield
    return found, extent


def _compare(session: WalkSession, training: SourceWalk, data: SourceWalk) -> str | None:
    """Add the overlap of a training with data to those of the training, unless it is known.

    Return an exhausted budget, or None.
    """
    root = data.sources.root
    known = root in training.overlaps
    ended = session.budget.count_ids(_PAIR + (0 if known else compared_ids(training.sources, data.sources)))
    if ended is None and not known:
        training.overlaps[root] = overlap(training.sources, data.sources)
    return ended


def _nearest(found: Overlap) -> tuple[bool, int, tuple[str, ...]]:
    return found.verdict is not ContaminationVerdict.DIRECT, len(found.path), found.path


def _extent(walk: WalkState, found: Sequence[SourceWalk]) -> Generator[None, None, Extent]:
    """Return how far a walk and all source walks came together."""
    ended, hidden, visited = [*walk.ended], {*walk.hidden}, {*walk.nodes}
    for each in found:
        ended += each.walk.ended
        if exhausted := walk.session.budget.count_ids((len(each.walk.nodes) + len(each.walk.hidden)) // _NODES):
            ended.append(exhausted)
            break
        hidden |= each.walk.hidden
        visited |= each.walk.nodes.keys()
        yield
    blocked = any(each.blocked for each in (walk, *(each.walk for each in found)))
    depth = max([*(each.depth for each in found), *(node.depth for node in walk.nodes.values())])
    return Extent(ended, frozenset(hidden), blocked, len(visited), depth)


def _source(session: WalkSession, found: Overlap) -> ContaminationSource:
    """Return an overlap with the rows of its ids, which the walks have read."""
    known = (session.rows.known(session.rows.vid(urn)) for urn in found.path)
    path = [row for row in known if row is not None]
    by_urn = {row.urn: row for row in path}
    return ContaminationSource(found.verdict, by_urn[found.training], by_urn[found.path[-1]], by_urn[found.via], path)
