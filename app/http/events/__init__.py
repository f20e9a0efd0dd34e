"""Events over HTTP: `POST /api/v1/lineage` of the clients of OpenLineage, one event or a batch."""
