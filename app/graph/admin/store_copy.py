"""Copies a store into another one, such as the embedded store into a distributed one (docs/backup.md).

All vertices are copied with their ids, which are hashes, the same in every store; then all edges. Each transaction also
writes the progress into the state of the target (:mod:`app.graph.admin.stored_schema`). So an interrupted copy goes on
after its last transaction, and no process starts on the target before the end. At the end both stores are read again,
and their digests must be equal.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

import orjson

from app.graph.admin.elements.element_pages import ElementPage, Parts, Values, element_pages
from app.graph.admin.elements.store_digest import StoreDigest, digest_of
from app.graph.admin.elements.work_progress import WorkProgress
from app.graph.admin.schema_steps import SchemaPath
from app.graph.admin.schema_upgrade import SchemaUpgrade
from app.graph.admin.store_client import runs_embedded, store_at
from app.graph.admin.stored_schema import SET_STATE, StoredSchema, read_stored_schema, write_stored_schema
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.native.mixed_index import INDEX
from app.settings import Settings
from app.store.errors import CopyError, SchemaMismatchError
from app.store.store_endpoint import StoreEndpoint
from graphql_schema.ports.record import Json

ROWS: Final = 500
"""Maximum number of vertices or edges of a transaction."""

BYTES: Final = 4 << 20
"""Maximum size in bytes of the rows of a transaction, as JSON, unless it has one row."""

PHASES: Final[tuple[Parts, ...]] = ("vertices", "edges")
"""What is copied, in this order; both stores are compared after it."""
_NEXT: Final = {"vertices": "edges", "edges": "compared"}

Rows: TypeAlias = list[list[Json]]

WRITE_COPY: Final = PreparedStatement.of(
    f"""
def known = [:]
def xs = (vertices.collect {{ it[0] }} + edges.collectMany {{ [it[1], it[2]] }}).unique()
if (xs) g.V(xs).each {{ known[it.id()] = it }}
def set = {{ element, flat -> for (int i = 0; i < flat.size(); i += 2) element.property(flat[i], flat[i + 1]) }}
vertices.each {{ x, name, flat ->
  def v = known[x] ?: g.addV(name).property(T.id, x).next()
  set(v, flat)
}}
edges.each {{ name, from, to, flat ->
  def a = known[from]
  def b = known[to]
  if (a == null || b == null) throw new IllegalStateException('an end of an edge is absent')
  def e = null
  if (again) {{
    def found = a.query().labels(name).direction(OUT).adjacent(b).edges().iterator()
    if (found.hasNext()) e = found.next()
  }}
  set(e ?: a.addEdge(name, b), flat)
}}
{SET_STATE}
[true]
""",
    "vertices",
    "edges",
    "again",
    "state",
    name="copy",
)
"""Writes ``vertices``, rows ``[id, label, values]``, and ``edges``, rows ``[label, out, in, values]``, and ``state``.

