"""Brings the schema of a store to the version of this program, when a process starts or by `mlg store upgrade`.

Every action can be repeated, so several processes may upgrade at once, and an interrupted upgrade goes on when it is
begun again. :mod:`app.graph.admin.schema_steps` describes the steps.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic
from typing import Final

import orjson
import structlog

from app.graph.admin.elements.element_pages import VertexElement, element_pages
from app.graph.admin.elements.work_progress import NoProgress, WorkProgress
from app.graph.admin.schema_steps import SchemaPath, SchemaStep
from app.graph.admin.store_schema import store_schema
from app.graph.admin.stored_schema import ENABLED, StoredSchema, read_stored_schema, write_stored_schema
from app.graph.driver.contended_request import repeat_contended
from app.graph.driver.errors import StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.native.mixed_index import INDEX
from app.graph.records.native.vertex_values import MARKS, native_values
from app.graph.records.record_text import record_of
from app.store.errors import SchemaMismatchError, StoreReason, StoreStartError
from app.store.schema_stamp import StoreSchema
from app.store.store_endpoint import StoreEndpoint
from graphql_schema.catalog.kinds import ALL_KINDS
from graphql_schema.ports.record import Json, JsonObject, Record

ENABLE_SECONDS: Final = 120.0
"""Seconds until a new key of the index must be enabled in all servers of the store."""

SHOWN_SECONDS: Final = 10.0
"""Seconds until transactions of all servers use a key of the index that was enabled: they keep the schema in memory.

A transaction that does not know the key would write no index entry for it.
"""

_PAUSE: Final = 0.5
_FILLED_AT_ONCE: Final = 250

_CLOSE: Final = "try { if (management.isOpen()) management.rollback() } catch (IllegalArgumentException closed) { }"
"""Closes the management; a failed commit has closed its transaction already, and its own error must be reported."""

_ACTIONS: Final = {"INSTALLED": "REGISTER_INDEX", "REGISTERED": "ENABLE_INDEX"}
"""The action that follows a state of a key of the index; all servers confirm it before the state changes."""

ADD: Final = PreparedStatement.of(
    """
def management = g.getGraph().openManagement()
def type = { name -> org.janusgraph.core.Cardinality.valueOf(name) }
def added = []
try {
  labels.each { if (!management.containsVertexLabel(it)) { management.makeVertexLabel(it).make(); added << it } }
  fields.each { k ->
    if (!management.containsPropertyKey(k.key)) {
      def made = management.makePropertyKey(k.key).dataType(Class.forName(k.className))
          .cardinality(type(k.cardinality)).make()
      if (k.consistency) {
        management.setConsistency(made, org.janusgraph.core.schema.ConsistencyModifier.valueOf(k.consistency))
      }
      added << k.key
    }
  }
  links.each { l ->
    if (!management.containsEdgeLabel(l.label)) {
      def made = management.makeEdgeLabel(l.label)
          .multiplicity(org.janusgraph.core.Multiplicity.valueOf(l.multiplicity)).make()
      orders.findAll { it.indexedEdgeLabel == l.label }.each { o ->
        def sorted = o.propertyKeys.collect { management.getPropertyKey(it) } as org.janusgraph.core.PropertyKey[]
        management.buildEdgeIndex(made, o.name, Direction.valueOf(o.direction), Order.valueOf(o.order), sorted)
      }
      added << l.label
    }
  }
  def found = management.getGraphIndex(nodes)
  def there = found.fieldKeys.collect { it.name() }
  entries.findAll { !there.contains(it.propertyKey) }.each { e ->
    def modes = (e.parameters ?: []).collect { p ->
      org.janusgraph.core.schema.Mapping.valueOf(p.value.tokenize('.')[-1]).asParameter()
    } as org.janusgraph.core.schema.Parameter[]
    management.addIndexKey(found, management.getPropertyKey(e.propertyKey), modes)
    added << e.propertyKey
  }
  if (added) management.commit()
} finally { CLOSE }
[added]
""".replace("CLOSE", _CLOSE),
    "labels",
    "fields",
    "links",
    "orders",
    "nodes",
    "entries",
    name="schema",
)
"""Adds what the store lacks of labels, keys, edge labels with their orders, and entries of the mixed index.

