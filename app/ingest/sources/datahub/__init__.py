"""Maps DataHub's metadata files to items of the API.

``aspect_files`` reads the files into entities, and ``names`` gives every foreign id its URN. ``shared_aspects`` maps
the aspects that all entity types have, each ``map_…`` module some entity types, and ``mapping`` all in order.
"""
