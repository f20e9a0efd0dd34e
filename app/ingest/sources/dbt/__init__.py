"""Maps the artifacts of dbt to dataset events, items and check results of the API.

:mod:`~app.ingest.sources.dbt.artifacts` reads the files, and :mod:`~app.ingest.sources.dbt.dbt_names` makes the
names and ids. Tables become dataset events of OpenLineage, so that they fold with the events of other senders. Models,
exposures and metrics become items, and results of tests become check results. How each member is mapped is in tables of
rules, of which docs/dbt-mapping.md is made. Nothing here sends a request.
"""
