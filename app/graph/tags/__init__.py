"""Tags that propagate: the job that lets them arrive wherever data flows, and takes back what has no cause any more.

A tag flows where sensitivity does (:mod:`app.graph.sensitivity`), and at no kind does it stop: along carrying edges,
from a part to what the edges of its whole lead to, from a whole to its parts. Deleted assets, and those that keep it
out, carry nothing, and nothing flows over their edges. Each asset at which a tag arrives knows from which it came, and
how many steps it is from the nearest that carries the tag directly: one more than that source, so no cycle holds itself
up.

``carriers`` reads who carries a tag, ``work`` decides, ``job`` writes. docs/tags.md explains, and says why.
"""
