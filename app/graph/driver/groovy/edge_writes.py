"""The Groovy class ``EdgeWrites``: adds and changes edges without a look at the other ones of a vertex.

For each edge that is added or changed, JanusGraph compares all edges that the transaction has added at its source, to
keep the multiplicity SIMPLE. To write 4,900 outputs of a run so takes six seconds. Whoever plans a transaction knows
which edges are stored, and the key of a stored SIMPLE edge has no more than its label and its ends. So the comparison
would find nothing. These methods add relations as ``StandardJanusGraphTx.addEdge`` does after it, and use what is
private there. What they write is compared with what JanusGraph writes
(tests/integration/app/graph/driver/groovy/test_edge_writes.py).
"""

from typing import Final

EDGE_WRITES: Final = """
class EdgeWrites {
  static final int MANY = 100

  static void add(Graph graph, Vertex a, String label, Vertex b, Map<String, Object> values) {
    def tx = graph.getCurrentThreadTx()
    long id = org.janusgraph.graphdb.idmanagement.IDManager.getTemporaryRelationID(tx.temporaryIds.nextID())
    def added = new org.janusgraph.graphdb.relations.StandardEdge(
      id, tx.getEdgeLabel(label), a.it(), b.it(), org.janusgraph.graphdb.internal.ElementLifeCycle.New)
    if (tx.config.hasAssignIDsImmediately()) graph.assignID(added)
    tx.connectRelation(added)
    values.each { k, v -> added.property(k, v) }
  }

  static void change(Graph graph, Edge stored, Map<String, Object> values) {
    def all = [:]
    stored.properties().each { all[it.key()] = it.value() }
    def a = stored.outVertex(), b = stored.inVertex()
    stored.remove()
    add(graph, a, stored.label(), b, all + values)
  }
}
"""
"""``add`` writes an edge that is not stored, and ``change`` replaces one that is, with the same values but those given.

Both take longer than JanusGraph does for a vertex that fewer than ``MANY`` written edges leave.
"""
