"""Along lineage for many levels: walks, and searches for paths (ADR 0010).

``expander`` reads what a vertex leads to, each vertex once an operation and all of one level in one request; ``levels``
walks breadth first, ``paths`` searches from both ends, and ``budget`` says when to stop.
"""
