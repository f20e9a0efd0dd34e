"""Compares the index of an external store with the stored vertices, and indexes what is missing.

JanusGraph commits the storage first and the index after it. If Elasticsearch is away meanwhile, the write is confirmed,
and the index lacks it for ever: JanusGraph logs the failure and does not repeat it. The same happens if the server of
JanusGraph ends between the two.

The text ``COMPARE`` makes the document of each vertex as a commit would, and compares it with the document in
Elasticsearch. That is read by its id, which needs no refresh of the index. What differs is written again by the same
method as JanusGraph's own job for reindexing (:mod:`app.graph.admin.reindex`), which would write every document.

A vertex may be written between its read and the write of its document. The document would then be an old one, so
everything is compared once more after it was written.

JanusGraph creates the index in Elasticsearch only with the schema of a new store. If it is lost later, Elasticsearch
would make another one for the first document, with types that it guesses, in which filters find nothing. So the index
is created here (:func:`create_absent_index`), and `action.auto_create_index` forbids Elasticsearch to do it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.graph.driver.errors import StoreFailedError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.native.mixed_index import INDEX
from graphql_schema.ports.record import Json

BATCH: Final = 250
"""Maximal number of vertices that one request compares."""

COMPARE: Final = PreparedStatement.of(
    """
def graph = g.getGraph()
def plain
plain = { found ->
  if (found instanceof Map) {
    def rows = found.collectEntries { k, each -> [k, plain(each)] }
    return rows.findAll { k, each -> each != null && each != [] }
  }
  if (found instanceof Object[] || found instanceof Collection) {
    def many = (found as List).collect { plain(it) }.sort()
    return many.size() == 1 ? many[0] : many
  }
  found == null ? null : found.toString()
}
def compare = { repairs ->
  def management = graph.openManagement()
  try {
    def index = management.getGraphIndex(nodes).getBaseIndex()
    def provider = graph.getBackend().getIndexInformation()[index.getBackingIndexName()]
    if (provider.getClass().getSimpleName() != 'ElasticSearchIndex') return null
    def tx = management.getWrappedTx()
    def documents = [:]
    tx.getVertices(xs as Object[]).each { graph.getIndexSerializer().reindexElement(it, index, documents) }
    def store = index.getStoreName()
    def wanted = documents[store]
    if (!wanted) return [0, 0]
    def keys = graph.getIndexSerializer().getIndexInfoRetriever(tx).get(index.getBackingIndexName()).get(store)
    def body = groovy.json.JsonOutput.toJson([ids: wanted.keySet()]).getBytes('UTF-8')
    def path = '/' + provider.getIndexStoreName(store) + '/_mget'
    def response = provider.client.performRequest('POST', path, body)
    def there = [:]
    new groovy.json.JsonSlurper().parse(response.getEntity().getContent(), 'UTF-8').docs.each {
      if (it.found) there[it._id] = plain(it._source)
    }
    def differing = wanted.findAll { x, entries -> plain(provider.getNewDocument(entries, keys)) != there[x] }
    if (repairs && differing) {
      tx.getTxHandle().getIndexTransaction(index.getBackingIndexName()).restore([(store): differing])
    }
    [wanted.size(), differing.size()]
  } finally {
    management.rollback()
  }
}
def first = compare(true)
first == null ? [] : [[first[0], first[1], first[1] == 0 ? 0 : compare(false)[1]]]
""",
    "nodes",
    "xs",
    name="index",
)
"""Compares the vertices ``xs`` with the index ``nodes``, and writes the documents that differ.

The response has no row if the index is not in Elasticsearch. Else it is one row ``[number of vertices that belong in
the index, of those that differed, of those that still differ]``. The text calls public methods of JanusGraph 1.1, and a
private one of its client of Elasticsearch.
"""


CREATE: Final = PreparedStatement.of(
    """
def graph = g.getGraph()
def management = graph.openManagement()
try {
  def index = management.getGraphIndex(nodes).getBaseIndex()
  def provider = graph.getBackend().getIndexInformation()[index.getBackingIndexName()]
  if (provider.getClass().getSimpleName() != 'ElasticSearchIndex') return []
  if (provider.client.indexExists(provider.getIndexStoreName(index.getStoreName()))) return [false]
  def tx = management.getWrappedTx().getTxHandle()
  index.getFieldKeys().each {
    org.janusgraph.graphdb.database.IndexSerializer.register(index, it.getFieldKey(), tx)
  }
  [true]
} finally {
  management.rollback()
}
""",
    "nodes",
    name="index",
)
"""Creates the index ``nodes`` in Elasticsearch with the types of its fields, if it is absent.

The response has no row if the index is not in Elasticsearch, else one row: whether the index was absent. The text calls
the method with which JanusGraph registers a field that joins an index.
"""


@dataclass(frozen=True, slots=True)
class RepairCounts:
    """How many vertices were compared, how many of them differed, and how many still did after they were written."""

    compared: int = 0
    differing: int = 0
    failed: int = 0

    def __add__(self, other: "RepairCounts") -> "RepairCounts":
        return RepairCounts(
            self.compared + other.compared, self.differing + other.differing, self.failed + other.failed
        )


class IndexNotComparableError(StoreFailedError):
    """The index of the store is not in Elasticsearch."""


async def repair(client: GremlinClient, vids: Sequence[int]) -> RepairCounts:
    """Compare the vertices with the index, index those that differ, and return the counts.

    Absent vertices, and those without an indexed property, do not count.

    The request counts as a read, so the client may repeat it: a document that is written twice is the same. Raises
    IndexNotComparableError if the index is not in Elasticsearch, and the errors of :meth:`GremlinClient.submit`; the
    same vertices can be compared again.
    """
    counts = RepairCounts()
    for start in range(0, len(vids), BATCH):
        rows = await client.submit(COMPARE, {"nodes": INDEX, "xs": vids[start : start + BATCH]})
        counts += RepairCounts(*_of_elasticsearch(rows))
    return counts


async def create_absent_index(client: GremlinClient) -> bool:
    """Create the index in Elasticsearch if it is absent, without documents, and return whether it was absent.

    Raises as :func:`repair`.
    """
    created: bool = _of_elasticsearch(await client.submit(CREATE, {"nodes": INDEX}))
    return created


def _of_elasticsearch(rows: Sequence[Json]) -> Json:
    """Return the row of a response; raise IndexNotComparableError without one."""
    if not rows:
        raise IndexNotComparableError(
            "The index of the store is not in Elasticsearch, so it is not compared; rebuild it with JanusGraph's "
            "management (docs/store.md)."
        )
    return rows[0]
