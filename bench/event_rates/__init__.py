"""Events of OpenLineage at a rate: a file of many events, and emitters over HTTP with a kill of the API."""
