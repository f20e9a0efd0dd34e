"""Lineage queries over many levels: lineage, impact, paths, health and contamination.

``expander`` reads the edges of vertices and their asset groups, level by level. ``lineage_walk`` walks breadth first
over these edges and ``path_search`` searches from both ends. ``health_walk`` walks upstream and adds the findings on
each level: ``health_evidence`` reads the evidence in the same request, and ``health_findings`` weighs it.
``data_sources`` walks upstream to the data that an asset was made from, and ``contamination_walk`` compares such walks.
``lineage_visibility`` decides which lineage is visible to the caller, ``walk_budget`` bounds the work, and
``walk_session`` is the state that all queries of an operation share. The rules are in docs/design/lineage-rules.md, the
decision in docs/adr/0010-walks.md.
"""