The response is the list of the names that were added.
"""

ENABLE: Final = PreparedStatement.of(
    """
def management = g.getGraph().openManagement()
try {
  def found = management.getGraphIndex(nodes)
  def states = found.fieldKeys.collectEntries { [it.name(), found.getIndexStatus(it).name()] }
  def servers = management.openInstances as List
  if (act) {
    management.updateIndex(found, org.janusgraph.core.schema.SchemaAction.valueOf(act))
    management.commit()
  }
  [[states: states, servers: servers]]
} finally { CLOSE }
""".replace("CLOSE", _CLOSE),
    "nodes",
    "act",
    name="schema",
)
"""Reads the states of the keys of the mixed index and the servers, then begins the action ``act``, null for none."""

FILL: Final = PreparedStatement.of(
    """
def count = 0
rows.each { r ->
  def v = g.V(r.x).tryNext().orElse(null)
  if (v == null || v.property('record').orElse(null) != r.record) return
  count++
  r.p.each { k, x -> v.property(single, k, x) }
  r.s.each { k, many ->
    v.properties(k).toList().each { it.remove() }
    many.each { v.property(set, k, it) }
  }
}
[count]
""",
    "rows",
    name="schema",
)
"""Writes values ``p`` and sets ``s`` of the vertices ``x`` whose record is still ``record``; returns their number."""

_log = structlog.get_logger(__name__)

NativeValues = Callable[[Record], tuple[Mapping[str, Json], Mapping[str, Sequence[Json]]]]
"""A function from a record to its native values: the single ones, and the sets."""


@dataclass(frozen=True)
class SchemaUpgrade:
    """Upgrades stores to ``schema`` by the steps of ``path``; implements :class:`app.store.schema_stamp.SchemaKeeper`.

    ``commanded`` states that the caller is `mlg store upgrade`: steps that are not online are permitted. ``alone``
    states that no other process uses the store, as at the start of the embedded one. With either, values that older
    programs left out are written. ``copying`` states that the caller is `mlg store copy`, which continues a copy that
    was interrupted. ``values`` derives the native values of a record. ``deadline`` is in seconds, for each request.
    """

    schema: StoreSchema = field(default_factory=store_schema)
    path: SchemaPath = field(default_factory=SchemaPath)
    commanded: bool = False
    alone: bool = False
    copying: bool = False
    values: NativeValues = native_values
    progress: WorkProgress = field(default_factory=NoProgress)
    deadline: float = 600.0

    async def upgrade(self, endpoint: StoreEndpoint) -> None:
        """Upgrade the store at an endpoint; raises as :meth:`prepare`."""
        async with GremlinClient(endpoint, deadline=self.deadline) as client:
            await self.prepare(client)

    async def change(self, endpoint: StoreEndpoint) -> None:
        """Take the steps that the store at an endpoint lacks, without their values; raises as :meth:`prepare`."""
        async with GremlinClient(endpoint, deadline=self.deadline) as client:
            await self._changed(client, await self._accepted(client))

    async def prepare(self, client: GremlinClient) -> StoredSchema:
        """Refuse the store, or bring it to the version of this program, and return its state.

        A store of a newer version that admits this program stays as it is.

        Raises SchemaMismatchError for a version that this program neither runs on nor upgrades now, for a store that
        lacks keys of its version, and while a copy fills it. Raises StoreStartError if a new key of the index is
        not enabled in time, and the errors of the driver.
        """
        before = await self._accepted(client)
        if before.version > self.schema.version:
            _log.warning("store_schema_newer", stored=before.version, own=self.schema.version)
            return before
        state = await self._changed(client, before)
        await repeat_contended(partial(client.submit, ADD, self._additions(), writes=True))
        state = await self._completed(client, state)
        await self._refuse_incomplete(client, ENABLE_SECONDS if state.version > before.version else 0.0)
        return state if state.recorded else await self._recorded(client, state)

    async def _accepted(self, client: GremlinClient) -> StoredSchema:
        """Return the state of a store that is not refused."""
        state = await read_stored_schema(client, self.path, INDEX)
        self._refuse(state)
        return state

    async def _changed(self, client: GremlinClient, state: StoredSchema) -> StoredSchema:
        """Take the steps that follow a state; none if the store has the version of this program, or a newer one.

        A state that is not recorded is inferred from the keys of the index, so it is recorded before a step adds some.
        """
        steps = self.path.after(state.version)
        if steps and not state.recorded:
            state = await self._write(client, state)
        for number, step in steps:
            state = await self._apply(client, state, number, step)
        return state

    async def _recorded(self, client: GremlinClient, state: StoredSchema) -> StoredSchema:
        """Record the version of a store that has none, unless its disk is full: its reads are served nevertheless."""
        try:
            return await self._write(client, state)
        except StoreUnavailableError as error:
            if error.reason is not StoreReason.DISK_SPACE:
                raise
            _log.warning("store_version_not_recorded", reason=str(error))
            return state

    def _refuse(self, state: StoredSchema) -> None:
        """Raise SchemaMismatchError if this program cannot run on the store, and cannot upgrade it now."""
        own, found = self.schema.version, state.version
        start = f"The store has schema version {found}; this program uses version {own}."
        if state.copying is not None and not self.copying:
            raise SchemaMismatchError(
                "The store is being filled by `mlg store copy`, which has not ended: run the same command again, then "
                "start this program."
            )
        if found > own and state.admits > own:
            raise SchemaMismatchError(
                f"{start} Use the release of `mlg` that upgraded it, or a later one.", found=found, expected=own
            )
        if found < own and found not in self.schema.upgrades:
            older = [str(each) for each in sorted(self.schema.upgrades)]
            upgraded = f"only {', '.join(older)}" if older else "no other version"
            raise SchemaMismatchError(
                f"{start} This program upgrades {upgraded}. Export the data with the release of `mlg` that wrote them, "
                "and import them into an empty store.",
                found=found,
                expected=own,
            )
        if found < own and found not in self.schema.at_start and not self.commanded:
            raise SchemaMismatchError(
                f"{start} Stop all processes of the store, write a backup, and run `mlg store upgrade`.",
                found=found,
                expected=own,
            )

    async def _refuse_incomplete(self, client: GremlinClient, seconds: float) -> None:
        """Raise SchemaMismatchError if the index lacks keys that this program reads.

        Another server of the store may show new keys later, in ``seconds`` at most.
        """
        wanted = {str(entry["propertyKey"]) for entry in self._entries()}
        end = monotonic() + seconds
        while True:
            state = await read_stored_schema(client, self.path, INDEX)
            missing = sorted(key for key in wanted if state.keys.get(key) != ENABLED)
            if not missing:
                return
            if monotonic() < end:
                await asyncio.sleep(_PAUSE)
                continue
            raise SchemaMismatchError(
                f"The index of the store lacks {', '.join(missing)}, or has them disabled, so its schema is not that "
                "of any version of this program. Use an empty store with the schema of `mlg store schema`.",
                missing=missing,
            )

    async def _apply(self, client: GremlinClient, state: StoredSchema, number: int, step: SchemaStep) -> StoredSchema:
        """Apply one step and record its version; older programs are refused first if the step is not online."""
        _log.info("store_schema_step", version=number, adds=step.adds)
        if not step.online:
            state = await self._write(client, replace(state, admits=number))
        additions = self._additions() | {"entries": self._entries(step.indexed)}
        await repeat_contended(partial(client.submit, ADD, additions, writes=True))
        await self._enable(client, step.indexed)
        await asyncio.sleep(SHOWN_SECONDS)
        return await self._write(client, replace(state, version=number))

    async def _completed(self, client: GremlinClient, state: StoredSchema) -> StoredSchema:
        """Refuse older programs from now on, and write the values of the new keys of all records.

        If neither ``commanded`` nor ``alone`` is set, only log that this remains to be done.
        """
        if state.admits == state.filled == state.version:
            return state
        if not (self.commanded or self.alone):
            _log.warning("store_upgrade_incomplete", stored=state.version, admits=state.admits, run="mlg store upgrade")
            return state
        state = await self._write(client, replace(state, admits=state.version))
        await self._fill(client, [name for _, step in self.path.after(state.filled) for name in step.indexed])
        return await self._write(client, replace(state, filled=state.version))

    async def _enable(self, client: GremlinClient, names: Collection[str]) -> None:
        """Wait until keys of the index are enabled; raises StoreStartError after ENABLE_SECONDS."""
        end, acted = monotonic() + ENABLE_SECONDS, ""
        while True:
            (row,) = await client.submit(ENABLE, {"nodes": INDEX, "act": None})
            states = {row["states"].get(name) for name in names}
            due = next((action for state, action in _ACTIONS.items() if state in states and action != acted), None)
            if due is not None:
                # once: a second one while the servers confirm would conflict with the change of the state
                await repeat_contended(partial(client.submit, ENABLE, {"nodes": INDEX, "act": due}, writes=True))
                acted = due
            waiting = {name: row["states"].get(name) for name in names if row["states"].get(name) != ENABLED}
            if not waiting:
                return
            if monotonic() >= end:
                raise StoreStartError(
                    f"The index has not enabled {waiting} within {ENABLE_SECONDS:g} s. All servers of the store must "
                    f"confirm a key, and these are registered: {row['servers']}. Close those that have ended "
                    "(`forceCloseInstance` of JanusGraph's management), then start again."
                )
            await asyncio.sleep(_PAUSE)

    async def _fill(self, client: GremlinClient, names: Sequence[str]) -> None:
        """Write the native values ``names`` of all records."""
        report = self.progress.begin(f"writing {', '.join(names)}")
        async for page in element_pages(client):
            report(len(page.vertices))
            rows = [row for vertex in page.vertices if (row := self._row(vertex, names))]
            for start in range(0, len(rows), _FILLED_AT_ONCE):
                chunk = rows[start : start + _FILLED_AT_ONCE]
                await repeat_contended(partial(client.submit, FILL, {"rows": chunk}, writes=True))

    def _row(self, vertex: VertexElement, names: Collection[str]) -> JsonObject | None:
        """Return the row of :data:`FILL` for a vertex, None if there is nothing to write."""
        text = dict(vertex.values).get("record")
        if text is None or vertex.label not in ALL_KINDS:
            return None
        single, sets = self.values(record_of(text))
        kept = {key for key, _ in vertex.values} & MARKS
        own = {name: value for name, value in single.items() if name in names and name not in kept}
        many = {name: [*members] for name, members in sets.items() if name in names}
        return {"x": vertex.vid, "record": text, "p": own, "s": many} if own or many else None

    def _additions(self) -> JsonObject:
        """Return the bindings of :data:`ADD` without entries of the index."""
        document = orjson.loads(self.schema.with_self_check())
        return {
            "labels": [each["label"] for each in document["vertexLabels"]],
            "fields": document["propertyKeys"],
            "links": document["edgeLabels"],
            "orders": document["vertexCentricEdgeIndexes"],
            "nodes": INDEX,
            "entries": [],
        }

    def _entries(self, names: Collection[str] | None = None) -> list[JsonObject]:
        """Return the entries of the mixed index, those with one of ``names`` only."""
        (found,) = orjson.loads(self.schema.init_json)["mixedIndexes"]
        return [entry for entry in found["keys"] if names is None or entry["propertyKey"] in names]

    async def _write(self, client: GremlinClient, state: StoredSchema) -> StoredSchema:
        await repeat_contended(partial(write_stored_schema, client, state))
        return replace(state, recorded=True)
