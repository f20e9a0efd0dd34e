"""The HTTP and WebSocket interface: GraphQL over HTTP, subscriptions, health checks, and the errors of all three."""
