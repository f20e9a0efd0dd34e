"""Maps an MLflow tracking server with its model registry to items of the API.

``registry_client`` reads the server, or its database, through MLflow's own client into the values of
``registry_records``. ``field_table`` lists how each field is mapped, ``mapping`` applies it, and ``registry_names``
makes the ids. ``registry_import`` runs the import in stages.
"""
