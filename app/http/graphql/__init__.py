"""GraphQL over HTTP: request parameters, execution, and the status and body of the response."""
