"""The schema of a store as the store has it: its versions, and the state of its mixed index.

JanusGraph has the state of the index. The vertex ``STATE`` has the rest as JSON in ``note``:

| key | value |
|---|---|
| ``version`` | version of the schema |
| ``admits`` | oldest version of the programs that may run on the store |
| ``filled`` | version up to which all vertices have their native values |
| ``copying`` | progress of `mlg store copy` into the store, null without one |

Its label is ``SelfCheck``, so it belongs to this store alone. A store without the vertex is of the version whose keys
its index has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import orjson

from app.graph.admin.schema_steps import FIRST_VERSION, SchemaPath
from app.graph.driver.contended_request import repeat_contended
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, render
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.touched import NOTHING
from app.graph.records.vertex_id import vertex_id
from app.store.errors import SchemaMismatchError
from graphql_schema.ports.record import JsonObject

STATE: Final = vertex_id("store state", "schema")
"""Vertex id of the state: a hash of a text that is not a URN."""

ENABLED: Final = "ENABLED"
"""The state of a key of the index that is written and read."""

_READ: Final = PreparedStatement.of(
    f"""
def state = {render(g.V(param("x")).values("note"))}.tryNext().orElse(null)
def management = g.getGraph().openManagement()
try {{
  def found = management.getGraphIndex(nodes)
  def keys = found == null ? null : found.fieldKeys.collectEntries {{ [it.name(), found.getIndexStatus(it).name()] }}
  [[state: state, keys: keys]]
}} finally {{ management.rollback() }}
""",
    "x",
    "nodes",
    name="schema",
)

SET_STATE: Final = """
def holder = g.V(state.x).tryNext().orElse(null) ?: g.addV('SelfCheck').property(T.id, state.x).next()
holder.property(single, 'note', state.note)
"""
"""Groovy that writes the binding ``state``, made by :meth:`StoredSchema.binding`, as part of a transaction."""

_WRITE: Final = PreparedStatement.of(f"{SET_STATE}\n[true]", "state", name="schema")


@dataclass(frozen=True, slots=True)
class StoredSchema:
    """The state of a store; ``keys`` are the keys of its mixed index with their states, such as ENABLED.

    ``copying`` is the progress of a copy into the store, None without one. ``recorded`` states whether the store has
    the vertex STATE.
    """

    version: int
    admits: int
    filled: int
    keys: Mapping[str, str]
    copying: JsonObject | None = None
    recorded: bool = True

    def binding(self) -> JsonObject:
        """Return the binding of :data:`SET_STATE`."""
        stored = {"version": self.version, "admits": self.admits, "filled": self.filled, "copying": self.copying}
        return {"x": STATE, "note": orjson.dumps(stored).decode()}


async def read_stored_schema(client: GremlinClient, path: SchemaPath, nodes: str) -> StoredSchema:
    """Return the state of a store; ``nodes`` is the name of its mixed index.

    A read that waited in vain for the lock of a writer, such as a copy into the store, is repeated. Raises
    SchemaMismatchError if the store has no such index, and the errors of :meth:`GremlinClient.submit`.
    """
    (row,) = await repeat_contended(partial(client.submit, _READ, {"x": STATE, "nodes": nodes}))
    keys = row["keys"]
    if keys is None:
        raise SchemaMismatchError(
            f"The store at {client.urls} has no schema. Write it with `mlg store schema`, name the file in "
            "`schema.init.json.file` of JanusGraph, and start JanusGraph again."
        )
    if row["state"] is not None:
        found = orjson.loads(row["state"])
        return StoredSchema(found["version"], found["admits"], found["filled"], keys, found["copying"])
    version = FIRST_VERSION
    for number, step in path.after(FIRST_VERSION):
        if not keys.keys() >= {*step.indexed}:
            break
        version = number
    return StoredSchema(version, version, version, keys, recorded=False)


async def write_stored_schema(client: GremlinClient, state: StoredSchema) -> None:
    """Write the state; raises the errors of :meth:`GremlinClient.submit`."""
    await client.submit(_WRITE, {"state": state.binding()}, writes=NOTHING)
