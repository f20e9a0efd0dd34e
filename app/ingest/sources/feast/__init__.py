"""Maps a registry of Feast to dataset events and items of the API.

:mod:`~app.ingest.sources.feast.registry` reads what `feast registry-dump` writes, which is the same for every kind of
registry. :mod:`~app.ingest.sources.feast.feast_sources` names the tables and files that features are computed from, and
:mod:`~app.ingest.sources.feast.mapping` makes the items. Nothing here sends a request.
"""
