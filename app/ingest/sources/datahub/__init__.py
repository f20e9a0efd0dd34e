"""Maps DataHub's metadata files to items of the API.

``aspect_files`` reads the files into entities, and ``names`` converts foreign ids to URNs. ``shared_aspects`` maps the
aspects that entity types share, and each ``map_…`` module some entity types. ``mapping`` maps all entities whose type
has a kind.
"""
