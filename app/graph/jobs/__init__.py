"""Background jobs: sensitivity, tags and inferred edges (by :mod:`graphql_schema.catalog.inference_rules`).

``chains`` derives, from what edges say of themselves, the chains that lead somewhere; ``walks`` reads these edges, for
many vertices at once; ``job`` writes what is derived and goes on where it was. What a write leaves to it is noted by
:mod:`app.graph.writing.effects.inference_outbox`, how an inferred edge is stored and shown is in
:mod:`app.graph.records.inferred_edge`; docs/enrichment.md explains, docs/adr/0011-enrichment.md says why.
"""
