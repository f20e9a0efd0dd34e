"""Events over HTTP: `POST /api/v1/lineage` of the clients of OpenLineage, and thin events at `POST /ingest/events`."""
