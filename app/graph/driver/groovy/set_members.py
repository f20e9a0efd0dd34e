"""The Groovy class ``SetMembers``: adds members to a set of a vertex without a look at the stored ones.

For each member that is added to an indexed set, JanusGraph reads, decodes and compares all stored members. To replace
480 words of a name so takes 1.2 seconds, and 5 ms with this class. It adds the relation as
``StandardJanusGraphTx.addProperty`` does after the comparison, and uses what is private there. What it writes is
compared with what JanusGraph writes (tests/integration/app/graph/driver/groovy/test_set_members.py).
"""

from typing import Final

SET_MEMBERS: Final = """
class SetMembers {
  static void add(Graph graph, Vertex v, String name, Collection<Object> members) {
    def tx = graph.getCurrentThreadTx()
    def key = tx.getPropertyKey(name)
    for (Object each : members) {
      long id = org.janusgraph.graphdb.idmanagement.IDManager.getTemporaryRelationID(tx.temporaryIds.nextID())
      def added = new org.janusgraph.graphdb.relations.StandardVertexProperty(
        id, key, v.it(), each, org.janusgraph.graphdb.internal.ElementLifeCycle.New)
      if (tx.config.hasAssignIDsImmediately()) graph.assignID(added)
      tx.connectRelation(added)
    }
  }
}
"""
"""The members must be texts, and differ from each other and from the stored ones. The key is a set, and is not unique.
"""
