"""Events of OpenLineage, specification 2-0-2, as commands of a writer.

:mod:`~app.ingest.sources.openlineage.lineage_event` checks an event, :mod:`~app.ingest.sources.openlineage.event_names`
turns its names into ids, and :mod:`~app.ingest.sources.openlineage.mapping` makes the commands. How each facet is
mapped is one table, :mod:`~app.ingest.sources.openlineage.facet_table`, of which docs/openlineage-facets.md is made.
These modules read no file and send no request.
"""