``again`` states that some may have been written before. The ends of the edges must be stored.
"""


@dataclass(frozen=True, slots=True)
class CopiedStore:
    """The result of a copy: the digest of both stores, and whether an earlier attempt was continued."""

    digest: StoreDigest
    resumed: bool


async def copy_store(settings: Settings, source: str, target: str, progress: WorkProgress) -> CopiedStore:
    """Copy the store at ``source`` into the empty store at ``target``, and compare both.

    Each is a Gremlin URL, or the data folder of an embedded store. An empty ``source`` is the embedded store of the
    settings. An empty ``target`` is the store of the settings, that of MLG_STORE_URL if it is set. Nothing else may
    write to either meanwhile.

    Raises `CopyError` if both are the same store, a process runs the embedded source, or the stores differ at the end.
    The error is also raised if the target has elements that are no unfinished copy of this source. Raises
    SchemaMismatchError if the source has another schema version, and the errors of the stores and of the driver.
    """
    async with _source(settings, source) as given, store_at(settings, target, copying=True) as copy:
        if given.urls == copy.urls:
            raise CopyError(f"Source and target are the same store, {given.urls}; name two.")
        return await copy_between(given, copy, _name(settings, source), progress)


async def copy_between(source: GremlinClient, target: GremlinClient, name: str, progress: WorkProgress) -> CopiedStore:
    """Copy a store into another one as :func:`copy_store` does; ``name`` is what the operator calls the source."""
    return await _Copy(source, target, name, progress).run()


def _name(settings: Settings, place: str) -> str:
    """Return the name of a source, the same whenever it is named: its URL without credentials, or its folder."""
    if "://" in place:
        return StoreEndpoint.parse(place).url
    return str((Path(place) if place else settings.data_dir).absolute())


@asynccontextmanager
async def _source(settings: Settings, place: str) -> AsyncIterator[GremlinClient]:
    """Connect to the source; raises `CopyError` if another process runs it as its embedded store."""
    own = settings if place else replace(settings, store_url="")
    if runs_embedded(own, place):
        raise CopyError(
            "A process runs the embedded store and may write to it, so a copy could differ: stop the process, then run "
            "the command again."
        )
    async with store_at(own, place) as client:
        yield client


@dataclass(frozen=True)
class _Copy:
    """One run of a copy; ``name`` is what the operator calls the source."""

    source: GremlinClient
    target: GremlinClient
    name: str
    progress: WorkProgress

    async def run(self) -> CopiedStore:
        await self._refuse_other_version()
        state, resumed = await self._begin()
        for phase in PHASES:
            if state.copying and state.copying["phase"] == phase:
                state = await self._copy_phase(phase, state, again=resumed)
        digest = await self._compare()
        await write_stored_schema(self.target, replace(state, copying=None))
        return CopiedStore(digest, resumed)

    async def _refuse_other_version(self) -> None:
        own = SchemaPath().version
        found = await read_stored_schema(self.source, SchemaPath(), INDEX)
        if (found.version, found.filled) != (own, own):
            raise SchemaMismatchError(
                f"The source has schema version {found.version} with the values of {found.filled}; this program uses "
                f"version {own}. Run `mlg store upgrade` on the source first."
            )

    async def _begin(self) -> tuple[StoredSchema, bool]:
        """Return the state of the target with the progress of the copy, and whether it had begun before.

        Raises `CopyError` if the target is not empty, or has a copy of another source.
        """
        state = await read_stored_schema(self.target, SchemaPath(), INDEX)
        if state.copying is not None:
            if state.copying["source"] != self.name:
                raise CopyError(
                    f"The target has an unfinished copy of {state.copying['source']}: name that source in --from, or "
                    "empty the target."
                )
            return state, True
        async for page in element_pages(self.target):
            if page.vertices:
                raise CopyError(
                    f"The target at {self.target.urls} is not empty. Name an empty store; a copy does not merge."
                )
        state = await SchemaUpgrade().prepare(self.target)
        state = replace(state, copying={"source": self.name, "phase": PHASES[0], "position": None})
        await write_stored_schema(self.target, state)
        return state, False

    async def _copy_phase(self, phase: Parts, state: StoredSchema, *, again: bool) -> StoredSchema:
        """Copy the vertices or the edges that the state lacks, and return the state after them.

        ``again`` states that elements after the position may be in the target, up to the next position.
        """
        progress = state.copying or {}
        position, report = progress["position"], self.progress.begin(phase)
        async for page in element_pages(self.source, position, phase):
            for rows, is_last in _transactions(_rows(page, phase)):
                done = progress | {"position": page.position if is_last else position}
                if is_last and page.last:
                    done = progress | {"phase": _NEXT[phase], "position": None}
                state = replace(state, copying=done)
                bindings = {"vertices": [], "edges": [], phase: rows, "again": again, "state": state.binding()}
                await self.target.submit(WRITE_COPY, bindings, writes=True)
                report(len(rows))
            again, position = again and page.position == position, page.position
        return state

    async def _compare(self) -> StoreDigest:
        """Read both stores and return their digest; raises `CopyError` if they differ."""
        reads = [
            digest_of(client, self.progress.begin(f"comparing, {name}"))
            for name, client in (("source", self.source), ("target", self.target))
        ]
        given, copy = await asyncio.gather(*reads)
        if differences := given.differences(copy):
            raise CopyError(
                f"Source and target differ: {'; '.join(differences)}. Something wrote to one of them meanwhile: stop "
                "it, empty the target, and copy again."
            )
        return given


def _rows(page: ElementPage, phase: Parts) -> Rows:
    """Return the rows of a page for :data:`WRITE_COPY`."""
    if phase == "vertices":
        return [[vertex.vid, vertex.label, _flat(vertex.values)] for vertex in page.vertices]
    return [[edge.label, edge.source, edge.target, _flat(edge.values)] for edge in page.edges]


def _flat(values: Values) -> list[Json]:
    return [part for pair in values for part in pair]


def _transactions(rows: Sequence[list[Json]]) -> Iterator[tuple[Rows, bool]]:
    """Yield the rows of each transaction, and whether it is the last one; one without rows records the position."""
    part: Rows = []
    size = 0
    for row in rows:
        added = len(orjson.dumps(row))
        if part and (len(part) == ROWS or size + added > BYTES):
            yield part, False
            part, size = [], 0
        part.append(row)
        size += added
    yield part, True
