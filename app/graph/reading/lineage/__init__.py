"""Along lineage for many levels: walks, searches for paths, and health (ADR 0010).

``expander`` reads what a vertex leads to, each vertex once an operation and all of one level in one request; ``levels``
walks breadth first, ``paths`` searches from both ends, and ``budget`` says when to stop. ``health`` walks upstream and
hears what ``signs`` reads of each level in the request that expands it.
"""
