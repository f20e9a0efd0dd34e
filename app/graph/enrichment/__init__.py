"""Enrichment: edges that follow from chains of others by the rules of :mod:`graphql_schema.enrichment`, by a job.

``chains`` derives, from what edges say of themselves, the chains that lead somewhere; ``walks`` reads these edges, for
many vertices at once; ``job`` writes what is derived and goes on where it was. What a write leaves to it is noted by
:mod:`app.graph.writing.enriching`, how an inferred edge is stored and shown is in :mod:`app.graph.inferred`;
docs/enrichment.md explains, docs/adr/0011-enrichment.md says why.
"""
