"""One request to the store: the Gremlin text, the HTTP transport, and the response as rows or as a translated error."""
